"""Amounts of money as people print them: 1,234.56 and 1.234,56 and 1 234,56, with the currency before or behind.

The law: a separator is read only one way. Where the document writes decimals with a comma, "1,234" is refused
rather than taken for a thousand; a percentage, a date or a part number is never an amount.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Style = Literal["point", "comma"]
"""Which sign parts the decimals."""

_SYMBOLS = {"us$": "USD", "$": "USD", "€": "EUR", "£": "GBP", "zł": "PLN", "₹": "INR", "ca$": "CAD", "a$": "AUD"}
_CODES = ["USD", "EUR", "GBP", "CHF", "PLN", "CAD", "AUD", "NZD", "SEK", "NOK", "DKK", "CZK", "JPY", "INR", "ZAR"]
_WORDS = {"us dollars": "USD", "dollars": "USD", "euros": "EUR", "euro": "EUR", "pounds sterling": "GBP"}
CURRENCY = "|".join([re.escape(s) for s in sorted(_SYMBOLS, key=len, reverse=True)] + [rf"{code}\b" for code in _CODES])
# A blank parts thousands only before a decimal comma: "2 450.00" is more often a quantity and a price.
_NUMBER = (
    r"\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?:,\d{1,2})?(?![.\d])"
    r"|\d{1,3}(?:[,.'’]\d{3})+(?:[.,]\d{1,2})?(?!\d)|\d+(?:[.,]\d{1,4})?(?!\d)"
)
AMOUNT = re.compile(
    rf"(?P<open>\()?\s?(?P<minus>[-−–]\s?)?(?P<before>{CURRENCY})?\s?(?P<minus2>[-−–])?(?P<number>{_NUMBER})"
    rf"(?:\s?(?P<after>{CURRENCY}))?(?P<close>\))?(?P<minus3>-(?!\w))?",
    re.IGNORECASE,
)
_TOO_MUCH = Decimal(10) ** 13  # no bill comes to that: it is a serial number, or nonsense
_DECIMAL_POINT = re.compile(r"(?<![\d.,])\d{1,3}(?:,?\d{3})*\.\d{2}(?![\d.,]\d|\d)")
_DECIMAL_COMMA = re.compile(r"(?<![\d.,])\d{1,3}(?:[. \u00a0\u202f]?\d{3})*,\d{2}(?![\d.,]\d|\d)")
_CURRENCY_WORD = re.compile("|".join(rf"\b{word}\b" for word in _WORDS), re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class AmountRead:
    """An amount: `currency` an ISO 4217 code or None; `certain` False for a bare whole number."""

    value: Decimal
    currency: str | None
    printed_currency: str
    certain: bool
    start: int
    end: int


def read_amount(text: str, style: Style | None = None) -> AmountRead | None:
    """The amount that `text` begins with, or None."""
    found = AMOUNT.match(text)
    return _checked(text, found, style) if found else None


def amounts_in(text: str, style: Style | None = None) -> list[AmountRead]:
    """Every amount in `text` that has decimals or a currency, left to right."""
    reads = (_checked(text, found, style) for found in AMOUNT.finditer(text))
    return [read for read in reads if read and read.certain]


def style_of(texts: Iterable[str]) -> Style | None:
    """How the document writes decimals; None when it never does, or does both."""
    points = commas = 0
    for text in texts:
        points += len(_DECIMAL_POINT.findall(text))
        commas += len(_DECIMAL_COMMA.findall(text))
    if bool(points) == bool(commas):
        return None
    return "point" if points else "comma"


def decimal_of(number: str, style: Style | None = None) -> Decimal | None:
    """The value of a printed number; None when its separators can be read in more than one way."""
    plain = re.sub(r"[ '’\u00a0\u202f]", "", number)
    points, commas = plain.count("."), plain.count(",")
    if points and commas:
        decimal_sign = "." if plain.rindex(".") > plain.rindex(",") else ","
    elif not points and not commas:
        return Decimal(plain)
    else:
        sign = "." if points else ","
        if points + commas > 1:
            decimal_sign = ""
        elif len(plain.rpartition(sign)[2]) != 3:
            decimal_sign = sign
        elif style == ("point" if sign == "." else "comma"):
            return None  # three decimals, or a thousand? this document uses the sign for decimals
        else:
            decimal_sign = ""  # money has two decimals: three digits are a thousand
    digits = "".join("." if c == decimal_sign else c for c in plain if c.isdigit() or c == decimal_sign)
    return Decimal(digits) if digits.count(".") <= 1 else None


def currency_of(printed: str) -> str | None:
    """The ISO 4217 code of a printed currency."""
    return _SYMBOLS.get(printed.lower()) or (printed.upper() if printed.upper() in _CODES else None)


def currency_words_in(text: str) -> Iterable[tuple[str, str]]:
    """(as printed, ISO code) of every currency spelt out in `text`."""
    return [(found[0], _WORDS[found[0].lower()]) for found in _CURRENCY_WORD.finditer(text)]


def _checked(text: str, found: re.Match[str], style: Style | None) -> AmountRead | None:
    start = found.start()
    before, after = (text[start - 1] if start and not text[start].isspace() else " "), text[found.end() :]
    if before.isalnum() or before in ".,/-" or re.match(r"\s?%|[/.,]?\d|[A-Za-z]|-\w", after):
        return None
    number = decimal_of(found["number"], style)
    if number is None or abs(number) >= _TOO_MUCH:
        return None
    printed = found["before"] or found["after"] or ""
    negative = found["minus"] or found["minus2"] or found["minus3"] or (found["open"] and found["close"])
    return AmountRead(
        value=-number if negative else number,
        currency=currency_of(printed),
        printed_currency=printed,
        certain=bool(printed) or bool(re.search(r"[.,]\d{2}$", found["number"])),
        start=found.start(),
        end=found.end(),
    )
