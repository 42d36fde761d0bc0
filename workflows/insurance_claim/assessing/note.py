"""The written note for the person who reviews a claim.

The law: it says what was seen and where, what is uncertain and why, what was not read and what was suggested or decided
so far, by whom and why. A suggestion is named as one. It is bounded: what does not fit is counted, never silently dropped.
"""

from __future__ import annotations

from collections.abc import Iterable

from app.insurance.reading.extraction import DocumentFacts
from workflows.insurance_claim.models import ClaimFile, DocumentRef, Evidence, Finding, Recommendation

MAX_CHARACTERS = 8000
_SEEN, _UNCERTAIN, _UNREAD, _DECIDED, _SUGGESTED = 2200, 2600, 900, 900, 1000
_LINE, _QUOTE, _PLACES = 320, 90, 3
_TOLD_FIRST = (
    "claim_number",
    "policy_number",
    "claimant",
    "insured",
    "date_of_loss",
    "place",
    "vin",
    "plate",
    "police_report_number",
    "invoice_number",
    "amount_claimed",
    "subtotal",
    "tax",
    "total",
    "currency",
    "damage",
)
_WITHOUT_SPACES = str.maketrans({"_": " "})


def review_note(file: ClaimFile) -> str:
    """The note, at most `MAX_CHARACTERS` long; plain text, one statement per line."""
    sections: tuple[tuple[str, list[str]], ...] = (
        (f"Claim {file.claim_number}", []),
        *([("What was decided so far", _bounded(_decided(file), _DECIDED))] if _has_decisions(file) else []),
        *(
            [("What is suggested, and why", _bounded(_suggested(file.recommendation), _SUGGESTED))]
            if file.recommendation
            else []
        ),
        ("What was seen", _bounded(_seen(file), _SEEN)),
        ("What is uncertain, and why", _bounded(_uncertain(file), _UNCERTAIN)),
        ("What was not read", _bounded(_unread(file), _UNREAD)),
    )
    return "\n\n".join("\n".join([title, *lines]) for title, lines in sections)


def _has_decisions(file: ClaimFile) -> bool:
    refused = file.sign_off is not None and file.sign_off.verdict == "refused"
    return refused or file.siu_review is not None


def _decided(file: ClaimFile) -> Iterable[str]:
    """Why the claim is back: a reviewer who does not read it decides the same again."""
    if file.siu_review:
        found = file.siu_review
        yield f"- Investigation: {_words(found.outcome)}, by {found.reviewer}: {found.reason}"
    if file.sign_off and file.sign_off.verdict == "refused" and file.review:
        amount = f" {file.review.amount} {file.review.currency}" if file.review.amount is not None else ""
        yield f"- {file.review.reviewer_name or file.review.reviewer} decided: {file.review.outcome}{amount}: {file.review.reason}"
        yield f"- Sign-off refused by {file.sign_off.approver_name or file.sign_off.approver}: {file.sign_off.reason}"


def _suggested(said: Recommendation) -> Iterable[str]:
    """The assessment, with what each reason rests on; a person decides."""
    amount = f" {said.amount:.2f} {said.currency or ''}".rstrip() if said.amount is not None else ""
    yield f"- {said.provider} suggests: {said.outcome}{amount} (confidence {said.confidence:.0%})"
    for reason in said.reasons:
        yield f"- {reason.says}" + (f" [{'; '.join(reason.sources)}]" if reason.sources else "")


def _seen(file: ClaimFile) -> Iterable[str]:
    if file.policy:
        policy = file.policy
        yield (
            f"- Policy database: {policy.policy_number}, {policy.named_insured}, "
            f"{policy.period_start.isoformat()} to {policy.period_end.isoformat()}, {policy.status}"
        )
    if file.notice:
        yield f"- Notice ({file.notice.source}): {_of_notice(file)}"
    for facts in file.extractions:
        ref = file.document(facts.document_id)
        if ref:
            yield f"- {ref.filename}: {_words(facts.kind)} (confidence {facts.kind_confidence:.0%})"
            yield from _of_document(facts)


