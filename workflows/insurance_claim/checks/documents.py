"""The documents as such: readable, what they claim to be, sent once, and all of them there."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from app.insurance.reading.extraction import DocumentKind
from workflows.insurance_claim.checks.statements import BILLS, bills, evidence_of
from workflows.insurance_claim.models import ClaimFile, DocumentRef, Finding

_KIND_NAMES: dict[str, str] = {
    "claim_form": "a claim form",
    "police_report": "a police report",
    "repair_estimate": "a repair estimate",
    "repair_invoice": "a repair invoice",
    "policy": "a policy",
    "photos": "photos",
    "correspondence": "a letter",
    "other": "none of the documents a claim needs",
}
_NAMED_AS: tuple[tuple[str, DocumentKind], ...] = (
    ("police", "police_report"),
    ("estimate", "repair_estimate"),
    ("quote", "repair_estimate"),
    ("invoice", "repair_invoice"),
    ("claim_form", "claim_form"),
    ("claim-form", "claim_form"),
    ("claim form", "claim_form"),
    ("claimform", "claim_form"),
    ("fnol", "claim_form"),
    ("notice_of_loss", "claim_form"),
)
_SURE_ENOUGH = 0.6
_NAMED_AT_MOST = 5
REPAIR_BILL = "repair_estimate or repair_invoice"


def required_documents(file: ClaimFile) -> list[str]:
    """The kinds of documents still missing; an estimate or an invoice will do for the repair."""
    present = {facts.kind for facts in file.extractions if (ref := file.document(facts.document_id)) and _was_read(ref)}
    present |= {ref.kind for ref in file.documents if ref.kind and ref.reason == "CLAIM_FILE_FULL"}  # sent, and read
    missing: list[str] = [kind for kind in ("claim_form", "police_report") if kind not in present]
    return missing if present & set(BILLS) else [*missing, REPAIR_BILL]


def check_readable(file: ClaimFile) -> Iterator[Finding]:
    """UNREADABLE_DOCUMENT: what nobody but a person has seen, whole documents and single pages."""
    for ref in file.documents:
        if ref.status == "unreadable":
            picture = ref.media_type.startswith("image/")
            yield Finding(
                code="UNREADABLE_DOCUMENT",
                severity="info" if picture else "warning",
                summary=f"{ref.filename} was not read ({ref.reason or 'no reason given'}). {ref.sentence}".strip(),
                evidence=[evidence_of(ref)],
                why_uncertain="Whatever it states is missing from every other check.",
            )
        if ref.status == "read" and ref.pages_unsure:
            yield Finding(
                code="UNREADABLE_DOCUMENT",
                severity="warning",
                summary=f"{ref.filename}: page {', '.join(map(str, ref.pages_unsure))} is a scan that was not read surely: "
                + "; ".join(f'"{line}"' for line in ref.unsure[:_NAMED_AT_MOST])
                + ".",
                evidence=[evidence_of(ref).model_copy(update={"page": ref.pages_unsure[0]})],
                why_uncertain="OCR took these lines from a picture and may have misread them; compare them with the page.",
            )
        if ref.status == "read" and ref.pages_without_text:
            pages = ", ".join(map(str, ref.pages_without_text))
            yield Finding(
                code="UNREADABLE_DOCUMENT",
                severity="info",
                summary=f"{ref.filename}: page {pages} holds no text and was not read.",
                evidence=[evidence_of(ref).model_copy(update={"page": ref.pages_without_text[0]})],
                why_uncertain="It may be a photo or a scan; what it shows is missing from every other check.",
            )


def check_kinds(file: ClaimFile) -> Iterator[Finding]:
    """WRONG_DOCUMENT_TYPE: its words say another kind than its sender, or its name."""
    for facts in file.extractions:
        ref = file.document(facts.document_id)
        expected = _expected(ref) if ref else None
        if ref is None or facts.kind == expected or (facts.kind != "other" and facts.kind_confidence < _SURE_ENOUGH):
            continue
        if expected is None and facts.kind != "other":
            continue
        said = f"was sent as {_KIND_NAMES[expected]} but looks like" if expected else "looks like"
        yield Finding(
            code="WRONG_DOCUMENT_TYPE",
            severity="info" if {facts.kind, expected} <= set(BILLS) else "warning",
            summary=f"{ref.filename} {said} {_KIND_NAMES[facts.kind]}.",
            evidence=[evidence_of(ref)],
            why_uncertain=f"The kind was told by its words, with a confidence of {facts.kind_confidence:.0%}"
            + ("." if ref.expected_kind or not expected else ", and what it was sent as by its file name only."),
        )


def check_duplicates(file: ClaimFile) -> Iterator[Finding]:
    """DUPLICATE_DOCUMENT: the same bytes twice, or two papers with the same bill number."""
    same: dict[str, list[DocumentRef]] = {}
    for ref in file.documents:
        same.setdefault(ref.sha256, []).append(ref)
    for first, *again in same.values():  # one finding a content: a file sent a hundred times is one thing to know
        if again:
            names = ", ".join(ref.filename for ref in again[:_NAMED_AT_MOST])
            more = f" and {len(again) - _NAMED_AT_MOST} more" if len(again) > _NAMED_AT_MOST else ""
            yield Finding(
                code="DUPLICATE_DOCUMENT",
                severity="info",
                summary=f"{names}{more} {'is' if len(again) == 1 else 'are'} the same file as {first.filename}; "
                "it was counted once.",
                evidence=[evidence_of(ref) for ref in (first, *again)],
                why_uncertain="A file sent twice is usually a mistake; another one may be missing in its place.",
            )
    for (one, facts), (other, others) in combinations(bills(file), 2):
        number, repeated = facts.fields.get("invoice_number"), others.fields.get("invoice_number")
        if number and repeated and facts.kind == others.kind and number.value == repeated.value:
            yield Finding(
                code="DUPLICATE_DOCUMENT",
                severity="warning",
                summary=f"{one.filename} and {other.filename} are both {_KIND_NAMES[facts.kind]} no. {number.value}.",
                evidence=[evidence_of(one, number), evidence_of(other, repeated)],
                why_uncertain="It may be a corrected version, or one bill sent in twice; numbers repeat between shops.",
            )


def check_instructions(file: ClaimFile) -> Iterator[Finding]:
    """INSTRUCTIONS_IN_DOCUMENT: text meant for whoever reads by machine."""
    for facts in file.extractions:
        ref, fact = file.document(facts.document_id), facts.fields.get("instructions")
        if ref and fact:
            yield Finding(
                code="INSTRUCTIONS_IN_DOCUMENT",
                severity="blocking",
                summary=f"{ref.filename} holds text that gives orders to a machine; none was followed.",
                evidence=[evidence_of(ref, fact)],
                why_uncertain="It may be harmless, but nothing extracted from this document should be trusted unseen.",
            )


def _expected(ref: DocumentRef) -> DocumentKind | None:
    """What it was sent as; failing that, what its file name says."""
    if ref.expected_kind:
        return ref.expected_kind
    name = ref.filename.lower()
    return next((kind for word, kind in _NAMED_AS if word in name), None)


def _was_read(ref: DocumentRef) -> bool:
    return ref.status == "read"
