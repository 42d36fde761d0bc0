"""Amounts are read one way or not at all."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.values.amounts import Style, amounts_in, read_amount, style_of

AMOUNTS = st.decimals(min_value=0, max_value=9_999_999, places=2)


@pytest.mark.parametrize(
    ("printed", "value", "currency"),
    [
        ("1,234.56", "1234.56", None),
        ("1.234,56 €", "1234.56", "EUR"),
        ("1 234,56 €", "1234.56", "EUR"),
        ("1\u202f234,56 €", "1234.56", "EUR"),
        ("1'234.50 CHF", "1234.50", "CHF"),
        ("$1,234", "1234", "USD"),
        ("USD 12.50", "12.50", "USD"),
        ("12.50 usd", "12.50", "USD"),
        ("£0.99", "0.99", "GBP"),
        ("(12.00)", "-12.00", None),
        ("-$5.00", "-5.00", "USD"),
        ("5.00-", "-5.00", None),
        ("316,83 zł", "316.83", "PLN"),
        ("4500", "4500", None),
    ],
)
def test_amounts_as_people_print_them(printed: str, value: str, currency: str | None) -> None:
    read = read_amount(printed)
    assert read is not None
    assert (read.value, read.currency) == (Decimal(value), currency)


@pytest.mark.parametrize(
    "printed", ["20%", "8 %", "12/05/2031", "12-34", "12A", "1,23,456.00", "A12", "", "2031-05-12"]
)
def test_what_is_no_amount_is_none(printed: str) -> None:
    assert read_amount(printed) is None


def test_a_single_separator_before_three_digits_depends_on_the_document() -> None:
    thousands = read_amount("1,234", None)
    assert thousands is not None
    assert thousands.value == 1234
    english = read_amount("1,234", "point")
    assert english is not None
    assert english.value == 1234
    assert read_amount("1,234", "comma") is None
    assert read_amount("1.234", "point") is None


def test_a_quantity_before_a_price_is_not_a_thousand() -> None:
    read = read_amount("2 450.00")
    assert read is not None
    assert read.value == 2
    assert not read.certain


def test_the_style_of_a_document() -> None:
    assert style_of(["1.234,56", "12,50"]) == "comma"
    assert style_of(["1,234.56", "paid 12.50"]) == "point"
    assert style_of(["12,50 and 12.50"]) is None
    assert style_of(["no amounts, on 12.05.2031"]) is None


@given(AMOUNTS, st.sampled_from(["$", "€", "£", "", "USD ", "EUR "]))
def test_every_print_of_an_amount_reads_back(amount: Decimal, currency: str) -> None:
    english = f"{amount:,.2f}"
    swapped = english.translate(str.maketrans(",.", ".,"))
    prints: list[tuple[str, Style]] = [(english, "point"), (swapped, "comma"), (swapped.replace(".", " "), "comma")]
    for printed, style in prints:
        for known in (style, None):
            read = read_amount(f"{currency}{printed}", known)
            assert read is not None
            assert read.value == amount
            assert read.certain


@given(AMOUNTS, st.text(alphabet="abc :$.,-", max_size=12))
def test_amounts_in_a_line_end_where_they_end(amount: Decimal, words: str) -> None:
    for read in amounts_in(f"{words}  {amount:,.2f}  {words}"):
        assert read.value.copy_abs() <= 10_000_000
