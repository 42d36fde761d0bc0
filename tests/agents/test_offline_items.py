"""Items as shops print them: wide tables, entries of two lines, wrapped words; and what may be missing is said."""

from __future__ import annotations

import pytest

from app.insurance.reading.extraction import DocumentFacts
from tests.agents.sample_documents import facts_of

WIDE = """\
REPAIR INVOICE
Operation            Part                     Hours      Rate       Parts      Amount
Replace              rear bumper              2.0        80.00      500.00     660.00
Repair               left rear door           3.0        80.00        0.00     240.00
Replace and paint    trunk lid                1.0        80.00    1,250.50   1,330.50
                                              Subtotal                       2,230.50
                                              Tax 10%                          223.05
                                              Total                          2,453.55
"""
NUMBERED = """\
BODY SHOP REPAIR ESTIMATE
1. Replace: front bum-
   per cover
   2.0 h x EUR 60.00, parts EUR 400.00, amount EUR 520.00

2. Paint: hood, 3 h x EUR 60.00 = EUR 180.00
3. Diagnosis ............ EUR 45.00

Subtotal        EUR 745.00
VAT at 20%      EUR 149.00
Total           EUR 894.00
"""


def items(facts: DocumentFacts) -> list[tuple[str, str, str]]:
    return [(line.description, line.kind, str(line.amount)) for line in facts.lines]


def left_open(facts: DocumentFacts) -> set[str]:
    return {note.partition(":")[0] for note in facts.notes}


def test_a_table_with_what_is_done_in_a_column_of_its_own() -> None:
    facts = facts_of(WIDE)
    assert items(facts) == [
        ("rear bumper", "part", "660.00"),
        ("left rear door", "labour", "240.00"),
        ("trunk lid", "part", "1330.50"),
    ]
    assert {(line.quantity, line.unit_price) for line in facts.lines} == {(None, None)}
    assert facts.notes == []


def test_numbered_entries_of_one_line_or_several() -> None:
    facts = facts_of(NUMBERED)
    assert items(facts) == [
        ("Replace: front bumper cover", "part", "520.00"),
        ("Paint: hood", "labour", "180.00"),
        ("Diagnosis", "labour", "45.00"),
    ]
    assert facts.notes == []


def test_a_missing_number_and_an_entry_without_amount_leave_the_lines_open() -> None:
    assert "lines" in left_open(facts_of(NUMBERED.replace("2. Paint", "4. Paint")))
    assert "lines" in left_open(facts_of(NUMBERED.replace("EUR 45.00", "free")))


def test_numbered_clauses_are_no_items() -> None:
    facts = facts_of("REPAIR ESTIMATE\n1. We keep old parts.\n2. Storage costs USD 20.00 a day.\n3. Cash only.")
    assert facts.lines == []


def test_a_wrapped_description_goes_on_and_one_may_stand_above_its_amounts() -> None:
    facts = facts_of(
        "REPAIR INVOICE\n"
        "Description              Qty     Price     Amount\n"
        "Rear bumper cover          1    640.00     640.00\n"
        "with moulding\n"
        "Paint and material\n"
        "                           2    100.00     200.00\n"
        "Subtotal                                   840.00\n"
    )
    assert [line.description for line in facts.lines] == ["Rear bumper cover with moulding", "Paint and material"]
    assert facts.notes == []


def test_a_sum_of_rows_is_no_row() -> None:
    facts = facts_of(
        WIDE.replace("Replace and", "             Parts total                                   1,750.50\nReplace and")
    )
    assert len(facts.lines) == 3


@pytest.mark.parametrize(
    ("change", "to", "opened"),
    [
        ("Tax 10%                          223.05", "Tax to be added", {"tax"}),
        ("Tax 10%", "Towing ", {"total"}),
        ("Total  ", "Freight      20.00\n   Total  ", {"total"}),
        ("0.00     240.00", "0.00     24O.OO", {"lines"}),
    ],
)
def test_what_was_not_read_is_said(change: str, to: str, opened: set[str]) -> None:
    assert change in WIDE
    assert left_open(facts_of(WIDE.replace(change, to))) == opened


def test_a_table_that_nothing_ends_may_go_on_elsewhere() -> None:
    assert "lines" in left_open(facts_of(WIDE[: WIDE.index("      Subtotal")]))
