"""What people send along: a photo sheet, the declarations page of the policy, a covering letter."""

from __future__ import annotations

from random import Random
from typing import Final

from PIL import Image, ImageDraw

from app.insurance.demo.samples.model import CalendarDay, CaseFile
from app.insurance.demo.samples.papers.sheet import Field, Sheet
from app.insurance.demo.samples.papers.written import day, listed, money
from app.insurance.demo.samples.vocabulary import INSURER

_PHOTOS: Final = 4


def photo_sheet(case: CaseFile, rng: Random) -> bytes:
    """Up to four pictures of damaged parts, each captioned with the part and the day it was taken."""
    sheet = Sheet(case.today, "Helvetica")
    sheet.heading("Photo Sheet", f"Claim {case.claim}", f"{case.form.vehicle.plate}, {case.form.vehicle.make}")
    paint = rng.choice(("#9c2f2f", "#2f4f9c", "#3d6b45", "#70757c", "#c9a227"))
    taken = day(case.form.reported, "iso")
    for number, part in enumerate(case.form.damage[:_PHOTOS], 1):
        sheet.picture(_snapshot(rng, paint), f"Photo {number}: {part}, taken {taken}")
    return sheet.content()


def _snapshot(rng: Random, paint: str) -> Image.Image:
    """A dented panel, drawn: a picture is wanted here, not a likeness."""
    image = Image.new("RGB", (320, 180), (178, 184, 190))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((20, 30, 300, 165), radius=24, fill=paint)
    for _ in range(rng.randint(5, 9)):
        x, y, reach = rng.randint(60, 240), rng.randint(50, 130), rng.randint(8, 40)
        draw.line((x, y, x + reach, y + rng.randint(-20, 20)), fill=(40, 40, 40), width=rng.randint(1, 4))
    return image


def policy_declaration(case: CaseFile) -> bytes:
    """The declarations page of the policy as the insurer has it."""
    policy, vehicle = case.policy, case.policy.vehicle
    start, end = (day(CalendarDay.of(each), "us") for each in (policy.valid_from, policy.valid_to))
    sheet = Sheet(case.today, "Helvetica")
    sheet.heading("Policy Declarations", INSURER, "Personal automobile policy")
    fields: list[Field] = [
        ("POLICY NUMBER", policy.number),
        ("NAMED INSURED", policy.insured),
        ("POLICY PERIOD FROM", start),
        ("POLICY PERIOD TO", end),
        ("VEHICLE", f"{vehicle.year} {vehicle.make} {vehicle.model}"),
        ("VIN", vehicle.vin),
        ("PLATE", vehicle.plate),
    ]
    sheet.fields("boxes", fields)
    sheet.section("Coverages")
    rows = [(c.code, money(c.limit, "dollar"), money(c.deductible, "dollar")) for c in policy.coverages]
    sheet.table(("Coverage", "Limit", "Deductible"), rows, (40, 30, 30), texts=1)
    return sheet.content()


def correspondence(case: CaseFile, enclosed: tuple[str, ...]) -> bytes:
    """A covering letter that names what is enclosed; it states no facts of the loss."""
    sheet = Sheet(case.today, "Times")
    sheet.prose(day(case.form.reported, "long"))
    sheet.prose(f"Re: claim {case.claim}")
    sheet.prose("Dear Sir or Madam,")
    sheet.prose(
        f"Please find enclosed {listed(enclosed)}. The car is at the shop and I am renting another one meanwhile, "
        "so I would be grateful for a quick answer. You can reach me by telephone in the evening."
    )
    sheet.prose("Kind regards,")
    sheet.prose(case.form.claimant)
    return sheet.content()
