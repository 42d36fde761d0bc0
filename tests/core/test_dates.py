"""A day is read only when there is one way to read it."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.insurance.reading.dates import Order, dates_in, order_hint, order_of, read_date

DAYS = st.dates(date(1900, 1, 1), date(2100, 12, 31))


@pytest.mark.parametrize(
    "printed",
    [
        "2031-05-12",
        "2031/05/12",
        "12 May 2031",
        "12th May 2031",
        "12 of May, 2031",
        "12-May-2031",
        "May 12, 2031",
        "May 12 , 2031",
        "MAY 12 2031",
        "12. Mai 2031",
        "12 mai 2031",
        "12.05.2031",
        "12.5.31",
        "Monday, 12 May 2031",
        "on the 12th of May 2031",
        "12/05/2031 at 14:20",
    ],
)
def test_the_same_day_in_many_prints(printed: str) -> None:
    read = read_date(printed, "day")
    assert read is not None
    assert (read.value, read.problem) == (date(2031, 5, 12), None)


@pytest.mark.parametrize(
    "printed", ["31 February 2031", "2031-02-31", "31/02/2031", "13/13/2031", "29 Feb 2031", "31.04.2031"]
)
def test_a_day_that_does_not_exist_has_no_value(printed: str) -> None:
    read = read_date(printed)
    assert read is not None
    assert (read.value, read.problem) == (None, "impossible")


@pytest.mark.parametrize(
    "printed", ["", "soon", "May", "12", "12/05", "123/05/2031", "12345-05-12", "1.234,56", "2031"]
)
def test_what_is_no_date_is_none(printed: str) -> None:
    assert read_date(printed) is None


def test_day_and_month_are_told_apart_by_the_rest_of_the_document_or_not_at_all() -> None:
    ambiguous = read_date("03/04/2031")
    assert ambiguous is not None
    assert (ambiguous.value, ambiguous.problem) == (None, "ambiguous")
    expected: dict[Order, date] = {"day": date(2031, 4, 3), "month": date(2031, 3, 4)}
    for order, day in expected.items():
        read = read_date("03/04/2031", order)
        assert read is not None
        assert read.value == day


def test_the_order_of_a_document() -> None:
    assert order_of(["paid 25/04/2031", "due 03/04/2031"]) == "day"
    assert order_of(["paid 04/25/2031"]) == "month"
    assert order_of(["paid 04/25/2031", "due 25/04/2031"]) is None
    assert order_of(["due 03/04/2031"]) is None
    assert order_hint("(DD/MM/YYYY)") == "day"
    assert order_hint("(mm/dd/yyyy)") == "month"
    assert order_hint("(required)") is None


def test_all_dates_of_a_line() -> None:
    found = dates_in("from 3rd June 2031 10:41 to 2 June 2032 23:59")
    assert [read.value for read in found] == [date(2031, 6, 3), date(2032, 6, 2)]


@given(DAYS, st.sampled_from(["{0:%Y-%m-%d}", "{0:%d %B %Y}", "{0:%B %d, %Y}", "{0:%d.%m.%Y}", "{0:%d %b %Y}"]))
def test_an_unambiguous_print_always_reads_back(day: date, print_as: str) -> None:
    read = read_date(print_as.format(day))
    assert read is not None
    assert read.value == day


@given(DAYS)
def test_a_print_with_slashes_reads_as_the_day_or_not_at_all(day: date) -> None:
    for printed in (f"{day:%d/%m/%Y}", f"{day:%m/%d/%Y}"):
        read = read_date(printed)
        assert read is not None
        if read.value is None:
            assert day.day <= 12
            assert read.problem == "ambiguous"
        else:
            assert read.value == day


@given(st.text(max_size=60))
def test_any_text_is_a_date_or_none(text: str) -> None:
    read = read_date(text)
    assert read is None or 0 <= read.start < read.end <= len(text)
