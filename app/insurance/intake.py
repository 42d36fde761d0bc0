"""Claims as people send them: a folder of documents, with or without a `claim.json`.

The law: no document is left out silently. Documents are stored first (by content, so again is no harm), then the run is
started in one transaction with its documents' rows. The same folder again, with the same key, is the same run.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from app.core.canonical import parse_json
from app.core.errors import BadInput, KeyReused
from app.core.ids import new_id
from app.core.values.amounts import currency_of
from app.core.values.typed_amount import typed_amount
from app.documents.attachments import with_attachments
from app.documents.storage import MAX_BYTES, StoredDocument
from app.engine import fitting, start
from app.engine.control import signals
from app.engine.runtime import Runtime
from app.engine.step import advance
from app.store.database import Connection
from app.store.human_tasks import handling
from app.store.records import documents
from app.store.runs import payloads, runs
from workflows.insurance_claim import INSURANCE_CLAIM
from workflows.insurance_claim.facts import Notice, StatedDate
from workflows.insurance_claim.models import ClaimFile, DocumentRef

MAX_FILES = 100
SIGNAL = "document_uploaded"
_SKIPPED = (".DS_Store", "Thumbs.db")
_SHEET = "claim.json"
_NAMED = {
    "claim": ("claim", "claim_number"),
    "policy_number": ("policy", "policy_number"),
    "claimant": ("claimant",),
    "date_of_loss": ("date_of_loss",),
    "amount_claimed": ("amount_claimed",),
    "currency": ("currency",),
    "place": ("place",),
    "description": ("description",),
    "vin": ("vin",),
}
"""What `claim.json` may state, under which names; of two names for one thing the first that says something counts."""
_LONGEST_CLAIM, _MOST_NOTES, _LONGEST_NOTE = 200, 20, 200


@dataclass(frozen=True, slots=True)
class Submitted:
    """A submitted claim; `new` is False if the same submission had been made before."""

    run_id: UUID
    claim: str
    new: bool
    documents: int


def submit_folder(rt: Runtime, folder: Path, *, key: str | None = None, actor: str = "cli") -> Submitted:
    """Start a claim from a folder. Raises BadInput naming the file and the remedy; nothing is half-started."""
    files = _files(folder)
    stated = _claim_json(folder)
    kept = [stored for path in files for stored in _keep(rt, path.name, content_of(path))]
    return _submit(rt, stated, kept, name=folder.resolve().name, key=key, actor=actor)


def submit(
    rt: Runtime, stated: Mapping[str, Any], files: Sequence[tuple[str, bytes]], *, key: str | None = None, actor: str
) -> Submitted:
    """Start a claim from what is stated of it (as in `claim.json`) and documents (name, content). Raises BadInput."""
    if not stated and not files:
        raise BadInput("a claim needs documents, or a statement such as its policy number; send at least one of both")
    if len(files) > MAX_FILES:
        raise BadInput(f"these are {len(files)} files; at most {MAX_FILES} make one claim")
    kept = [stored for name, content in files for stored in _keep(rt, name, content)]
    return _submit(rt, dict(stated), kept, name="claim", key=key, actor=actor)


def _submit(
    rt: Runtime, stated: dict[str, Any], kept: Sequence[StoredDocument], *, name: str, key: str | None, actor: str
) -> Submitted:
    if len(kept) > MAX_FILES:
        raise BadInput(f"{name} holds more than {MAX_FILES} documents with what is attached to its e-mails")
    fingerprint = hashlib.sha256("".join(sorted(stored.sha256 for stored in kept)).encode()).hexdigest()
    number = _claim_number(stated)
    claim = number or _name_of(name, fingerprint)
    refs = [_reference(f"d{n}", stored) for n, stored in enumerate(kept, start=1)]
    data = ClaimFile(
        claim_number=claim,
        number_is_provisional=number is None,
        documents=refs,
        notice=_notice(stated),
        notes=list(_not_understood(stated)),
    )

    def work(db: Connection) -> start.Started:
        started = _begin(db, claim, data, key=key, fingerprint=fingerprint, actor=actor)
        if started.new:
            for stored in kept:
                documents.insert(db, new_id(), started.run_id, **stored.model_dump(), by=actor)
        return started

    started = rt.database.transact(work)
    start.announce(rt.dispatcher, started)
    return Submitted(started.run_id, claim, started.new, len(refs))


def _begin(
    db: Connection, claim: str, data: ClaimFile, *, key: str | None, fingerprint: str, actor: str
) -> start.Started:
    """Raises KeyReused naming the key that was sent; or, where none was, the claim and the run it has."""
    try:
        return start.start(
            db, INSURANCE_CLAIM, subject=claim, data=data, key=key or f"{claim}:{fingerprint}", actor=actor
        )
    except KeyReused as problem:
        standing = None if key else runs.by_subject(db, INSURANCE_CLAIM.name, claim)
        if standing is None:
            raise
        raise KeyReused(
            f"the claim {claim!r} exists with another statement or other documents, as the run {standing.id}; "
            "add documents to that run, or send this one under a claim number of its own"
        ) from problem


def upload(rt: Runtime, run_id: UUID, files: Sequence[tuple[str, bytes]], *, actor: str) -> list[StoredDocument]:
    """Add documents (name, content) to a claim: stored, listed, and sent as one signal. The same files again change nothing."""
    if not files:
        raise BadInput("no files were given; name at least one")
    store = rt.documents
    sent = [store.put(content, name) for name, content in files]
    came = [stored for one in sent for stored in with_attachments(store, one, most=MAX_FILES)]
    announce(rt, run_id, came, actor=actor)
    return sorted(came, key=_by_content)


def announce(
    rt: Runtime,
    run_id: UUID,
    came: Sequence[StoredDocument],
    *,
    actor: str,
    under: Callable[[Connection], object] = lambda db: None,
) -> None:
    """List documents under a claim that are stored already, and send them as one signal, in one transaction with `under`."""
    kept = sorted(came, key=_by_content)
    refs = [_reference(f"u{stored.sha256[:12]}", stored) for stored in kept]
    payload = {"documents": [ref.model_dump(mode="json") for ref in refs]}
    text = payloads.boundary_text(payload, what="the upload")
    signal_id = "upload-" + hashlib.sha256(text.encode()).hexdigest()[:24]

    def work(db: Connection) -> list[advance.Moved]:
        new, moved = signals.keep(db, run_id, SIGNAL, text, signal_id=signal_id, actor=actor)
        for stored in kept if new else []:
            documents.insert(db, new_id(), run_id, **stored.model_dump(), by=actor)
        if new:
            handling.new_evidence(db, run_id, files=[stored.filename for stored in kept], actor=actor)
        under(db)
        return moved

    advance.announce(rt, rt.database.transact(work))


def _by_content(stored: StoredDocument) -> tuple[str, str]:
    return stored.sha256, stored.filename


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise BadInput(f"{folder} is no folder; name the folder that holds the claim's documents")
    files: list[Path] = []
    for path in _everything(folder):
        files.append(path)
        if len(files) > MAX_FILES:
            raise BadInput(f"{folder} holds more than {MAX_FILES} files; at most {MAX_FILES} make one claim")
    if not files and not (folder / _SHEET).is_file():
        raise BadInput(f"{folder} holds no documents; put the claim's files there")
    return sorted(files)


def _everything(folder: Path) -> Iterator[Path]:
    """Every file in the folder and the folders in it. What cannot be taken along is refused: a document is not left out silently."""

    def refuse(problem: OSError) -> None:
        raise BadInput(f"{problem.filename} cannot be read: {problem.strerror}") from problem

    for place, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in (*names, *(name for name in folders if (Path(place) / name).is_symlink())):
            path = Path(place) / name
            if name.startswith(".") or name in _SKIPPED or path == folder / _SHEET:
                continue
            if not path.is_file():
                raise BadInput(
                    f"{path} is no file that can be read (a broken link, a link to a folder, a pipe?); remove it or put the file there"
                )
            yield path


def content_of(path: Path) -> bytes:
    """A file's bytes. Raises BadInput where it cannot be read or is larger than any document may be, before it is read."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise BadInput(
                f"{path} has {size:,} bytes; at most {MAX_BYTES:,} (25 MB) are accepted. Split it, or scan it at a lower resolution"
            )
        return path.read_bytes()
    except OSError as problem:
        raise BadInput(f"{path} cannot be read: {problem.strerror}") from problem


