"""When it happened: do the dates exist, agree, and fall within the policy?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from itertools import combinations

from workflows.insurance_claim.checks.statements import Statement, policy_evidence, stated
from workflows.insurance_claim.models import ClaimFile, Finding

_DATE_FIELDS = {
    "date_of_loss": "date of loss",
    "document_date": "date of the document",
    "period_start": "start of the policy",
    "period_end": "end of the policy",
}
_IN_FORCE = ("active", "in force", "inforce", "")
_YEAR_FIRST = re.compile(r"\s*(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})\b")
_YEAR_LAST = re.compile(r"\s*(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})\b")
_NAMED = re.compile(
    r"\s*(?:(\d{1,2})(?:st|nd|rd|th)?\.?\s+)?([a-z]{3})[a-z]*\.?\s+(?:(\d{1,2})(?:st|nd|rd|th)?,?\s+)?(\d{4})",
    re.IGNORECASE,
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def check_dates_exist(file: ClaimFile) -> Iterator[Finding]:
    """IMPOSSIBLE_DATE: 31 February and the like, in any date of any document."""
    for field, name in _DATE_FIELDS.items():
        for statement in stated(file, field):
            if statement.problem == "impossible" or is_impossible(statement.value or statement.raw):
                yield Finding(
                    code="IMPOSSIBLE_DATE",
                    severity="blocking" if field == "date_of_loss" else "warning",
                    summary=f"The {name} in {statement.evidence.filename} is {statement.raw!r}: there is no such day.",
                    evidence=[statement.evidence],
                    why_uncertain="A mistyped day or month is likelier than intent; what was meant cannot be told.",
                )


def check_dates_of_loss_agree(file: ClaimFile) -> Iterator[Finding]:
    """DATE_OF_LOSS_CONFLICT: one finding, naming each date and who states it.

    A date with two readings (03/04/2031) conflicts only where neither of them agrees.
    """
    days = _days(file)
    if all(one & other for (one, _), (other, _) in combinations(days, 2)):
        return
    said = "; ".join(f"{_printed(possible, statement)} ({statement.evidence.filename})" for possible, statement in days)
    yield Finding(
        code="DATE_OF_LOSS_CONFLICT",
        severity="blocking",
        summary=f"The documents give different dates of loss: {said}.",
        evidence=[statement.evidence for _, statement in days],
        why_uncertain="One may be the date of the report, or day and month are swapped; no document outranks another.",
    )


def check_no_future_dates(file: ClaimFile, today: date) -> Iterator[Finding]:
    """FUTURE_DATE: a loss or a document dated after `today`, however its date is read."""
    for field in ("date_of_loss", "document_date"):
        for possible, statement in _days(file, field):
            if min(possible) > today:
                yield Finding(
                    code="FUTURE_DATE",
                    severity="blocking" if field == "date_of_loss" else "warning",
                    summary=f"The {_DATE_FIELDS[field]} in {statement.evidence.filename} is "
                    f"{_printed(possible, statement)}, after today ({today.isoformat()}).",
                    evidence=[statement.evidence],
                    why_uncertain="The year may be mistyped, or day and month swapped.",
                )


def check_loss_within_policy(file: ClaimFile) -> Iterator[Finding]:
    """LOSS_OUTSIDE_POLICY: a stated date of loss that the policy does not cover, or a policy not in force."""
    policy = file.policy
    if policy is None:
        return
    period = f"{policy.period_start.isoformat()} to {policy.period_end.isoformat()}"
    days = _days(file)
    outside = [
        (possible, s)
        for possible, s in days
        if not any(policy.period_start <= day <= policy.period_end for day in possible)
    ]
    if outside:
        told = ", ".join(sorted({_printed(possible, s) for possible, s in outside}))
        all_of_them = len(outside) == len(days)
        yield Finding(
            code="LOSS_OUTSIDE_POLICY",
            severity="blocking" if all_of_them else "warning",
            summary=f"The loss ({told}) lies outside the policy period {period}.",
            evidence=[*(s.evidence for _, s in outside), policy_evidence(period)],
            why_uncertain="The stated date may be wrong, and an extension may not be in the database yet."
            if all_of_them
            else "Other documents give a date within the period.",
        )
    if policy.status.lower() not in _IN_FORCE:
        yield Finding(
            code="LOSS_OUTSIDE_POLICY",
            severity="blocking",
            summary=f"The policy database marks policy {policy.policy_number} as {policy.status!r}.",
            evidence=[policy_evidence(policy.status)],
            why_uncertain="The mark is of today; on the day of the loss the policy may have been in force.",
        )


def is_impossible(text: str) -> bool:
    """True when `text` begins with a date that names no day in any order of day and month."""
    readings = _readings(text)
    return bool(readings) and not any(_day(*reading) for reading in readings)


def _readings(text: str) -> list[tuple[int, int, int]]:
    """Every (year, month, day) that the date at the start of `text` may mean, whether or not there is such a day."""
    if found := _YEAR_FIRST.match(text):
        return [(int(found[1]), int(found[2]), int(found[3]))]
    if found := _YEAR_LAST.match(text):
        first, second, year = map(int, found.groups())
        return [(year, first, second), (year, second, first)]
    if (found := _NAMED.match(text)) and found[2].lower() in _MONTHS and (found[1] or found[3]):
        return [(int(found[4]), _MONTHS.index(found[2].lower()) + 1, int(found[1] or found[3]))]
    return []


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _days(file: ClaimFile, field: str = "date_of_loss") -> list[tuple[frozenset[date], Statement]]:
    """The statements of a date that name a day, each with every day it may mean."""
    return [(possible, statement) for statement in stated(file, field) if (possible := _possible(statement))]


def _possible(statement: Statement) -> frozenset[date]:
    if statement.value is None:
        return frozenset(day for reading in _readings(statement.raw) if (day := _day(*reading)))
    try:
        return frozenset({date.fromisoformat(statement.value)})
    except ValueError:
        return frozenset()


def _printed(possible: frozenset[date], statement: Statement) -> str:
    return min(possible).isoformat() if len(possible) == 1 else statement.raw
