"""One invented accident: who, what, where, when, and how its country writes it down.

The law: everything is drawn from the one random source it is given, so a seed is a document.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from tests.claims.second_generator.countries import Country
from tests.claims.second_generator.wording import wording

_FIRST = (
    "Maren",
    "Tobin",
    "Saoirse",
    "Desmond",
    "Ilse",
    "Rafferty",
    "Odette",
    "Callum",
    "Priya",
    "Anselm",
    "Bronagh",
    "Lowell",
    "Yusuf",
    "Hettie",
    "Corin",
    "Wilhelmina",
    "Jarrah",
    "Nadine",
)
_LAST = (
    "Quillfeather",
    "O'Maddigan",
    "Trevanick",
    "Stroudwater",
    "Okonjo-Bell",
    "Lindqvarn",
    "Mac Giolla",
    "Penhallen",
    "Vasquarro",
    "Brackenbury",
    "Dunnavan",
    "Halloway-Pitt",
    "Szymborek",
    "Ferrandale",
    "Abbaticchio",
    "Yeo",
)
_CARS = (
    ("Halvorn", "Lynx"),
    ("Tessaro", "Brio GT"),
    ("Brightley", "Estate 20"),
    ("Kurosan", "Mizu"),
    ("Valdane", "C4X"),
    ("Orrin", "Pathmaker"),
    ("Santoval", "Ria Sport"),
    ("Merrow", "300"),
    ("Dorsett", "Van LWB"),
)
_COLOURS = ("silver", "dark blue", "white", "red", "graphite")
_CLAIM_NUMBERS = (
    "CL-2026-0#####",
    "MTR/26/#####",
    "0###-####-##",
    "26-######-01",
    "C########",
    "AC####/#####",
    "#########",
)
_POLICY_NUMBERS = (
    "PMV ### ####",
    "HB/######/M",
    "POL-#####-#",
    "00##-##-####",
    "@@@#######",
    "#### #### ##",
    "P##-######@",
)
_REPORT_NUMBERS = ("26-0#####", "2026-#######", "CR/####/26", "E ########", "#########")
_ACCOUNTS = (
    "I was stationary at the lights when the other vehicle ran into the back of my car and pushed it into a bollard.",
    "While I was pulling out of the car park a van reversed into the front of my vehicle at low speed.",
    "A deer ran across the road. I braked and swerved, lost grip on the wet surface and struck a stone wall.",
    "The other driver failed to stop at the junction and hit the left front corner of my vehicle.",
    "The vehicle was parked and unattended. On returning I found the side scraped and the mirror hanging off.",
    "On a narrow bend an oncoming truck crossed the centre line and clipped my car along the whole side.",
)
_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VIN_LETTERS = dict(
    zip("ABCDEFGHJKLMNPRSTUVWXYZ", (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9), strict=True)
)


@dataclass(frozen=True)
class Person:
    """Somebody invented; `address` in lines."""

    first: str
    last: str
    address: tuple[str, ...]
    phone: str

    @property
    def name(self) -> str:
        """First name first."""
        return f"{self.first} {self.last}"


@dataclass(frozen=True)
class Car:
    """An invented make, with a VIN whose check digit holds."""

    make: str
    model: str
    year: int
    colour: str
    vin: str
    plate: str


@dataclass(frozen=True)
class Case:
    """The facts one document is made from."""

    rng: random.Random
    country: Country
    holder: Person
    other: Person
    car: Car
    other_car: Car
    loss: date
    written: date
    claim_number: str
    policy_number: str
    other_policy: str
    report_number: str
    insurer: str
    shop: str
    shop_address: tuple[str, ...]
    shop_phone: str
    police: str
    place: str
    account: str
    damage: tuple[str, ...]
    date_style: str

    def day(self, day: date) -> str:
        """A date as this document's forms print it."""
        return day.strftime(self.date_style)

    def long_day(self, day: date) -> str:
        """A date as a letter writes it."""
        return day.strftime(self.country.long_day)

    def money(self, amount: Decimal) -> str:
        """With currency sign: £1,234.50."""
        return f"{self.country.symbol}{amount:,.2f}"

    def bare(self, amount: Decimal) -> str:
        """Without: 1,234.50."""
        return f"{amount:,.2f}"

    def one_of(self, *choices: str) -> str:
        """One of these wordings."""
        return self.rng.choice(choices)

    def word(self, field_name: str) -> str:
        """A label for a field: one of the many that papers of the country print."""
        return wording(self.rng, field_name, self.country.code)

    def number(self, pattern: str) -> str:
        """A number after a pattern."""
        return filled(self.rng, pattern)

    def clock(self) -> str:
        """A time of the day as the country's officials write it."""
        hour, minute = self.rng.randint(6, 22), self.rng.choice((0, 5, 10, 15, 20, 35, 40, 50))
        if self.country.code in {"US", "CA"}:
            return f"{(hour - 1) % 12 + 1}:{minute:02d} {'AM' if hour < 12 else 'PM'}"
        return f"{hour:02d}:{minute:02d}"


