"""Claims as people send them: a folder of documents, with or without a `claim.json`.

The law: documents are stored first (by content, so again is no harm), then the run is started in one transaction with
its documents' rows. The same folder again, with the same key, is the same run.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from app import toolbox
from app.core.canonical import parse_json
from app.core.errors import BadInput
from app.core.ids import new_id
from app.documents.storage import StoredDocument
from app.engine import advance, signals, start
from app.engine.runtime import Runtime
from app.store import documents, payloads
from app.store.database import Connection
from workflows.insurance_claim import INSURANCE_CLAIM
from workflows.insurance_claim.models import ClaimFile, DocumentRef, Notice, StatedDate

MAX_FILES = 100
EVENT = "document_uploaded"
_SKIPPED = ("claim.json", ".DS_Store", "Thumbs.db")


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
    kept = [(path, _keep(rt, path)) for path in files]
    fingerprint = hashlib.sha256("".join(sorted(stored.sha256 for _, stored in kept)).encode()).hexdigest()
    claim = str(stated.get("claim") or "").strip() or _name_of(folder, fingerprint)
    refs = [_reference(n, path, stored) for n, (path, stored) in enumerate(kept, start=1)]
    data = ClaimFile(
        claim_number=claim, number_is_provisional="claim" not in stated, documents=refs, notice=_notice(stated)
    )

    def work(db: Connection) -> start.Started:
        started = start.start(
            db, INSURANCE_CLAIM, subject=claim, data=data, key=key or f"{claim}:{fingerprint}", actor=actor
        )
        if started.new:
            for _, stored in kept:
                documents.insert(db, new_id(), started.run_id, stored.model_dump(), actor)
        return started

    started = rt.database.transact(work)
    start.announce(rt.dispatcher, started)
    return Submitted(started.run_id, claim, started.new, len(refs))


def upload(rt: Runtime, run_id: UUID, files: Sequence[tuple[str, bytes]], *, actor: str) -> list[StoredDocument]:
    """Add documents (name, content) to a claim: stored, listed, and sent as one signal. The same files again change nothing."""
    if not files:
        raise BadInput("no files were given; name at least one")
    store = toolbox.documents(rt.settings)
    kept = [store.put(content, name) for name, content in files]
    refs = [
        DocumentRef(id=f"u{s.sha256[:12]}", sha256=s.sha256, filename=s.filename, media_type=s.media_type, size=s.size)
        for s in kept
    ]
    payload = {"documents": [ref.model_dump(mode="json") for ref in refs]}
    signal_id = "upload-" + hashlib.sha256("".join(s.sha256 for s in kept).encode()).hexdigest()[:24]
    text = payloads.boundary_text(payload, what="the upload")

    def work(db: Connection) -> list[advance.Moved]:
        new, moved = signals.keep(db, run_id, EVENT, text, signal_id=signal_id, actor=actor)
        for stored in kept if new else []:
            documents.insert(db, new_id(), run_id, stored.model_dump(), actor)
        return moved

    advance.announce(rt, rt.database.transact(work))
    return kept


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise BadInput(f"{folder} is no folder; name the folder that holds the claim's documents")
    files = sorted(p for p in folder.iterdir() if p.is_file() and p.name not in _SKIPPED and not p.name.startswith("."))
    if not files and not (folder / "claim.json").is_file():
        raise BadInput(f"{folder} holds no documents; put the claim's files there")
    if len(files) > MAX_FILES:
        raise BadInput(f"{folder} holds {len(files)} files; at most {MAX_FILES} make one claim")
    return files


def _keep(rt: Runtime, path: Path) -> StoredDocument:
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise BadInput(f"{path} cannot be read: {problem.strerror}") from problem
    return toolbox.documents(rt.settings).put(content, path.name)


def _claim_json(folder: Path) -> dict[str, Any]:
    path = folder / "claim.json"
    if not path.is_file():
        return {}
    value = parse_json(path.read_bytes(), what=str(path))
    if not isinstance(value, dict):
        raise BadInput(f"{path} must hold one JSON object")
    return value


def _notice(stated: dict[str, Any]) -> Notice | None:
    if not stated:
        return None
    names = {"policy_number": ("policy", "policy_number"), "claimant": ("claimant",), "amount_claimed": ("amount_claimed",),
             "currency": ("currency",), "place": ("place",), "description": ("description",), "vin": ("vin",)}  # fmt: skip
    fields = {to: next((stated[n] for n in of if stated.get(n) is not None), None) for to, of in names.items()}
    date_of_loss = stated.get("date_of_loss")
    fields["date_of_loss"] = StatedDate(raw=str(date_of_loss), value=_iso(str(date_of_loss))) if date_of_loss else None
    return start.fitting_or_refuse(Notice, {"source": "claim.json", **fields}, what="claim.json")


def _iso(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None  # 31 February, or another order: kept as stated, and found by the checks


def _name_of(folder: Path, fingerprint: str) -> str:
    """Without a claim number: the folder's name and the documents' fingerprint, so that the same folder is the same claim."""
    name = re.sub(r"[^A-Za-z0-9]+", "-", folder.resolve().name).strip("-").upper()[:40] or "CLAIM"
    return f"{name}-{fingerprint[:8]}"


def _reference(n: int, path: Path, stored: StoredDocument) -> DocumentRef:
    return DocumentRef(
        id=f"d{n}", sha256=stored.sha256, filename=stored.filename, media_type=stored.media_type, size=stored.size
    )
