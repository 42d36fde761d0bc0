"""The invented world of the samples: people, places, vehicles, shops, parts. None of them exists."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from app.insurance.demo.samples.model import Shop

INSURER: Final = "Harbor and Vale Mutual Insurance"

# More names than claims: the rest own policies without a claim, and appear as the wrong owner.
NAMES: Final = (
    "Marta Lindqvane",
    "Tobias Ferncastle",
    "Adaeze Morrowind",
    "Henrik Solvesson",
    "Priya Castellow",
    "Jonas Wetherbane",
    "Camila Ostrander-Vey",
    "Dmitri Halloway",
    "Fatou Brackwell",
    "Owen Tillingdale",
    "Sanna Kivelorn",
    "Rafael Montescura",
    "Beatrix Underfell",
    "Kofi Ashenby",
    "Ilse Vandermoor",
    "Desmond Quillfeather",
    "Noemi Tarkowicz",
    "Gideon Marshwater",
    "Yara Bellavine",
    "Lucas Thornquist",
    "Amara Fieldstone",
    "Stellan Rookwood",
    "Paloma Dusenberry",
    "Nikhil Varanesh",
    "Gwen Hartlepine",
    "Emil Strandvik",
    "Rosalind Peverdale",
    "Tariq Almansour",
    "Wilhelmina Croftly",
    "Joaquin Saldevar",
    "Freya Oxenholt",
    "Bastian Kellermoor",
    "Delphine Aubrecourt",
    "Matteo Grandifiore",
)

TOWNS: Final = ("Harlow Creek", "Port Ellery", "Brackenford", "Maple Hollow", "Stonewick", "New Carrow")
STREETS: Final = ("Alder Street", "Quarry Road", "Mill Lane", "Harbor Avenue", "Juniper Drive", "Old Post Road")
OFFICERS: Final = ("R. Dunmore", "L. Esterhaus", "P. Nakahara", "J. Whitlock-Ames", "T. Obuasi", "C. Varga")

# Make, its maker code in a VIN, its models.
MAKES: Final = (
    ("Arvella", "1ZA", ("Corin", "Corin Estate", "Tern")),
    ("Norrvik", "2ZN", ("Fjell", "Skerry")),
    ("Castellan", "4ZC", ("Bastion", "Keep", "Rampart")),
    ("Tamarack", "5ZT", ("Ridge", "Portage", "Timberline")),
)

# Half an hour at any of these rates is a whole number of cents: no amount hangs on how somebody rounds.
SHOPS: Final = (
    Shop(
        "Alder Street Auto Body",
        "118 Alder Street, Harlow Creek",
        "555-0141",
        "47-0018832",
        Decimal("68.00"),
        Decimal("0.0725"),
        "grid",
        "us",
        "dollar",
    ),
    Shop(
        "Quayside Collision Center",
        "9 Harbor Avenue, Port Ellery",
        "555-0156",
        "47-0094410",
        Decimal("84.50"),
        Decimal("0.0825"),
        "columns",
        "iso",
        "plain",
    ),
    Shop(
        "Three Pines Body Works",
        "2204 Quarry Road, Brackenford",
        "555-0163",
        "47-0033107",
        Decimal("72.00"),
        Decimal("0.0600"),
        "itemised",
        "long",
        "code",
    ),
    Shop(
        "Juniper Coach and Paint",
        "51 Juniper Drive, Maple Hollow",
        "555-0178",
        "47-0071925",
        Decimal("91.50"),
        Decimal("0.0700"),
        "grid",
        "long",
        "plain",
    ),
)


@dataclass(frozen=True, slots=True)
class Collision:
    """One way to be hit: the parts it damages, in the order they are listed, and how people tell it."""

    parts: tuple[str, ...]
    told: str
    narrated: str


COLLISIONS: Final = (
    Collision(
        (
            "front bumper cover",
            "grille",
            "hood",
            "left headlamp",
            "right headlamp",
            "radiator",
            "radiator support",
            "condenser",
            "left front fender",
            "engine cradle",
            "driver airbag module",
            "steering column",
        ),
        "The car in front braked hard at the lights and I could not stop in time.",
        "Unit 1 struck the rear of unit 2 at low speed while approaching a signal. No injuries were reported.",
    ),
    Collision(
        (
            "rear bumper cover",
            "trunk lid",
            "left tail lamp",
            "right tail lamp",
            "rear body panel",
            "trunk floor",
            "left quarter panel",
            "right quarter panel",
            "rear frame rail",
            "exhaust assembly",
            "rear wiring harness",
        ),
        "I was standing at a crossing when a van ran into the back of my car.",
        "Unit 1 was stationary when unit 2 failed to stop and struck it from behind. No injuries were reported.",
    ),
    Collision(
        (
            "left front door",
            "left rear door",
            "left mirror",
            "left rocker panel",
            "left front fender",
            "left quarter panel",
            "left center pillar",
            "left side airbag",
            "left front wheel",
            "left door glass",
        ),
        "Another driver pulled out of a side street and hit the left side of my car.",
        "Unit 2 entered from a side street without yielding and struck the left side of unit 1. Both were driveable.",
    ),
    Collision(
        (
            "right front door",
            "right rear door",
            "right mirror",
            "right rocker panel",
            "right front fender",
            "right quarter panel",
            "right front wheel",
            "right side airbag",
            "right center pillar",
            "right door glass",
        ),
        "While changing lanes a delivery truck pushed my car against the barrier on the right.",
        "Unit 2 changed lanes into unit 1, which then struck the barrier with its right side. No citation was issued.",
    ),
)
PART_NOBODY_DAMAGED: Final = "sunroof glass"
