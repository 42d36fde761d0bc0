"""Subtotal, tax and total: which of the amounts is which.

The law: arithmetic is the judge. A row of net, tax and gross is believed when it adds up; several different totals are
resolved only by subtotal + tax or by the amount due. What arithmetic does not settle stays out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from app.core.values.amounts import AmountRead, amounts_in, currency_words_in
from app.insurance.reading.extraction import Extracted
from app.insurance.reading.paper import Paper
from app.insurance.reading.readers import Reading
from app.insurance.reading.rules.fields import Candidate, chosen, fact_at
from app.insurance.reading.text import Line

_ANY_DOLLARS = ("$", "dollars")  # those of several countries
_CENT = Decimal("0.01")
MONEY_FIELDS = ("subtotal", "tax", "total")


def totals(
    candidates: list[Candidate], paper: Paper, *, skip: frozenset[int], notes: list[str]
) -> dict[str, Extracted]:
    """The facts `subtotal`, `tax` and `total` as far as they are settled; why others are not goes to `notes`."""
    wanted = [c for c in candidates if c.field in (*MONEY_FIELDS, "due")]
    wanted += list(_rows_that_add_up(paper, skip))
    facts, contradictions = chosen(c for c in wanted if c.field in ("subtotal", "tax"))
    notes += contradictions
    of_total = [c for c in wanted if c.field == "total"]
    due, _ = chosen(c for c in wanted if c.field == "due")
    total = _total(of_total, facts, due.get("due"))
    if total:
        facts["total"] = total
    elif of_total:
        printed = ", ".join(sorted({c.fact.raw for c in of_total}))
        notes.append(f"total: left out, the document states different totals: {printed}")
    return _confirmed(facts)


def currency(facts: dict[str, Extracted], paper: Paper) -> Extracted | None:
    """The currency of the document, if all its amounts agree; spelt-out names ('in US Dollars') count too.

    A bare $ is several countries' and stays ambiguous: stated, but no value.
    """
    found: dict[str, list[Extracted]] = {}
    for line in paper.lines:
        for read in amounts_in(line.text, paper.habits.style):
            if read.currency:
                fact = _currency_fact(line, read)
                found.setdefault(str(fact.value or "$"), []).append(fact)
        for printed, code in currency_words_in(line.text):
            reading = _currency_reading(printed, code, 0.9)
            at = line.text.index(printed)
            fact = fact_at(line, reading, at=at, quote_from=at, confidence=1.0)
            found.setdefault(str(fact.value or "$"), []).append(fact)
    if "$" in found and len(found) > 1 and any(code.endswith("D") for code in found if code != "$"):
        del found["$"]  # the document says which dollars it means
    if len(found) == 1:
        return max(next(iter(found.values())), key=lambda fact: fact.confidence)
    return _currency_of_total(found, facts)


def _currency_reading(printed: str, code: str | None, certainty: float) -> Reading:
    if printed.lower() in _ANY_DOLLARS:
        return Reading(None, len(printed), certainty, problem="ambiguous")
    return Reading(code, len(printed), certainty)


def _currency_of_total(found: dict[str, list[Extracted]], facts: dict[str, Extracted]) -> Extracted | None:
    """Several currencies: the one that stands with the total, if it does."""
    total = facts.get("total") or facts.get("amount_claimed")
    if total is None:
        return None
    with_it = [f for known in found.values() for f in known if f.page == total.page and f.quote in total.quote]
    return with_it[0] if len({f.value for f in with_it}) == 1 else None


def _currency_fact(line: Line, read: AmountRead) -> Extracted:
    reading = replace(_currency_reading(read.printed_currency, read.currency, 0.95), end=read.end - read.start)
    fact = fact_at(line, reading, at=read.start, quote_from=read.start, confidence=1.0)
    return fact.model_copy(update={"raw": read.printed_currency})


def _rows_that_add_up(paper: Paper, skip: frozenset[int]) -> Iterable[Candidate]:
    """'Total  24.99  5.00  29.99' states all three."""
    for line in paper.lines:
        label = next((found for found in paper.labels_of(line) if found.meaning.field in ("total", "due")), None)
        amounts = amounts_in(line.text, paper.habits.style) if label and line.index not in skip else []
        if label is None or len(amounts) != 3:
            continue
        net, tax, gross = amounts
        if net.value + tax.value == gross.value != 0:
            for field, amount in zip(MONEY_FIELDS, amounts, strict=True):
                reading = Reading(format(amount.value, "f"), amount.end - amount.start)
                fact = fact_at(line, reading, at=amount.start, quote_from=label.start, confidence=0.95)
                yield Candidate(field, 1, fact, line.index)


def _total(candidates: list[Candidate], facts: dict[str, Extracted], due: Extracted | None) -> Extracted | None:
    if not candidates:
        return due
    by_value: dict[Decimal, list[Candidate]] = {}
    for candidate in candidates:
        by_value.setdefault(Decimal(str(candidate.fact.value)), []).append(candidate)
    agreed = next(iter(by_value)) if len(by_value) == 1 else _settled(set(by_value), facts, due, candidates)
    if agreed is None:
        return None
    return max((c.fact for c in by_value[agreed]), key=lambda fact: fact.confidence)


def _settled(
    values: set[Decimal], facts: dict[str, Extracted], due: Extracted | None, candidates: list[Candidate]
) -> Decimal | None:
    """Which of several totals is the total: subtotal + tax, else the only one so named, else the amount due."""
    net, tax = facts.get("subtotal"), facts.get("tax")
    if net and tax and Decimal(str(net.value)) + Decimal(str(tax.value)) in values:
        return Decimal(str(net.value)) + Decimal(str(tax.value))
    best = min(candidate.rank for candidate in candidates)
    named = {Decimal(str(c.fact.value)) for c in candidates if c.rank == best}
    if len(named) == 1:
        return named.pop()
    if due and Decimal(str(due.value)) in values:
        return Decimal(str(due.value))
    return None


def _confirmed(facts: dict[str, Extracted]) -> dict[str, Extracted]:
    """Raise the confidence of three amounts that confirm each other; lower it where they do not."""
    if not all(field in facts for field in MONEY_FIELDS):
        return facts
    net, tax, gross = (Decimal(str(facts[field].value)) for field in MONEY_FIELDS)
    adds_up = abs(net + tax - gross) <= _CENT
    return {
        name: fact.model_copy(update={"confidence": 0.98 if adds_up else round(fact.confidence * 0.9, 2)})
        for name, fact in facts.items()
    }
