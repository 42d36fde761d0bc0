"""What was read in a document, field by field, with the words it was read from: as a task or a run holds it.

The law: a mark names its document, page and quote, or it is none; where the quote stands on the page is looked up on the
drawing, never believed. Whatever a workflow keeps in the wire shape of extraction, or cites as evidence, is found here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from app.store.records import documents
from app.web.http import show

_MOST = 400  # marks of one document
Kind = Literal["fact", "line", "doubt", "finding"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """Something read from a document. `n` is its number in the document; `note` says what is not certain about it."""

    n: int
    kind: Kind
    name: str
    value: str
    page: int
    quote: str
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A document with what was read in it. `pages` None: nobody has counted them yet."""

    sha256: str
    filename: str
    kind: str = ""
    pages: int | None = None
    said: str = ""
    size: int | None = None
    uploaded_by: str | None = None
    marks: Sequence[Mark] = field(default_factory=list)

    def of_kind(self, *kinds: Kind) -> list[Mark]:
        """Its marks of these kinds, in order."""
        return [mark for mark in self.marks if mark.kind in kinds]


def documents_with_marks(listed: Sequence[documents.Document], data: Any, evidence: Sequence[Any]) -> list[Document]:
    """The listed documents, each with what a run's data and a task's evidence quote of it."""
    known = {
        ref["id"]: ref
        for ref in _records(data)
        if isinstance(ref.get("id"), str) and isinstance(ref.get("sha256"), str)
    }
    refs: dict[str, Mapping[str, Any]] = {}
    found: dict[str, list[tuple[Kind, str, str, int, str, str]]] = {}
    for ref in known.values():
        refs.setdefault(ref["sha256"], ref)
    for document_id, *rest in [*_of_facts(data), *_of_evidence(evidence)]:
        if document_id in known:
            found.setdefault(known[document_id]["sha256"], []).append(tuple(rest))
    return [_document(row, refs.get(row.sha256, {}), found.get(row.sha256, ())) for row in listed]


def _document(
    row: documents.Document, ref: Mapping[str, Any], found: Sequence[tuple[Kind, str, str, int, str, str]]
) -> Document:
    marks = [
        Mark(n=n, kind=kind, name=name, value=value, page=page, quote=quote, note=note)
        for n, (kind, name, value, page, quote, note) in enumerate(dict.fromkeys(found[:_MOST]), start=1)
    ]
    pages = ref.get("pages")
    said = (
        " ".join(str(ref.get(name) or "") for name in ("reason", "sentence")).strip()
        if ref.get("status") == "unreadable"
        else ""
    )
    return Document(
        sha256=row.sha256,
        filename=row.filename,
        kind=str(ref.get("kind") or ""),
        said=said,
        marks=marks,
        pages=pages if isinstance(pages, int) and pages > 0 else None,
        size=row.size,
        uploaded_by=row.uploaded_by,
    )


def _of_facts(data: Any) -> Iterator[tuple[Any, ...]]:
    """Everything in the wire shape of extraction (`app.insurance.reading.extraction.DocumentFacts`)."""
    for facts in _records(data):
        document_id, fields = facts.get("document_id"), facts.get("fields")
        if not isinstance(document_id, str) or not isinstance(fields, Mapping):
            continue
        confirmed = _list(facts.get("confirmed"))
        for name, fact in fields.items():
            if isinstance(fact, Mapping) and (place := _place(fact)):
                yield document_id, "fact", show.words(name), _value(fact), *place, _doubtful(fact, name in confirmed)
        for doubt in _list(facts.get("doubts")):
            if isinstance(doubt, Mapping) and (place := _place(doubt)):
                rules = doubt.get("by_rules")
                note = (
                    f"a model reads this; the rules read {rules!r}"
                    if rules
                    else "a model reads this; the rules read nothing"
                )
                yield document_id, "doubt", show.words(doubt.get("field")), str(doubt.get("by_model")), *place, note
        for line in _list(facts.get("lines")):
            if isinstance(line, Mapping) and (place := _place(line)):
                yield document_id, "line", str(line.get("description")), str(line.get("amount")), *place, ""


def _of_evidence(evidence: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """What the findings of a task quote."""
    for piece in evidence:
        if not isinstance(piece, Mapping):
            continue
        for part in [piece, *_list(piece.get("evidence"))]:
            if isinstance(part, Mapping) and isinstance(part.get("document"), str) and (place := _place(part)):
                name = str(piece.get("code") or "quoted")
                yield part["document"], "finding", show.words(name.lower()), place[1], *place, ""


def _place(record: Mapping[str, Any]) -> tuple[int, str] | None:
    page, quote = record.get("page"), record.get("quote")
    return (page, quote) if isinstance(page, int) and page > 0 and isinstance(quote, str) and quote.strip() else None


def _value(fact: Mapping[str, Any]) -> str:
    value = fact.get("value")
    return ", ".join(map(str, value)) if isinstance(value, list) else str(fact.get("raw") if value is None else value)


def _doubtful(fact: Mapping[str, Any], confirmed: bool) -> str:
    problem, confidence = fact.get("problem"), fact.get("confidence")
    if problem:
        return f"as written: {problem}"
    said = f"{confidence:.0%} sure" if isinstance(confidence, int | float) else ""
    return f"{said}, confirmed by a model" if confirmed else said


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _records(data: Any) -> list[Mapping[str, Any]]:
    """The records in a run's data, one level deep."""
    if not isinstance(data, Mapping):
        return []
    parts = [part for value in data.values() for part in (value if isinstance(value, list) else [value])]
    return [part for part in [data, *parts] if isinstance(part, Mapping)]
