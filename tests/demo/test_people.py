"""The demo people: distinct, with the authority each is named for, and automata that say so."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.insurance.demo.staff import PEOPLE, person

ROLES = {"admin", "adjuster", "supervisor", "siu", "operator", "auditor"}


def test_people_are_distinct_and_hold_known_roles() -> None:
    assert len({p.username for p in PEOPLE}) == len({p.display_name for p in PEOPLE}) == len(PEOPLE)
    assert {role for p in PEOPLE for role in p.roles} == ROLES


def test_authority_climbs_and_nobody_outside_the_line_has_any() -> None:
    line = [p.authority for p in PEOPLE if p.roles in {("adjuster",), ("supervisor",)} and not p.automaton]
    assert line == [Decimal(n) for n in (5_000, 25_000, 75_000, 250_000, 250_000)]
    assert all(p.authority == 0 for p in PEOPLE if not {"adjuster", "supervisor"} & set(p.roles))


def test_automata_are_two_and_say_what_they_are() -> None:
    automata = {p.username: p.display_name for p in PEOPLE if p.automaton}
    assert set(automata) == {"demo-adjuster", "demo-supervisor"}
    assert all(name.endswith("(answers by itself)") for name in automata.values())


def test_an_unknown_person_is_refused_with_the_names_there_are() -> None:
    assert person("demo-adjuster").roles == ("adjuster",)
    with pytest.raises(KeyError, match="demo-adjuster"):
        person("nobody")
