"""A document read by two: the rules, and the model the settings name, if they name one.

The law: a model can confirm a fact or cast doubt on it; it can neither change one, nor remove one, nor make one. What
the rules read stands; where the model reads otherwise, or reads something alone, both readings go to a person. Two
things go the other way, because they only make people look: orders to machines, and the kind where rules see none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.core.declarations.prompts import RULES
from app.core.step import Asks
from app.core.values.pages import PageText
from app.insurance.reading.extraction import DocumentFacts, Doubt, Extracted, LineItem, Statements
from app.insurance.reading.quotes import proven, same
from workflows.document_reading.prompts import EXTRACTION, EXTRACTION_BY_RULES

_SHOWN = 200  # characters of a doubted value
_MOST_DOUBTS, _MOST_NOTES = 40, 40
_ANYBODY_MAY_ADD = "instructions"


def read_pages(step: Asks, document_id: str, filename: str, pages: Sequence[PageText]) -> tuple[DocumentFacts, str]:
    """What the pages state, and who read them. Where no model is named, the rules alone do."""
    request = {"document_id": document_id, "filename": filename, "pages": [page.model_dump() for page in pages]}
    said, reader = _proven(step.ask(EXTRACTION, request), document_id, pages), step.answered_by
    if reader == RULES:
        return said, reader
    return both(_proven(step.ask(EXTRACTION_BY_RULES, request), document_id, pages), said), reader


def both(rules: DocumentFacts, model: DocumentFacts) -> DocumentFacts:
    """The rules' facts, with what the model confirms and what it doubts."""
    fields, confirmed, doubts = dict(rules.fields), list[str](), list[Doubt]()
    for name, said in model.fields.items():
        stands = rules.fields.get(name)
        if stands is None and name == _ANYBODY_MAY_ADD:
            fields[name] = said
        elif stands is not None and (name == _ANYBODY_MAY_ADD or _agree(name, said, stands)):
            confirmed.append(name)
        else:
            doubts.append(_doubt(name, said, stands))
    if model.kind not in ("other", rules.kind):
        kind = None if rules.kind == "other" else rules.kind
        doubts.append(Doubt(field="kind", by_model=model.kind, by_rules=kind, quote=model.kind_quote))
    if model.lines and _amounts(model.lines) != _amounts(rules.lines):
        by_rules = _told(rules.lines) if rules.lines else None
        doubts.append(Doubt(field="lines", by_model=_told(model.lines), by_rules=by_rules, page=model.lines[0].page))
    taken = model if rules.kind == "other" else rules
    notes = [*rules.notes, *(f"model: {note[:_SHOWN]}" for note in model.notes if note not in rules.notes)][
        :_MOST_NOTES
    ]
    told = {
        "fields": fields,
        "confirmed": sorted(confirmed),
        "doubts": doubts[:_MOST_DOUBTS],
        "notes": notes,
        "kind": taken.kind,
        "kind_confidence": taken.kind_confidence,
        "kind_quote": taken.kind_quote,
    }
    return rules.model_copy(update=told)


def _proven(said: Statements, document_id: str, pages: Sequence[PageText]) -> DocumentFacts:
    """What was said, as facts of this document, without what its quotes do not prove."""
    told = {name: getattr(said, name) for name in Statements.model_fields}
    facts, refused = proven(DocumentFacts(document_id=document_id, **told), pages)
    return facts.model_copy(update={"notes": [*facts.notes, *refused][:_MOST_NOTES]}) if refused else facts


def _agree(name: str, one: Extracted, other: Extracted) -> bool:
    if one.value is None or other.value is None:
        return one.value is other.value is None and one.problem == other.problem
    return same(name, one.value, other.value)


def _doubt(name: str, said: Extracted, stands: Extracted | None) -> Doubt:
    by_rules = _value(stands) if stands else None
    return Doubt(field=name, by_model=_value(said), by_rules=by_rules, page=said.page, quote=said.quote[:_SHOWN])


def _value(fact: Extracted) -> str:
    value = ", ".join(fact.value) if isinstance(fact.value, list) else fact.value
    return (f"{fact.raw!r}, {fact.problem}" if value is None else value)[:_SHOWN]


def _amounts(lines: Sequence[LineItem]) -> list[Any]:
    return sorted(line.amount for line in lines)


def _told(lines: Sequence[LineItem]) -> str:
    return f"{len(lines)} lines, {sum(line.amount for line in lines)} in all"