def open_case(rng: random.Random, country: Country) -> Case:
    """A new accident in `country`."""
    loss = date(2026, 1, 3) + timedelta(days=rng.randrange(290))
    town = rng.choice(country.towns)
    streets = rng.sample(country.streets, 2)
    return Case(
        rng=rng,
        country=country,
        holder=_person(rng, country),
        other=_person(rng, country),
        car=_car(rng, country),
        other_car=_car(rng, country),
        loss=loss,
        written=loss + timedelta(days=rng.randint(1, 25)),
        claim_number=filled(rng, rng.choice(_CLAIM_NUMBERS)),
        policy_number=filled(rng, rng.choice(_POLICY_NUMBERS)),
        other_policy=filled(rng, rng.choice(_POLICY_NUMBERS)),
        report_number=filled(rng, rng.choice(_REPORT_NUMBERS)),
        insurer=rng.choice(country.insurers),
        shop=rng.choice(country.shops),
        shop_address=_address(rng, country),
        shop_phone=filled(rng, country.phone),
        police=rng.choice(country.police),
        place=f"{streets[0]} at {streets[1]}, {town[0]}",
        account=rng.choice(_ACCOUNTS),
        damage=tuple(rng.sample(("front bumper", "left headlamp", "grille", "driver's door", "rear bumper"), 3)),
        date_style=rng.choice(country.dates),
    )


def filled(rng: random.Random, pattern: str) -> str:
    """`pattern` with each # a digit (never a leading zero of the run) and each @ a letter."""
    return "".join(
        rng.choice("123456789") if sign == "#" else rng.choice("ABCDEFGHJKLMNPRSTVWXY") if sign == "@" else sign
        for sign in pattern
    )


def _person(rng: random.Random, country: Country) -> Person:
    return Person(rng.choice(_FIRST), rng.choice(_LAST), _address(rng, country), filled(rng, country.phone))


def _address(rng: random.Random, country: Country) -> tuple[str, ...]:
    town, region, code = rng.choice(country.towns)
    code = filled(rng, code)
    street = f"{rng.randint(2, 980)} {rng.choice(country.streets)}"
    if country.code in {"US", "AU", "CA"}:
        return street, f"{town}, {region} {code}"
    return street, town, f"{region} {code}"


def _car(rng: random.Random, country: Country) -> Car:
    make, model = rng.choice(_CARS)
    plate = filled(rng, rng.choice(country.plates))
    return Car(make, model, rng.randint(2008, 2025), rng.choice(_COLOURS), _vin(rng), plate)


def _vin(rng: random.Random) -> str:
    """Seventeen characters without I, O and Q whose ninth is the check digit."""
    signs = [rng.choice("ABCDEFGHJKLMNPRSTUVWXYZ0123456789") for _ in range(11)] + [
        rng.choice("123456789") for _ in range(6)
    ]
    worths = [_VIN_LETTERS[sign] if sign.isalpha() else int(sign) for sign in signs]
    worth = sum(weight * value for weight, value in zip(_WEIGHTS, worths, strict=True))
    signs[8] = "0123456789X"[worth % 11]
    return "".join(signs)