def _keep(rt: Runtime, name: str, content: bytes) -> list[StoredDocument]:
    """The file, and what is attached to it if it is an e-mail."""
    store = rt.documents
    return with_attachments(store, store.put(content, name), most=MAX_FILES)


def _claim_json(folder: Path) -> dict[str, Any]:
    path = folder / _SHEET
    if not path.is_file():
        return {}
    value = parse_json(content_of(path), what=str(path))
    if not isinstance(value, dict):
        raise BadInput(f"{path} must hold one JSON object")
    return value


def _notice(stated: dict[str, Any]) -> Notice | None:
    if not stated:
        return None
    fields = {name: _stated(stated, name) for name in _NAMED if name != "claim"}
    date_of_loss = fields["date_of_loss"]
    fields["date_of_loss"] = StatedDate(raw=str(date_of_loss), value=_iso(str(date_of_loss))) if date_of_loss else None
    if isinstance(claimed := fields["amount_claimed"], str):
        try:
            fields["amount_claimed"] = typed_amount(
                claimed, currency=currency_of(str(fields["currency"] or "").strip())
            )
        except BadInput as problem:
            raise BadInput(f"{_SHEET}: amount_claimed: {claimed[:80]!r} cannot be taken. {problem}") from None
    notice = fitting.fitting_or_refuse(Notice, {"source": _SHEET, **fields}, what=_SHEET)
    if notice.amount_claimed is not None and notice.amount_claimed < Decimal(0):
        raise BadInput(f"{_SHEET}: amount_claimed: {notice.amount_claimed} is less than nothing; write it like 1234.50")
    return notice


