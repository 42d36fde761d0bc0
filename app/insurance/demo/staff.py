"""The named people of the demonstration: invented, and every one of them visibly a demo person.

`authority` is the largest amount in US dollars a person may approve alone; zero means none. Two of them are
automata: they answer tasks by themselves so that the demo moves, and their display names say so wherever they appear.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """One person: `roles` are words of the work queue, `authority` is in US dollars."""

    username: str
    display_name: str
    roles: tuple[str, ...]
    authority: Decimal
    automaton: bool = False


NO_AUTHORITY: Final = Decimal(0)

DEMO_ADJUSTER: Final = DemoPerson(
    "demo-adjuster",
    "Demo Adjuster (answers by itself)",
    ("adjuster",),
    Decimal(25000),
    automaton=True,
)
DEMO_SUPERVISOR: Final = DemoPerson(
    "demo-supervisor",
    "Demo Supervisor (answers by itself)",
    ("supervisor",),
    Decimal(250000),
    automaton=True,
)

PEOPLE: Final[tuple[DemoPerson, ...]] = (
    DemoPerson("ines.halvorsby", "Ines Halvorsby, Adjuster I", ("adjuster",), Decimal(5000)),
    DemoPerson("tomas.okunfield", "Tomas Okunfield, Adjuster II", ("adjuster",), Decimal(25000)),
    DemoPerson(
        "greta.marlowski",
        "Greta Marlowski, Senior Adjuster",
        ("adjuster",),
        Decimal(75000),
    ),
    DemoPerson(
        "samuel.brightmoor",
        "Samuel Brightmoor, Supervisor",
        ("supervisor",),
        Decimal(250000),
    ),
    DemoPerson(
        "leila.ashgrovian",
        "Leila Ashgrovian, Supervisor",
        ("supervisor",),
        Decimal(250000),
    ),
    DemoPerson("viktor.penhallen", "Viktor Penhallen, SIU Investigator", ("siu",), NO_AUTHORITY),
    DemoPerson("noor.calderwick", "Noor Calderwick, Operator", ("operator",), NO_AUTHORITY),
    DemoPerson("elise.thornabee", "Elise Thornabee, Auditor", ("auditor",), NO_AUTHORITY),
    DemoPerson("avery.stonelund", "Avery Stonelund, Administrator", ("admin",), NO_AUTHORITY),
    DEMO_ADJUSTER,
    DEMO_SUPERVISOR,
)
LET_IN: Final = ("ines.halvorsby", "samuel.brightmoor", "noor.calderwick", "elise.thornabee", "avery.stonelund")
"""Whose sign-in links the demo prints: one of each role that has something to see at once."""


def person(username: str) -> DemoPerson:
    """The demo person of that username. Raises KeyError naming those that exist."""
    for candidate in PEOPLE:
        if candidate.username == username:
            return candidate
    raise KeyError(f"no demo person {username!r}; there are: {', '.join(p.username for p in PEOPLE)}")
