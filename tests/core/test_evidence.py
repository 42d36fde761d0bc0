"""What a quote proves: a value our own rules can read out of it, and nothing else."""

from __future__ import annotations

import pytest

from app.core.values.pages import PageText
from app.insurance.reading.extraction import DocumentFacts, Extracted, LineItem
from app.insurance.reading.quotes import proven, stands_for, written

PAGE = PageText(
    number=1,
    text=(
        "REPAIR INVOICE No. INV-2201\nPolicy number: NW-2031-00417\nVIN: 1M8GDM9A XKP042788\nDate of loss: 14/03/2031\n"
        "Rear bumper cover   2   470.00   940.00\nDeductible: 500.00\nTotal:   1,728.00 USD\nDamage: rear bumper, left tail lamp\n"
    ),
)
HOW = written([PAGE])


def _fact(value: str | list[str] | None, quote: str, **more: object) -> Extracted:
    told = {"value": value, "raw": quote, "page": 1, "quote": quote, "confidence": 0.9, **more}
    return Extracted.model_validate(told)


def _facts(**fields: Extracted) -> DocumentFacts:
    return DocumentFacts(
        document_id="d", kind="repair_invoice", kind_confidence=0.9, kind_quote="REPAIR INVOICE", fields=fields
    )


TRUE: dict[str, tuple[str | list[str], str]] = {
    "total": ("1728.00", "Total: 1,728.00 USD"),
    "currency": ("USD", "1,728.00 USD"),
    "date_of_loss": ("2031-03-14", "Date of loss: 14/03/2031"),
    "vin": ("1M8GDM9AXKP042788", "VIN: 1M8GDM9A XKP042788"),
    "policy_number": ("NW 2031 00417", "Policy number: NW-2031-00417"),
    "damage": (["rear bumper", "left tail lamp"], "Damage: rear bumper, left tail lamp"),
}
FALSE: dict[str, tuple[str | list[str], str]] = {
    "total": ("1728.50", "Total: 1,728.00 USD"),
    "currency": ("EUR", "1,728.00 USD"),
    "date_of_loss": ("2031-03-15", "Date of loss: 14/03/2031"),
    "vin": ("1M8GDM9AXKP042789", "VIN: 1M8GDM9A XKP042788"),
    "policy_number": ("NW-2031-0041", "Policy number: NW-2031-00417"),
    "invoice_number": ("INV-9999", "REPAIR INVOICE No. INV-2201"),
    "claimant": ("Nora Quill", "Policy number: NW-2031-00417"),
    "damage": (["rear bumper", "engine"], "Damage: rear bumper, left tail lamp"),
    "year": ("nan", "INV-2201"),
    "deductible": ("NaN", "Deductible: 500.00"),
}


@pytest.mark.parametrize("name", TRUE)
def test_a_value_that_its_quote_says_is_believed(name: str) -> None:
    facts = _facts(**{name: _fact(*TRUE[name])})
    assert proven(facts, [PAGE]) == (facts, [])


@pytest.mark.parametrize("name", FALSE)
def test_a_value_that_its_quote_does_not_say_is_refused_with_the_reason(name: str) -> None:
    good = _fact(*TRUE["total"])
    kept, refused = proven(_facts(**{"subtotal": good, name: _fact(*FALSE[name])}), [PAGE])
    assert kept.fields == {"subtotal": good}, "the others still count"
    assert len(refused) == 1 and refused[0].startswith(f"{name}: refused, ")


def test_a_quote_must_stand_on_the_page_it_names() -> None:
    for fact in (_fact("999.00", "Total: 999.00"), _fact("1728.00", "Total: 1,728.00 USD", page=2)):
        assert proven(_facts(total=fact), [PAGE])[0].fields == {}


def test_a_day_with_two_readings_is_proven_only_where_the_document_says_which() -> None:
    quote = "Date: 03/04/2031"
    assert not stands_for("date_of_loss", "2031-04-03", quote, written([PageText(number=1, text=quote)]))
    assert stands_for("date_of_loss", "2031-04-03", quote, HOW) and not stands_for(
        "date_of_loss", "2031-03-04", quote, HOW
    )


def test_what_states_no_value_says_why() -> None:
    unsure = _fact(None, "Date of loss: 14/03/2031", problem="ambiguous")
    assert proven(_facts(date_of_loss=unsure), [PAGE])[0].fields == {"date_of_loss": unsure}
    assert proven(_facts(date_of_loss=_fact(None, "Date of loss: 14/03/2031")), [PAGE])[0].fields == {}


def test_billed_lines_and_the_kind_are_held_to_their_quotes_too() -> None:
    line = LineItem.model_validate(
        {
            "description": "Rear bumper cover",
            "amount": "940.00",
            "page": 1,
            "quote": "Rear bumper cover 2 470.00 940.00",
        }
    )
    dear = line.model_copy(update={"amount": line.amount + 1})
    facts = _facts().model_copy(update={"lines": [line, dear], "kind_quote": "POLICE REPORT"})
    kept, refused = proven(facts, [PAGE])
    assert kept.lines == [line] and (kept.kind, kept.kind_confidence) == ("other", 0.0) and len(refused) == 2
