"""Lines and totals of estimates and invoices; arithmetic is the judge."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.insurance.reading.extraction import DocumentFacts
from tests.agents.sample_documents import ESTIMATE, FRENCH_INVOICE, GERMAN_INVOICE, facts_of


def sums(facts: DocumentFacts) -> tuple[object, ...]:
    return tuple(facts.fields[name].value if name in facts.fields else None for name in ("subtotal", "tax", "total"))


def test_an_estimate_with_parts_and_labour() -> None:
    facts = facts_of(ESTIMATE)
    assert sums(facts) == ("1600.00", "128.00", "1728.00")
    assert [(line.description, line.kind, str(line.amount)) for line in facts.lines] == [
        ("Rear bumper cover", "part", "640.00"),
        ("Tail lamp, left", "part", "212.50"),
        ("Remove and install bumper", "labour", "332.50"),
        ("Refinish rear panel", "labour", "380.00"),
        ("Shop supplies", "other", "35.00"),
    ]
    assert (facts.lines[2].quantity, facts.lines[2].unit_price) == (Decimal("3.5"), Decimal("95.00"))
    assert facts.fields["invoice_number"].value == "E-2201"


def test_a_german_invoice() -> None:
    facts = facts_of(GERMAN_INVOICE)
    assert sums(facts) == ("1740.00", "330.60", "2070.60")
    assert [str(line.amount) for line in facts.lines] == ["1250.00", "490.00"]
    assert facts.fields["currency"].value == "EUR"
    assert facts.fields["document_date"].value == "2031-05-12"


def test_a_french_invoice() -> None:
    facts = facts_of(FRENCH_INVOICE)
    assert sums(facts) == ("1260.00", "252.00", "1512.00")
    assert [str(line.amount) for line in facts.lines] == ["1040.00", "220.00"]
    assert facts.fields["document_date"].value == "2031-08-07"


def test_a_row_of_net_tax_and_gross_is_believed_only_if_it_adds_up() -> None:
    assert sums(facts_of("Total invoice      24.99     5.00     29.99")) == ("24.99", "5.00", "29.99")
    assert sums(facts_of("Total invoice      24.99     5.00     39.99")) == (None, None, None)


def test_of_several_totals_the_one_that_arithmetic_confirms() -> None:
    text = "Subtotal: 100.00\nTax: 8.00\nTotal: 100.00\nTotal: 108.00"
    assert sums(facts_of(text)) == ("100.00", "8.00", "108.00")


def test_totals_that_nothing_settles_stay_out_and_are_said() -> None:
    facts = facts_of("Total: 100.00\nTotal: 120.00")
    assert "total" not in facts.fields
    assert any("100.00" in note and "120.00" in note for note in facts.notes)


def test_the_grand_total_outranks_a_page_total_and_the_amount_due_settles_the_rest() -> None:
    assert sums(facts_of("Total: 100.00\nGrand total: 120.00"))[2] == "120.00"
    assert sums(facts_of("Total: 100.00\nTotal: 120.00\nAmount due: 120.00"))[2] == "120.00"
    assert sums(facts_of("Total: 500.00\nDeposit: 100.00\nBalance due: 400.00"))[2] == "500.00"


def test_a_list_without_header_is_believed_only_if_it_makes_the_total() -> None:
    right = facts_of("Front bumper       450.00\nPaint              120.50\nTotal       570.50")
    assert [str(line.amount) for line in right.lines] == ["450.00", "120.50"]
    wrong = facts_of("Front bumper       450.00\nPaint              120.50\nTotal       600.00")
    assert wrong.lines == []


def test_rows_that_cannot_be_read_are_counted() -> None:
    rows = [
        f"{name:<20}{quantity:<10}{amount}"
        for name, quantity, amount in (
            ("Description", "Qty", "Amount"),
            ("Bumper", "1", "640.00"),
            ("Tail lamp", "1", "2l2.5O"),
        )
    ]
    facts = facts_of("\n".join(rows))
    assert len(facts.lines) == 1
    assert any("1 line" in note for note in facts.notes)


def test_a_wrong_sum_is_read_as_printed() -> None:
    facts = facts_of(ESTIMATE.replace("640.00       640.00", "640.00       940.00"))
    assert sums(facts) == ("1600.00", "128.00", "1728.00")
    assert sum(line.amount for line in facts.lines) == Decimal("1900.00")


@pytest.mark.parametrize(
    "tax",
    [
        "Tax at 6.00% USD 60.00",
        "Tax at 6%          60.00",
        "6% sales tax: 60.00",
        "Plus VAT @ 6 %      60.00",
        "VAT (6%)  60.00",
    ],
)
def test_a_tax_with_its_rate(tax: str) -> None:
    assert sums(facts_of(f"Subtotal before tax     1,000.00\n{tax}\nGrand total     1,060.00")) == (
        "1000.00",
        "60.00",
        "1060.00",
    )


AMOUNTS = st.decimals(min_value=Decimal("0.01"), max_value=99_999, places=2)
NAMES = st.sampled_from(["Rear bumper", "Hood", "Left door mirror", "Refinish panel", "Wheel", "Labor, body", "Grille"])


@given(st.lists(st.tuples(NAMES, AMOUNTS), min_size=1, max_size=30), AMOUNTS, st.booleans())
def test_any_table_reads_back(rows: list[tuple[str, Decimal]], tax: Decimal, german: bool) -> None:
    def printed(amount: Decimal) -> str:
        english = f"{amount:,.2f}"
        return english.translate(str.maketrans(",.", ".,")) if german else english

    subtotal = sum(amount for _, amount in rows)
    head = f"{'Pos':<6}{'Description':<34}{'Amount':>14}"
    body = [f"{n:<6}{name:<34}{printed(amount):>14}" for n, (name, amount) in enumerate(rows, start=1)]
    ends = (("Subtotal", subtotal), ("Tax", tax), ("Total", subtotal + tax))
    foot = [f"{label:<40}{printed(Decimal(amount)):>14}" for label, amount in ends]
    facts = facts_of("\n".join(["INVOICE", head, *body, *foot]))
    assert [(line.description, line.amount) for line in facts.lines] == rows
    assert sums(facts) == (str(subtotal), str(tax), str(subtotal + tax))
