"""Where two readers of one document differ, and what nobody who looks at a page can see."""

from __future__ import annotations

from collections.abc import Iterator

from app.insurance.reading.extraction import DocumentFacts
from app.insurance.reading.orders import addresses_a_machine
from workflows.document_reading import Hidden
from workflows.insurance_claim.checks.statements import evidence_of
from workflows.insurance_claim.models import ClaimFile, DocumentRef, Evidence, Finding, Severity

_TOLD = 6  # doubts named in a summary; the others stand in the evidence
_SIGNATURE = 4  # words of hidden text that a program leaves of itself; an order to a reader takes more
_SHOWN = 90
_MILD_FIRST = ("info", "warning", "blocking")


def check_readings_agree(file: ClaimFile) -> Iterator[Finding]:
    """UNCONFIRMED_VALUE: a model read something otherwise than the rules, or alone; one finding a document."""
    for facts in file.extractions:
        ref = file.document(facts.document_id)
        if ref and facts.doubts:
            told = [_told(facts, n) for n in range(min(len(facts.doubts), _TOLD))]
            more = f"; and {len(facts.doubts) - _TOLD} more" if len(facts.doubts) > _TOLD else ""
            yield Finding(
                code="UNCONFIRMED_VALUE",
                severity="warning",
                summary=f"{ref.filename}: " + "; ".join(told) + more + ".",
                evidence=[
                    Evidence(document=ref.id, filename=ref.filename, page=doubt.page, quote=doubt.quote)
                    for doubt in facts.doubts
                ],
                why_uncertain="Two readers of the document do not say the same; the model's reading was not used, see the page.",
            )


def check_hidden_text(file: ClaimFile) -> Iterator[Finding]:
    """HIDDEN_TEXT: words that are in the file and not to be seen on its pages; no reader was given them.

    It blocks where they give orders; newsletters hide words every day. A word or four are worth a note only: programs sign
    their pages in print too small to see, or number them in the margin.
    """
    for ref in file.documents:
        if ref.hidden:
            yield Finding(
                code="HIDDEN_TEXT",
                severity=max((_gravity(found.text) for found in ref.hidden), key=_MILD_FIRST.index),
                summary=f"{ref.filename} holds words that nobody sees who looks at it: {ref.hidden[0].text[:_SHOWN]!r}.",
                evidence=[_of_hidden(ref, found) for found in ref.hidden],
                why_uncertain="Some programs hide text innocently, under a scan for one; it was left out of what was read.",
            )


def _gravity(text: str) -> Severity:
    if addresses_a_machine(text):
        return "blocking"
    return "warning" if len(text.split()) > _SIGNATURE else "info"


def _of_hidden(ref: DocumentRef, found: Hidden) -> Evidence:
    return evidence_of(ref).model_copy(update={"page": found.page, "quote": f"{found.why}: {found.text}"})


def _told(facts: DocumentFacts, n: int) -> str:
    doubt = facts.doubts[n]
    name, model = doubt.field.replace("_", " "), doubt.by_model[:_SHOWN]
    if doubt.by_rules is None:
        return f"{name} is read by the model alone, as {model!r}"
    return f"{name} is {doubt.by_rules[:_SHOWN]!r} by the rules and {model!r} by the model"
