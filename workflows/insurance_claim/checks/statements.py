"""Who says what: every source of a claim asked the same question.

The law: a check compares statements, and a statement knows its source. The notice, the policy database and each
document are witnesses alike; none is right because of what it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from app.insurance.reading.extraction import DocumentFacts, Extracted, LineItem
from workflows.insurance_claim.facts import StatedDate
from workflows.insurance_claim.models import ClaimFile, DocumentRef, Evidence

NOTICE = "notice"
POLICY = "policy"
BILLS = ("repair_estimate", "repair_invoice")


@dataclass(frozen=True, slots=True)
class Statement:
    """What one source states for one field. `value` is None when it was stated but is no value."""

    field: str
    value: str | None
    raw: str
    problem: str | None
    confidence: float
    evidence: Evidence


def stated(file: ClaimFile, field: str) -> list[Statement]:
    """Every statement of `field`, the notice first, then the documents in their order.

    What the notice took over from a document is that document's statement, and counts once.
    """
    documents = list(_by_documents(file, field))
    notice = [n for n in _by_notice(file, field) if not any(_repeats(n, said) for said in documents)]
    return notice + documents


def _repeats(notice: Statement, said: Statement) -> bool:
    taken_over = notice.evidence.filename == said.evidence.filename
    return (notice.value, notice.raw) == (said.value, said.raw) or (taken_over and notice.value == said.value)


def bills(file: ClaimFile) -> list[tuple[DocumentRef, DocumentFacts]]:
    """The estimates and invoices that were read, each content once."""
    seen: set[str] = set()
    found = []
    for facts in file.extractions:
        ref = file.document(facts.document_id)
        if ref and facts.kind in BILLS and ref.sha256 not in seen:
            seen.add(ref.sha256)
            found.append((ref, facts))
    return found


def evidence_of(ref: DocumentRef, fact: Extracted | LineItem | None = None) -> Evidence:
    """The place of a fact in a document, or the document as a whole."""
    if fact is None:
        return Evidence(document=ref.id, filename=ref.filename)
    return Evidence(document=ref.id, filename=ref.filename, page=fact.page, quote=fact.quote)


def policy_evidence(quote: str) -> Evidence:
    """What the policy database says."""
    return Evidence(document=POLICY, filename="policy database", quote=quote)


def _by_notice(file: ClaimFile, field: str) -> Iterator[Statement]:
    notice = file.notice
    if notice is None or field not in type(notice).model_fields:
        return
    told = getattr(notice, field)
    if told is None or told == []:
        return
    raw = str(told)
    value: str | None = raw
    if isinstance(told, StatedDate):
        raw, value = told.raw, told.value.isoformat() if told.value else None
    yield Statement(field, value, raw, None, 1.0, Evidence(document=NOTICE, filename=notice.source, quote=raw))


def _by_documents(file: ClaimFile, field: str) -> Iterator[Statement]:
    for facts in file.extractions:
        ref, fact = file.document(facts.document_id), facts.fields.get(field)
        if ref is None or fact is None:
            continue
        value = ", ".join(fact.value) if isinstance(fact.value, list) else fact.value
        yield Statement(field, value, fact.raw, fact.problem, fact.confidence, evidence_of(ref, fact))
