"""The first part of a claim: acknowledged, policy looked up, documents read, checked, and asked for when missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from app.core.lifecycle import Status
from app.core.step import StepContext
from app.core.workflow import ChildRun
from app.insurance.reading.extraction import DocumentFacts
from workflows.document_reading import DocumentReading
from workflows.insurance_claim import elsewhere, notice, same_loss
from workflows.insurance_claim.checks import check_claim, required_documents
from workflows.insurance_claim.facts import PolicyRecord
from workflows.insurance_claim.letters import UNNAMED, Facts, send, write
from workflows.insurance_claim.models import ClaimFile, DocumentRef
from workflows.insurance_claim.room import fitting
from workflows.insurance_claim.tools import POLICY

ENOUGH_ASKING = 3  # after so many requests for documents a person takes over
_MOST_NAMED = 10
_MOST_UNSURE = 5  # doubtful lines of a document that the claim file keeps
_SEND_AGAIN = "please send it again as a PDF file whose text can be selected"
_TO_THE_SENDER = {
    "ENCRYPTED": "it opens only with a password; please send it without one",
    "EMPTY_FILE": "it is empty; please send it again",
    "TOO_MANY_PAGES": "it has more pages than we can take; please send only the pages that matter",
}


def receive(step: StepContext, data: ClaimFile) -> str:
    """Take the notice over into the claim file."""
    notice.take_over(data)
    return "received"


def other_names(data: ClaimFile) -> list[tuple[str, str]]:
    """What else a claim is looked up by: the policy's number, as it was stated first and as it is known now; and its loss."""
    stated = data.notice.policy_number if data.notice else None
    policies = [("policy", number) for number in dict.fromkeys((stated, data.policy_number)) if number]
    return [*policies, *same_loss.names(data)]


def acknowledge(step: StepContext, data: ClaimFile) -> str:
    """Tell the claimant that the claim has come in."""
    letter = write(
        step,
        data,
        "acknowledgement",
        Facts(lines=["We have begun to read your documents and will write to you about what comes next."]),
    )
    send(step, data, letter, recipient=data.claimant or UNNAMED)
    return "acknowledged"


def check_coverage(step: StepContext, data: ClaimFile) -> str:
    """Ask the insurer's database for the policy, if a policy number is known yet."""
    look_up_policy(step, data)
    return "documents_here" if unread(data) else "no_documents"


def look_up_policy(step: StepContext, data: ClaimFile) -> None:
    """An unknown policy is a finding, not a stop."""
    if data.policy_number is None or data.policy is not None:
        return
    found = step.call(POLICY, policy_number=data.policy_number)
    data.policy_checked = True
    if found is not None:
        data.policy = PolicyRecord.model_validate(found["policy"])
        data.payee = found["payee"]


def unread(data: ClaimFile) -> list[DocumentRef]:
    """The documents nobody has read yet."""
    return [ref for ref in data.documents if ref.status == "received"]


def reading(step: StepContext, data: ClaimFile) -> list[ChildRun]:
    """One child run per unread document, new ones from the signals first taken into the file."""
    add_documents(data, step.signals)
    return [
        ChildRun(
            workflow="document_reading",
            subject=f"{data.claim_number}/{ref.id}",
            data=DocumentReading(
                document_id=ref.id, sha256=ref.sha256, filename=ref.filename, media_type=ref.media_type
            ),
        )
        for ref in unread(data)
    ]


def add_documents(data: ClaimFile, signals: Iterable[Mapping[str, Any]]) -> None:
    """Documents that came by upload; the same id twice is one document, and what is none is noted, not stumbled over.

    Anybody who may signal may send anything, and a signal is consumed once: failing here would fail every time.
    """
    known = {ref.id: ref for ref in data.documents}
    for signal in signals:
        told = signal["payload"].get("documents") if isinstance(signal["payload"], Mapping) else None
        for said in told if isinstance(told, list) else [signal["payload"]]:
            try:
                ref = DocumentRef.model_validate(said)
            except ValidationError as problem:
                where = ", ".join(
                    sorted({".".join(map(str, error["loc"])) or "all of it" for error in problem.errors()})
                )
                data.notes = [
                    *data.notes,
                    f"An upload was announced that names no document (wrong: {where}); ask for it again.",
                ]
            else:
                known.setdefault(ref.id, ref)
    data.documents = list(known.values())


