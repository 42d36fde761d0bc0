"""The evidence pack of a run: one signed zip with everything of it, to be checked by anybody without us.

The law: all records are of one moment; what is in the pack is listed with its hash in the manifest, and the manifest is signed
over its exact bytes. What was erased is told as erased. Of an unchanged run two packs differ in who made them and when, alone.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import IO, Any
from uuid import UUID

from app.core.diagram import workflow_diagram
from app.engine.runtime import Runtime
from app.evidence import format as form
from app.evidence.documents import Documents, OpenDocument
from app.evidence.key import EvidenceKey, evidence_key
from app.evidence.page import page, story
from app.evidence.writer import PackWriter
from app.store import clock
from app.store.database import Connection
from app.store.reads import pages
from app.store.records import erasure, evidence
from app.telemetry import logs


@dataclass(frozen=True, kw_only=True, slots=True)
class Pack:
    """A finished pack: `file` stands at its beginning and is gone when it is closed."""

    run_id: UUID
    file: IO[bytes]
    size: int
    fingerprint: str


@contextmanager
def evidence_pack(rt: Runtime, run_id: UUID, *, by: str, open_document: OpenDocument) -> Iterator[Pack]:
    """Make the pack of a run and its children. `open_document(sha256)` opens bytes, or raises NotFound.

    Raises NotFound, or BadInput where the key cannot be used. What is made lies in a file of its own without a name.
    """
    key = evidence_key(rt.settings)
    with tempfile.TemporaryFile() as file:
        with closing(PackWriter(file)) as writer:
            _write(rt, run_id, by=by, key=key, writer=writer, open_document=open_document)
        size = file.tell()
        file.seek(0)
        yield Pack(run_id=run_id, file=file, size=size, fingerprint=key.fingerprint)


def _write(
    rt: Runtime, run_id: UUID, *, by: str, key: EvidenceKey, writer: PackWriter, open_document: OpenDocument
) -> None:
    with pages.snapshot(rt.database) as db:
        parts = [_Part(db, rt, each, root=run_id) for each in (run_id, *evidence.descendants(db, run_id))]
        for part in parts:
            part.add_records(db, writer)
        for sha256 in evidence.blobs(db, [part.run_id for part in parts]):
            if (content := evidence.blob(db, sha256)) is not None:
                writer.add(form.blob_name(sha256), content)
        made_at = clock.now(db)
    # Behind the transaction: a document store may be far away, and a session that idles is cut off.
    documents = Documents(writer, open_document)
    for part in parts:
        part.add_documents(writer, documents)
    row = parts[0].row
    manifest = form.sheet(
        {
            "format": form.FORMAT,
            "format_version": form.VERSION,
            "software": _software(),
            "made_at": made_at,
            "made_by": by,
            "run_id": run_id,
            "subject": row["subject"],
            "key_fingerprint": key.fingerprint,
            "transition_seq": row["transition_seq"],
            "transition_hash": row["transition_hash"],
            "runs": [part.listed() for part in parts],
            "members": writer.members,
        }
    )
    writer.seal((form.MANIFEST, manifest), (form.SIGNATURE, key.sign(manifest)), (form.PUBLIC_KEY, key.public))
    digest = hashlib.sha256(manifest).hexdigest()
    logs.event(
        "evidence_exported", run_id=str(run_id), actor=by, at=made_at.isoformat(), manifest=digest, key=key.fingerprint
    )


def _software() -> str:
    try:
        return f"longhaul {version('longhaul')}"
    except PackageNotFoundError:
        return "longhaul"


class _Part:
    """The files of one run of a pack."""

    def __init__(self, db: Connection, rt: Runtime, run_id: UUID, *, root: UUID) -> None:
        self.run_id, self._where = run_id, form.folder(run_id, root)
        self._held = evidence.run(db, run_id)
        self.row, data = self._held["run"], self._held["data"]
        self._erased = data[erasure.MARK] if erasure.is_erased(data) else None
        self._documents = evidence.documents(db, run_id, data)
        workflow = rt.workflows.find(self.row["workflow"], self.row["workflow_version"])
        self._diagram = workflow_diagram(workflow) if workflow else ""
        found = data.get("findings") if isinstance(data, dict) else None
        self._findings = found if isinstance(found, list) else []
        self._story = story(db, run_id)
        self._counts: dict[str, int] = {}

    def add_records(self, db: Connection, writer: PackWriter) -> None:
        """Everything that stands in the database."""
        writer.add(self._where + form.RUN, form.sheet(self._held))
        for kind in evidence.RECORDS:
            rows = map(form.line, evidence.records(db, kind, self.run_id))
            self._counts[kind] = writer.add_all(f"{self._where}{kind}.jsonl", rows)
        writer.add(self._where + form.FINDINGS, form.sheet(self._findings))
        writer.add(self._where + form.DIAGRAM, self._diagram.encode())

    def add_documents(self, writer: PackWriter, documents: Documents) -> None:
        """The documents' bytes, what became of each, and the page that tells of all."""
        found = [documents.include(document, erased=self._erased is not None) for document in self._documents]
        self._counts["documents"] = writer.add_all(self._where + form.DOCUMENTS, map(form.line, found))
        told = page(
            self._story,
            run=self.row,
            data=self._held["data"],
            erased=self._erased,
            findings=self._findings,
            documents=found,
            diagram=self._diagram,
            up="../../" if self._where else "",
        )
        writer.add(self._where + form.PAGE, told)

    def listed(self) -> dict[str, Any]:
        """What the manifest says of the run."""
        names = ("workflow", "subject", "transition_seq", "transition_hash")
        return {
            "run_id": self.run_id,
            "erased": self._erased is not None,
            "records": self._counts,
            **{name: self.row[name] for name in names},
        }
