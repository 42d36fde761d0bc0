"""The police report: each department has a form of its own."""

from __future__ import annotations

from random import Random
from typing import Final

from app.insurance.demo.samples.model import CaseFile
from app.insurance.demo.samples.papers.sheet import Field, FieldLayout, FontName, Sheet
from app.insurance.demo.samples.papers.written import DayStyle, day

_LABELS: Final[dict[FieldLayout, tuple[str, ...]]] = {
    "lines": (
        "Report number",
        "Date of accident",
        "Time",
        "Report filed",
        "Location",
        "Reporting officer",
        "Badge",
        "Vehicle owner",
        "Vehicle",
        "Year",
        "VIN",
        "Plate",
        "Visible damage",
    ),
    "columns": (
        "Police report no.",
        "Date of incident",
        "Time of incident",
        "Date filed",
        "Place",
        "Officer",
        "Badge no.",
        "Registered owner",
        "Make / model",
        "Model year",
        "Vehicle identification number",
        "License plate",
        "Damage observed",
    ),
    "boxes": (
        "REPORT NO.",
        "DATE OF CRASH",
        "TIME",
        "DATE OF REPORT",
        "LOCATION",
        "INVESTIGATING OFFICER",
        "BADGE",
        "OWNER UNIT 1",
        "MAKE / MODEL UNIT 1",
        "YEAR",
        "VIN",
        "PLATE",
        "DAMAGED PARTS UNIT 1",
    ),
}
_TITLES: Final[dict[FieldLayout, str]] = {
    "lines": "Accident Report",
    "columns": "Police Incident Report: Traffic",
    "boxes": "POLICE CRASH REPORT",
}
_DAYS: Final[dict[FieldLayout, DayStyle]] = {"lines": "iso", "columns": "long", "boxes": "us"}
_FONTS: Final[dict[FieldLayout, FontName]] = {"lines": "Courier", "columns": "Times", "boxes": "Helvetica"}


def police_report(case: CaseFile, rng: Random) -> bytes:
    """The report in one of three departmental forms."""
    layouts: tuple[FieldLayout, ...] = ("lines", "columns", "boxes")
    layout = rng.choice(layouts)
    report, vehicle, days = case.police, case.police.vehicle, _DAYS[layout]
    answers = (
        report.number,
        day(report.date_of_loss, days),
        report.time,
        day(report.filed, days),
        report.place,
        report.officer,
        report.badge,
        report.owner,
        f"{vehicle.make} {vehicle.model}",
        str(vehicle.year),
        vehicle.vin,
        vehicle.plate,
        ", ".join(report.damage),
    )
    fields: list[Field] = list(zip(_LABELS[layout], answers, strict=True))
    sheet = Sheet(case.today, _FONTS[layout])
    sheet.heading(_TITLES[layout], report.agency, "Traffic Division")
    sheet.fields(layout, fields)
    sheet.section("Narrative")
    sheet.prose(report.narrative)
    sheet.prose(f"Report prepared by {report.officer}, badge {report.badge}.")
    return sheet.content()