def _stated(stated: dict[str, Any], name: str) -> Any:
    return next((stated[n] for n in _NAMED[name] if stated.get(n) not in (None, "")), None)


def _claim_number(stated: dict[str, Any]) -> str | None:
    """The claim's number as stated; None where none is."""
    number = _stated(stated, "claim")
    if number is None or (isinstance(number, str) and not number.strip()):
        return None
    text = str(number).strip()
    if (
        not isinstance(number, str | int)
        or isinstance(number, bool)
        or not text.isprintable()
        or len(text) > _LONGEST_CLAIM
    ):
        raise BadInput(
            f"{_SHEET}: claim: must be the claim's number, 1 to {_LONGEST_CLAIM} printable characters; leave it out if there is none"
        )
    return text


def _not_understood(stated: dict[str, Any]) -> Iterator[str]:
    """What `claim.json` states under names nobody here knows: for the reviewer to read, not to be lost."""
    known = {name for names in _NAMED.values() for name in names}
    for name in sorted(stated.keys() - known)[:_MOST_NOTES]:
        yield f"{_SHEET} states {name!r}, which is no field of a notice: {stated[name]!r}"[:_LONGEST_NOTE]


def _iso(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None  # 31 February, or another order: kept as stated, and found by the checks


def _name_of(name: str, fingerprint: str) -> str:
    """Without a claim number: the folder's name and the documents' fingerprint, so that the same folder is the same claim."""
    return f"{re.sub(r'[^A-Za-z0-9]+', '-', name).strip('-').upper()[:40] or 'CLAIM'}-{fingerprint[:8]}"


def _reference(document_id: str, stored: StoredDocument) -> DocumentRef:
    return DocumentRef(
        id=document_id,
        sha256=stored.sha256,
        filename=stored.filename,
        media_type=stored.media_type,
        size=stored.size,
    )
