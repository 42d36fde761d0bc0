"""The offline provider: deterministic rules that read labels, values and tables. No model, no network, no tokens.

The law: abstain rather than guess, and prove everything. A value that no label announces, that two labels contradict
or whose quote does not stand on the page is left out, with a sentence saying so.
"""

from __future__ import annotations

import re
from dataclasses import replace

from app.core.declarations.prompts import RULES
from app.insurance.reading.extraction import (
    DocumentFacts,
    DocumentKind,
    Extracted,
    ExtractionReply,
    ExtractionRequest,
    misquoted,
)
from app.insurance.reading.folding import fold
from app.insurance.reading.paper import Paper, paper_of
from app.insurance.reading.rules.blocks import block_fields, orders_to_machines
from app.insurance.reading.rules.entries import numbered_items
from app.insurance.reading.rules.fields import Candidate, candidates_in, chosen
from app.insurance.reading.rules.gaps import gaps
from app.insurance.reading.rules.guard import all_tried, tried
from app.insurance.reading.rules.kinds import kind_of, sign_of
from app.insurance.reading.rules.lines import Table, listed_without_header, tables_in
from app.insurance.reading.rules.prose import prose_facts
from app.insurance.reading.rules.totals import MONEY_FIELDS, currency, totals
from app.insurance.reading.text import Line, within_reach

_SECTION = re.compile(r"\b(claimant|insured|policy ?holder)\b")
_OTHER_SECTION = re.compile(
    r"\b(witness|driver|officer|agent|third party|other party|passenger|shop|repairer|adjuster)\b"
)
_SECTION_REACH = 12  # lines
_BILLS = ("repair_estimate", "repair_invoice", "other")
_PSEUDO_FIELDS = frozenset({*MONEY_FIELDS, "due", "name"})


class OfflineProvider:
    """Reads documents by rules. The same request always gives the same reply."""

    name = RULES

    def extract(self, request: ExtractionRequest) -> ExtractionReply:
        """The facts one document states; never raises for what a document holds."""
        notes: list[str] = []
        facts = tried("document", lambda: _facts(request, notes), None, notes)
        if facts is None:
            facts = DocumentFacts(document_id=request.document_id, kind="other", kind_confidence=0.0, notes=notes)
        return ExtractionReply(facts=facts, provider=self.name)


def _facts(request: ExtractionRequest, notes: list[str]) -> DocumentFacts:
    pages = within_reach(request.pages)
    paper = paper_of(pages)
    kind, kind_confidence, note = kind_of(paper.lines, request.filename)
    table = tried("lines", lambda: tables_in(paper), Table(), notes)
    if not table.rows:
        table = tried("lines", lambda: numbered_items(paper), Table(), notes)
    fields = _fields(paper, table, kind, notes)
    rows = table.rows or all_tried("lines", lambda: listed_without_header(paper, fields), notes)
    if len(pages) < len(request.pages):
        notes.append(f"Only the first {len(pages)} of {len(request.pages)} pages were searched: it is too long.")
    if kind in _BILLS:
        notes += all_tried("total", lambda: gaps(paper, fields, table), notes)
    facts = DocumentFacts(
        document_id=request.document_id,
        kind=kind,
        kind_confidence=kind_confidence,
        kind_quote=sign_of(kind, paper.lines),
        fields=fields,
        lines=rows,
        notes=[text for text in (note, *notes) if text],
    )
    return _proven(facts, request)


def _fields(paper: Paper, table: Table, kind: DocumentKind, notes: list[str]) -> dict[str, Extracted]:
    used = frozenset(table.used)
    candidates = [_with_its_person(c, paper.lines) for c in candidates_in(paper, skip=used, notes=notes)]
    candidates += all_tried("sentences", lambda: prose_facts(paper, skip=used), notes)
    fields, contradictions = chosen(c for c in candidates if c.field not in _PSEUDO_FIELDS)
    notes += contradictions
    nothing: dict[str, Extracted] = {}
    if kind != "policy":  # its totals are premiums and excesses, not a bill
        fields |= tried("total", lambda: totals(candidates, paper, skip=used, notes=notes), nothing, notes)
    fields |= tried("description", lambda: block_fields(paper, skip=used), nothing, notes)
    for name, rule in (
        ("currency", lambda: currency(fields, paper)),
        ("instructions", lambda: orders_to_machines(paper)),
    ):
        fact = tried(name, rule, None, notes)
        if fact:
            fields[name] = fact
    return fields


def _with_its_person(candidate: Candidate, lines: list[Line]) -> Candidate:
    """A bare 'Name' is the claimant's or the insured's when its section says so."""
    if candidate.field != "name":
        return candidate
    for line in reversed(lines[max(0, candidate.line - _SECTION_REACH) : candidate.line]):
        section = fold(line.text)
        if len(section.split()) > 6 or ":" in section:
            continue
        if _OTHER_SECTION.search(section):
            break
        person = _SECTION.search(section)
        if person:
            return replace(candidate, field="claimant" if person[1] == "claimant" else "insured")
    return candidate


def _proven(facts: DocumentFacts, request: ExtractionRequest) -> DocumentFacts:
    """The facts without those whose quote does not stand on the page they name."""
    wrong = set(misquoted(facts, request.pages))
    if not wrong:
        return facts
    return facts.model_copy(
        update={
            "fields": {name: fact for name, fact in facts.fields.items() if name not in wrong},
            "lines": [line for line in facts.lines if f"line: {line.description}" not in wrong],
            "notes": [*facts.notes, *(f"{name}: refused, its quote is not on the page" for name in sorted(wrong))],
        }
    )
