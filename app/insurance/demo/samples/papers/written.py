"""How people write days and amounts: ISO, 14 March 2026, 03/14/2026; 1,234.50, $1,234.50, USD 1,234.50."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, Literal

from app.insurance.demo.samples.model import CURRENCY, CalendarDay

DayStyle = Literal["iso", "long", "us"]
MoneyStyle = Literal["plain", "dollar", "code"]

# Not strftime: its month names depend on the locale, and it refuses 31 February.
_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def day(written: CalendarDay, style: DayStyle) -> str:
    """A day in one of the three styles."""
    match style:
        case "iso":
            return f"{written.year:04d}-{written.month:02d}-{written.day:02d}"
        case "long":
            return f"{written.day} {_MONTHS[written.month - 1]} {written.year}"
        case "us":
            return f"{written.month:02d}/{written.day:02d}/{written.year:04d}"


def money(amount: Decimal, style: MoneyStyle) -> str:
    """An amount in US dollars with thousands separators and cents."""
    digits = f"{amount:,.2f}"
    return {"plain": digits, "dollar": f"${digits}", "code": f"{CURRENCY} {digits}"}[style]


def percent(fraction: Decimal) -> str:
    """A tax rate: 0.0725 is written 7.25%."""
    return f"{fraction * 100:.2f}%"


def listed(words: tuple[str, ...]) -> str:
    """Words as a sentence lists them: a, b and c."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
