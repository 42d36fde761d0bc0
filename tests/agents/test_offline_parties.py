"""A stranger's number is no fact about the claim, and of several answers none is the answer."""

from __future__ import annotations

import pytest

from tests.agents.sample_documents import facts_of, values_of

OWN, OTHER = "1M8GDM9AXKP042788", "1HGCM82633A004352"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (f"Other vehicle\nVIN: {OTHER}", "vin"),
        (f"Third party details\nVIN              {OTHER}", "vin"),
        (f"Third party VIN: {OTHER}", "vin"),
        ("Previous policy number: GX-1107", "policy_number"),
        ("Policy number (other party): GX-1107", "policy_number"),
        ("Company registration no: 10 233 451", "plate"),
        ("VAT Reg No: GB 123 45", "plate"),
        ("Registration: 4471", "plate"),
        (f"VIN        {OWN}      {OTHER}", "vin"),
        (f"VIN\n{OWN}\n{OTHER}", "vin"),
        ("Policy number     GX-1107-22       7781 209", "policy_number"),
    ],
)
def test_what_is_another_s_or_several_is_left_out(text: str, field: str) -> None:
    assert field not in values_of(text)


def test_of_two_parties_side_by_side_neither_is_taken() -> None:
    rows = [("", "Your vehicle", "Other vehicle"), ("VIN", OWN, OTHER), ("Plate", "KX27 QRT", "ZZ11 ABC")]
    values = values_of("\n".join(f"{label:<17}{one:<22}{two}" for label, one, two in rows))
    assert "vin" not in values
    assert "plate" not in values


def test_own_sections_after_another_s_are_read() -> None:
    assert values_of(f"Other driver\nName: Ines Maldow\n\nInsured vehicle\nVIN: {OWN}")["vin"] == OWN


def test_dollars_are_several_countries() -> None:
    fact = facts_of("Total: $12.50").fields["currency"]
    assert (fact.value, fact.raw, fact.problem) == (None, "$", "ambiguous")
    assert values_of("Subtotal: $12.50\nTotal: CAD 12.50")["currency"] == "CAD"
