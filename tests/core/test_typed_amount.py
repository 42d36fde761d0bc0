"""An amount as a person types it is read in one way, or refused with what to write."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import BadInput
from app.core.values.typed_amount import typed_amount

AMOUNTS = st.decimals(min_value=0, max_value=999_999_999, places=2)


@given(AMOUNTS, st.sampled_from([",", " ", "\u00a0", "\u202f", "'"]), st.sampled_from(["", "$", "USD ", "usd"]))
def test_whatever_the_pages_print_reads_back(amount: Decimal, part: str, currency: str) -> None:
    printed = f"{amount:,.2f}".replace(",", part)
    assert typed_amount(f"{currency}{printed}", currency="USD") == amount
    assert typed_amount(f" {printed} {currency} ") == amount
    assert typed_amount(f"-{currency}{printed}") == -amount
    assert typed_amount(f"{amount}") == amount


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "1,2",
        "12,50",
        "1,23,456",
        "12,34",
        "1,234,56",
        "1.234,56",
        "1,234 567",
        "0,500",
        "1_000",
        "1e3",
        "NaN",
        "$5$",
        "--5",
        "5%",
        "1.234",
        "12.345",
        "1,234.567",
        "ten",
        "\u0663",
        "3,871.1.3",
    ],
)
def test_what_could_be_meant_otherwise_is_refused_with_what_to_write(typed: str) -> None:
    with pytest.raises(BadInput, match=r"[Ww]rite"):
        typed_amount(typed)


@pytest.mark.parametrize(("typed", "wanted"), [("EUR 5", "USD"), ("$5", "EUR"), ("5 GBP", "USD"), ("CA$5", "USD")])
def test_another_currency_is_refused(typed: str, wanted: str) -> None:
    with pytest.raises(BadInput, match=f"{wanted} is asked for"):
        typed_amount(typed, currency=wanted)


def test_a_dollar_sign_is_that_of_the_dollar_asked_for() -> None:
    assert typed_amount("$1,000", currency="CAD") == 1000
