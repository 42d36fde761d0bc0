"""An amount as a person types it, or copies it from a page: 3,871.13 and $3871.13 and 3 871.13 USD.

The law: it is read in one way only, the way our pages print: a point before the decimals, a comma, blank or apostrophe
between thousands. What could be meant otherwise is refused with what to write, and so is another currency than the one asked for.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from app.core.errors import BadInput
from app.core.values.amounts import CURRENCY, currency_of

WRITE: Final = "Write a number with a point before the decimals and commas only between thousands, such as 3,871.13."
_CURRENCY = CURRENCY.replace(r"\b", "(?![a-z])")  # a code may touch the number
_TYPED = re.compile(
    rf"(?P<sign>[-−+]?)\s*(?P<before>{_CURRENCY})?\s*(?P<sign2>[-−+]?)\s*"
    r"(?P<number>\d{1,30}(?:\.\d{1,30})?|[1-9]\d{0,2}(?P<part>[,'’ \u00a0\u2009\u202f])\d{3}(?:(?P=part)\d{3}){0,8}(?:\.\d{1,2})?)"
    rf"\s*(?P<after>{_CURRENCY})?",
    re.IGNORECASE | re.ASCII,
)
_THOUSAND_OR_DECIMALS = re.compile(r"[1-9]\d{0,2}\.\d{3}")


def typed_amount(text: str, *, currency: str | None = None) -> Decimal:
    """The amount that was typed. Raises BadInput with what to write; `currency` None takes whichever is written."""
    found = _TYPED.fullmatch(text.strip())
    if not found or (found["sign"] and found["sign2"]) or (found["before"] and found["after"]):
        raise BadInput(WRITE)
    number = found["number"]
    if _THOUSAND_OR_DECIMALS.fullmatch(number):
        thousand = number.replace(".", ",")
        raise BadInput(
            f"This can be read in two ways: write {number[:-1]} if the point parts decimals, else {thousand}."
        )
    if len(number.partition(".")[2]) > 2:
        raise BadInput(f"An amount has at most two decimals. {WRITE}")
    _same_currency(found["before"] or found["after"] or "", currency)
    amount = Decimal(re.sub(r"[^0-9.]", "", number))
    return -amount if {found["sign"], found["sign2"]} & {"-", "−"} else amount


def wants_amount(pattern: str) -> bool:
    """Whether a text of this pattern is an amount: it takes two decimals, and no word."""
    return bool(re.search(pattern, "1234.50")) and not re.search(pattern, "word")


def _same_currency(written: str, wanted: str | None) -> None:
    """Raises BadInput for an amount in another currency: nothing is converted."""
    meant = currency_of(written)
    is_a_dollar = written == "$" and (wanted or "").endswith("D")
    if meant and wanted and meant != wanted and not is_a_dollar:
        raise BadInput(
            f"This is in {meant}, and {wanted} is asked for. Write the amount in {wanted}; nothing is converted."
        )