def validate(step: StepContext, data: ClaimFile) -> str:
    """Gather what was read, look up the policy if its number is known only now, and run every check."""
    gather(data, step.children)
    notice.fill_from_forms(data)
    notice.adopt_what_all_say(data)
    look_up_policy(step, data)
    elsewhere.look(step, data)
    same_loss.look(step, data)
    data.missing = required_documents(data)
    data.findings = check_claim(data, step.now.date())
    asked = sum(letter.kind == "document_request" for letter in data.letters)
    if data.missing and asked < ENOUGH_ASKING:
        return "documents_missing"
    return "complete"


def gather(data: ClaimFile, children: Iterable[Mapping[str, Any]]) -> None:
    """Take over what the reading runs found; a reading that did not end well leaves its document unreadable."""
    by_id = {child["data"]["document_id"]: child for child in children}
    facts = {found.document_id: found for found in data.extractions}
    refs = []
    for ref in data.documents:
        child = by_id.get(ref.id)
        if child is None:
            refs.append(ref)
            continue
        read = DocumentReading.model_validate(child["data"])
        done = child["status"] == Status.COMPLETE
        if done and read.facts is not None:
            facts[ref.id] = DocumentFacts.model_validate(read.facts)
        refs.append(
            ref.model_copy(
                update={
                    "status": "read" if done and read.facts else "unreadable",
                    "kind": read.facts.kind if read.facts else None,
                    "reason": read.reason if done else "READING_FAILED",
                    "sentence": read.sentence if done else "reading it was given up; see its own run",
                    "pages": read.pages,
                    "pages_without_text": read.pages_without_text,
                    "pages_unsure": read.pages_unsure,
                    "unsure": read.unsure[:_MOST_UNSURE],
                    "hidden": [found.model_copy(update={"text": found.text[:200]}) for found in read.hidden[:5]],
                    "dropped": read.dropped[:_MOST_NAMED],
                    "engine": read.engine,
                }
            )
        )
    data.extractions, left_out = fitting(list(facts.values()))
    full = {
        "status": "unreadable",
        "reason": "CLAIM_FILE_FULL",
        "sentence": "It was read, but the claim file has no room for it; read it yourself.",
    }
    data.documents = [ref.model_copy(update=full) if ref.id in left_out else ref for ref in refs]


def request_documents(step: StepContext, data: ClaimFile) -> str:
    """Ask the claimant in writing for what is missing, or for what the reviewer wants."""
    if step.answer:
        wanted = [w.strip() for w in step.answer["values"].get("documents_wanted", "").split(",") if w.strip()]
        data.missing = wanted or data.missing or ["further documents"]
    unread = what_was_not_read(data)
    letter = write(step, data, "document_request", Facts(lines=unread, documents=list(data.missing)))
    send(step, data, letter, recipient=data.claimant or UNNAMED)
    return "requested"


def what_was_not_read(data: ClaimFile) -> list[str]:
    """What the claimant is told about files of theirs that we could not read, and what to send instead."""
    return [_could_not_read(ref) for ref in data.documents if _is_illegible(ref)][:_MOST_NAMED]


def _is_illegible(ref: DocumentRef) -> bool:
    """A picture is no such file, nor one we had no room for: a person of ours looks at it."""
    return ref.status == "unreadable" and ref.reason != "CLAIM_FILE_FULL" and not ref.media_type.startswith("image/")


def _could_not_read(ref: DocumentRef) -> str:
    """What the claimant is told about a file of theirs; without it they send the same file again."""
    return f"We could not read the file {ref.filename}: {_TO_THE_SENDER.get(ref.reason or '', _SEND_AGAIN)}."


def what_is_missing(data: ClaimFile) -> str:
    """Why the claim waits, in words."""
    names = ", ".join(kind.replace("_", " ") for kind in data.missing) or "documents"
    return f"waits for the claimant to send: {names}"
