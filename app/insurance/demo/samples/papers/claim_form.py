"""The first notice of loss: a form with lines, a table or boxes, or a letter written by hand of the claimant."""

from __future__ import annotations

from random import Random
from typing import Final

from app.insurance.demo.samples.model import CaseFile, ClaimForm
from app.insurance.demo.samples.papers.sheet import Field, FieldLayout, FontName, Sheet
from app.insurance.demo.samples.papers.written import DayStyle, MoneyStyle, day, listed, money
from app.insurance.demo.samples.vocabulary import INSURER

# The same questions as three editions of the form put them.
_LABELS: Final[dict[FieldLayout, tuple[str, ...]]] = {
    "lines": (
        "Claim number",
        "Policy number",
        "Insured",
        "Phone",
        "Address",
        "Date of loss",
        "Time of loss",
        "Date reported",
        "Place of loss",
        "Vehicle",
        "Model year",
        "VIN",
        "License plate",
        "Police report number",
        "Police department",
        "Damaged parts",
        "Amount claimed",
        "What happened",
    ),
    "columns": (
        "Claim No.",
        "Policy No.",
        "Name of insured",
        "Telephone",
        "Home address",
        "Date of accident",
        "Time",
        "Reported on",
        "Location",
        "Make and model",
        "Year",
        "Vehicle identification number",
        "Plate",
        "Police report no.",
        "Reported to",
        "Damage",
        "Total amount claimed",
        "Description of accident",
    ),
    "boxes": (
        "CLAIM NUMBER",
        "POLICY NUMBER",
        "NAME OF INSURED",
        "PHONE",
        "MAILING ADDRESS",
        "DATE OF LOSS",
        "TIME OF LOSS",
        "DATE OF NOTICE",
        "LOCATION OF LOSS",
        "MAKE / MODEL",
        "YEAR",
        "V.I.N.",
        "PLATE NUMBER",
        "REPORT NUMBER",
        "POLICE DEPARTMENT CONTACTED",
        "DESCRIBE DAMAGE (PARTS)",
        "AMOUNT CLAIMED",
        "DESCRIPTION OF ACCIDENT",
    ),
}
_TITLES: Final[dict[FieldLayout, str]] = {
    "lines": "Motor Claim Form",
    "columns": "First Notice of Loss",
    "boxes": "AUTOMOBILE LOSS NOTICE",
}
# The boxed edition is the US form: month first.
_DAYS: Final[dict[FieldLayout, DayStyle]] = {"lines": "long", "columns": "iso", "boxes": "us"}


def claim_form(case: CaseFile, rng: Random) -> bytes:
    """The claimant's notice, as one of three editions of the form or as a letter."""
    layout = rng.choice(("lines", "columns", "boxes", "letter"))
    money_style: MoneyStyle = rng.choice(("plain", "dollar", "code"))
    match layout:
        case "lines" | "columns" | "boxes":
            return _printed(case, layout, money_style)
        case _:
            return _letter(case)


def _printed(case: CaseFile, layout: FieldLayout, money_style: MoneyStyle) -> bytes:
    form, days = case.form, _DAYS[layout]
    font: FontName = "Times" if layout == "columns" else "Helvetica"
    sheet = Sheet(case.today, font)
    sheet.heading(_TITLES[layout], INSURER)
    sheet.fields(layout, list(zip(_LABELS[layout], _answers(form, days, money_style), strict=True)))
    sheet.prose("I declare that the statements above are true to the best of my knowledge.")
    sheet.prose(f"Signed: {form.claimant}, {day(form.reported, days)}")
    return sheet.content()


def _answers(form: ClaimForm, days: DayStyle, money_style: MoneyStyle) -> tuple[str, ...]:
    vehicle = form.vehicle
    return (
        form.claim,
        form.policy,
        form.claimant,
        form.phone,
        form.address,
        day(form.date_of_loss, days),
        form.time,
        day(form.reported, days),
        form.place,
        f"{vehicle.make} {vehicle.model}",
        str(vehicle.year),
        vehicle.vin,
        vehicle.plate,
        form.police_report,
        form.agency,
        ", ".join(form.damage),
        money(form.amount_claimed, money_style),
        form.description,
    )


def _letter(case: CaseFile) -> bytes:
    form, vehicle = case.form, case.form.vehicle
    sheet = Sheet(case.today, "Times")
    sender: list[Field] = [("From", form.claimant), ("Address", form.address), ("Phone", form.phone)]
    sheet.fields("lines", sender)
    sheet.prose(day(form.reported, "long"))
    sheet.prose(f"To {INSURER}, Claims Department")
    sheet.section(f"Notice of loss, policy number {form.policy}, claim number {form.claim}")
    sheet.prose("Dear claims team,")
    sheet.prose(
        f"I wish to report an accident. The date of loss was {day(form.date_of_loss, 'long')}, at about {form.time}, "
        f"and the place of loss was {form.place}. {form.description}"
    )
    sheet.prose(
        f"My car is a {vehicle.year} {vehicle.make} {vehicle.model}, license plate {vehicle.plate}, VIN {vehicle.vin}. "
        f"The damaged parts are: {listed(form.damage)}."
    )
    sheet.prose(
        f"The accident was reported to the {form.agency}; the police report number is {form.police_report}. "
        f"The amount claimed is {money(form.amount_claimed, 'dollar')}."
    )
    sheet.prose("Sincerely,")
    sheet.prose(form.claimant)
    return sheet.content()