def _of_notice(file: ClaimFile) -> str:
    notice = file.notice
    if notice is None:
        return ""
    told = {
        "claimant": notice.claimant,
        "policy": notice.policy_number,
        "date of loss": notice.date_of_loss.raw if notice.date_of_loss else None,
        "claimed": f"{notice.amount_claimed} {notice.currency or ''}".strip() if notice.amount_claimed else None,
    }
    return ", ".join(f"{name} {value}" for name, value in told.items() if value) or "nothing we ask for"


def _of_document(facts: DocumentFacts) -> Iterable[str]:
    for name in _TOLD_FIRST:
        fact = facts.fields.get(name)
        if fact:
            value = ", ".join(fact.value) if isinstance(fact.value, list) else fact.value
            told = value if value is not None else f"{fact.raw!r}, {fact.problem or 'not understood'}"
            yield f"    {_words(name)}: {told} (page {fact.page}: {_quoted(fact.quote)})"
    if facts.lines:
        pages = sorted({line.page for line in facts.lines})
        yield f"    {len(facts.lines)} billed lines (page {', '.join(map(str, pages))})"


def _uncertain(file: ClaimFile) -> Iterable[str]:
    for finding in file.findings:
        yield f"- [{finding.severity}] {finding.code}: {finding.summary}"
        places = _places(finding)
        if places:
            yield f"    Seen in {places}"
        yield f"    Uncertain because: {finding.why_uncertain}"
    for facts in file.extractions:
        ref = file.document(facts.document_id)
        name = ref.filename if ref else facts.document_id
        yield from (f"- {name}: {note}" for note in facts.notes)
        yield from (
            f"- {name}: {_words(field)} {fact.raw!r} can be read in more than one way"
            for field, fact in facts.fields.items()
            if fact.problem == "ambiguous"
        )
    if not file.findings:
        yield "- No check found anything; the checks compare what documents state, not what happened."


def _unread(file: ClaimFile) -> Iterable[str]:
    for ref in file.documents:
        yield from _unread_of(ref)
    yield from (f"- {note}" for note in file.notes)
    for kind in file.missing:
        yield f"- Missing: {_words(kind)}"
    if not file.missing and not file.notes and all(not list(_unread_of(ref)) for ref in file.documents):
        yield "- Nothing: every page of every document was read."


def _unread_of(ref: DocumentRef) -> Iterable[str]:
    if ref.status == "unreadable":
        yield f"- {ref.filename}: {ref.reason or 'unreadable'}. {ref.sentence}".rstrip()
    elif ref.status == "received":
        yield f"- {ref.filename}: not read yet."
    elif ref.pages_without_text:
        yield f"- {ref.filename}: page {', '.join(map(str, ref.pages_without_text))} holds no text."
    yield from (f"- {ref.filename} holds {dropped}." for dropped in ref.dropped)


def _places(finding: Finding) -> str:
    told = [_place(evidence) for evidence in finding.evidence[:_PLACES]]
    more = len(finding.evidence) - len(told)
    return "; ".join(told) + (f"; and {more} more" if more > 0 else "")


def _place(evidence: Evidence) -> str:
    page = f" page {evidence.page}" if evidence.page else ""
    return f"{evidence.filename}{page}" + (f": {_quoted(evidence.quote)}" if evidence.quote else "")


def _quoted(text: str) -> str:
    plain = " ".join(text.split())
    return f"“{plain[:_QUOTE]}…”" if len(plain) > _QUOTE else f"“{plain}”"


def _words(name: str) -> str:
    return name.translate(_WITHOUT_SPACES)


def _bounded(lines: Iterable[str], characters: int) -> list[str]:
    """The lines that fit, each clipped, and the number of those that do not."""
    kept: list[str] = []
    left, dropped = characters, 0
    for line in lines:
        clipped = line if len(line) <= _LINE else line[: _LINE - 1] + "…"
        if dropped or len(clipped) >= left:
            dropped += 1
            continue
        kept.append(clipped)
        left -= len(clipped) + 1
    return [*kept, f"… and {dropped} more lines, in the claim file"] if dropped else kept
