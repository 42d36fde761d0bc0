"""Whether a stated fact is proven by what it quotes: the test every reader's statements pass, rules and models alike.

The law: a value is believed only if it can be read, by our own rules, out of a quote that stands on the page it names.
A fact that fails is refused alone, with the reason; what the others state still counts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from app.core.values.amounts import AMOUNT, Style, currency_of, currency_words_in, decimal_of, style_of
from app.core.values.pages import PageText
from app.insurance.reading.dates import Order, dates_in, order_hint, order_of
from app.insurance.reading.extraction import FIELDS, DocumentFacts, Extracted, LineItem, quote_stands_in
from app.insurance.reading.folding import fold

AMOUNTS = frozenset({"amount_claimed", "deductible", "subtotal", "tax", "total"})
DATES = frozenset({"date_of_loss", "document_date", "period_start", "period_end"})
NUMBERS = frozenset({"claim_number", "policy_number", "vin", "plate", "police_report_number", "invoice_number", "year"})
MOST_CHARACTERS = 2000  # of a value: what is longer is a passage, not a fact


@dataclass(frozen=True, slots=True)
class Written:
    """How a document writes days and decimals; None where it does not say."""

    order: Order | None
    style: Style | None


def written(pages: Sequence[PageText]) -> Written:
    """What the whole document shows of its habits."""
    lines = [line for page in pages for line in page.text.split("\n")]
    hints = {hint for line in lines if (hint := order_hint(line))}
    return Written(order_of(lines) or (hints.pop() if len(hints) == 1 else None), style_of(lines))


def proven(facts: DocumentFacts, pages: Sequence[PageText]) -> tuple[DocumentFacts, list[str]]:
    """The facts that are proven, and a sentence for each that was refused."""
    text, how = {page.number: page.text for page in pages}, written(pages)
    fields = {name: unproven(name, fact, text.get(fact.page, ""), how) for name, fact in facts.fields.items()}
    lines = [(line, _line_unproven(line, text.get(line.page, ""), how)) for line in facts.lines]
    refused = [f"{name}: refused, {why}" for name, why in fields.items() if why]
    refused += [f"line {line.description[:80]!r}: refused, {why}" for line, why in lines if why]
    kind = facts.kind
    if kind != "other" and not any(quote_stands_in(facts.kind_quote, page) for page in text.values()):
        refused.append(f"kind: {kind} was refused, the words it quotes do not stand in the document")
        kind = "other"
    kept = {
        "kind": kind,
        "kind_confidence": facts.kind_confidence if kind == facts.kind else 0.0,
        "fields": {name: fact for name, fact in facts.fields.items() if not fields[name]},
        "lines": [line for line, why in lines if not why],
    }
    return (facts.model_copy(update=kept) if refused else facts), refused


def unproven(name: str, fact: Extracted, page: str, how: Written) -> str | None:
    """Why a fact is not proven by its quote; None if it is."""
    if name not in FIELDS:
        return "no such fact is asked for"
    if not quote_stands_in(fact.quote, page):
        return f"its quote does not stand on page {fact.page}"
    if not quote_stands_in(fact.raw, fact.quote) and not quote_stands_in(fact.raw, page):
        return f"{fact.raw[:80]!r} does not stand on page {fact.page}"
    if fact.value is None:
        return None if fact.problem else "it states neither a value nor why there is none"
    if fact.problem:
        return "it states a value and says that there is none"
    if isinstance(fact.value, list) != (name == "damage"):
        return "damage is a list of texts, any other fact one text"
    if len(str(fact.value)) > MOST_CHARACTERS:
        return f"it is longer than {MOST_CHARACTERS} characters"
    if isinstance(fact.value, list):
        missing = [item for item in fact.value if not _words_stand(item, fact.raw or fact.quote)]
        return f"{missing[0][:80]!r} is not what it quotes" if missing else None
    return None if stands_for(name, fact.value, fact.quote, how) else f"{fact.value[:80]!r} is not what its quote says"


def stands_for(name: str, value: str, quote: str, how: Written) -> bool:
    """Whether the value can be read out of the quote."""
    if name in AMOUNTS:
        return _decimal(value) in amounts_of(quote, how.style)
    if name in DATES:
        order = order_hint(quote) or how.order
        return _day(value) in {read.value for read in dates_in(quote, order)} - {None}
    if name in NUMBERS:
        return _number_stands(value, quote)
    if name == "currency":
        signs = {currency_of(found) for found in re.findall(r"[^\W\d_]+|[^\w\s]", quote)}
        return value in signs | {code for _, code in currency_words_in(quote)}
    return _words_stand(value, quote)


def amounts_of(quote: str, style: Style | None) -> set[Decimal | None]:
    """Every number of the quote that can be an amount, with its sign."""
    found: set[Decimal | None] = set()
    for match in AMOUNT.finditer(quote):
        number = decimal_of(match["number"], style)
        if number is not None:
            negative = match["minus"] or match["minus2"] or match["minus3"] or (match["open"] and match["close"])
            found.add(-number if negative else number)
    return found


def same(name: str, one: str | list[str] | None, other: str | list[str] | None) -> bool:
    """Whether two readings of a field say the same."""
    if one is None or other is None:
        return one is other
    if name in AMOUNTS:
        return _decimal(str(one)) == _decimal(str(other)) is not None
    if isinstance(one, list) or isinstance(other, list):
        return sorted(map(_plain, one)) == sorted(map(_plain, other))
    return one == other if name in DATES else _plain(one) == _plain(other)


def _line_unproven(line: LineItem, page: str, how: Written) -> str | None:
    if not quote_stands_in(line.quote, page):
        return f"its quote does not stand on page {line.page}"
    amounts = amounts_of(line.quote, how.style)
    wrong = [
        a for a in (line.amount, line.unit_price, line.quantity) if a is not None and abs(a) not in map(_size, amounts)
    ]
    return f"{wrong[0]} is not what its quote says" if wrong else None


def _size(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else abs(amount)


def _number_stands(value: str, quote: str) -> bool:
    """Letters and digits in their order, whole: NW-1 is not a part of NW-12."""
    signs = [re.escape(sign) for sign in fold(value) if sign.isalnum()]
    if not signs:
        return False
    return re.search(r"(?<![^\W_])" + r"[\W_]*".join(signs) + r"(?![^\W_])", fold(quote)) is not None


def _words_stand(value: str, quote: str) -> bool:
    wanted = _plain(value)
    return bool(wanted) and f" {wanted} " in f" {_plain(quote)} "


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", fold(text)))


def _decimal(text: str) -> Decimal | None:
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
