"""Evidence packs for tests: a real claim driven to its end, packs made of it, and what a forger would do to one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID
from zipfile import ZipFile

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.engine.runtime import Runtime
from app.evidence import format as form
from app.evidence.key import EvidenceKey
from app.evidence.pack import evidence_pack
from app.evidence.writer import PackWriter
from app.humans.complete import complete
from app.insurance import intake
from app.insurance.demo.staff import DEMO_ADJUSTER
from app.store.database import connect
from app.store.human_tasks import task_list
from app.store.human_tasks.task_list import TaskFilter
from tests.support.prepared_claims import prepared, running
from tests.support.working import work_off

Edit = Callable[[dict[str, Any]], None]


@dataclass
class Settled:
    """A claim that was paid, and a runtime to look at it with."""

    url: str
    rt: Runtime
    run_id: UUID

    def sql(self, statement: str, *params: Any) -> list[dict[str, Any]]:
        """As the owner."""
        with connect(self.url, "owner") as db:
            done = db.execute(statement, params)
            return done.fetchall() if done.description else []


@contextmanager
def settled_claim(database_url: str, folder: Path) -> Iterator[Settled]:
    """The sample claim that has nothing against it, read, reviewed, paid and answered."""
    with (
        prepared(database_url, folder) as ground,
        running(ground.config) as worker,
        running(ground.config, "web") as web,
    ):
        run_id = intake.submit_folder(web, ground.sample("clean").folder, key=None, actor="test").run_id
        work_off(worker)
        with web.database.transaction() as db:
            (task,) = task_list.whole(db, TaskFilter(run=run_id))
        answer = {"comment": "as suggested", "amount": task.defaults["amount"]}
        complete(web, task.id, by=DEMO_ADJUSTER.username, outcome="settle", answer=answer)
        work_off(worker)
        settled = Settled(database_url, web, run_id)
        (run,) = settled.sql("SELECT status, state FROM runs WHERE id = %s", run_id)
        assert run["status"] == "COMPLETE", run
        yield settled


def pack_of(rt: Runtime, run_id: UUID, path: Path, *, by: str = "person:ada") -> Path:
    """A run's pack, as a file."""
    with evidence_pack(rt, run_id, by=by, open_document=rt.documents.opened) as made:
        path.write_bytes(made.file.read())
    return path


def members(path: Path) -> dict[str, bytes]:
    """What is in a pack, by name, in its order."""
    with ZipFile(path) as archive:
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}


def rows(content: bytes) -> list[dict[str, Any]]:
    """The records of a member."""
    return [json.loads(line) for line in content.splitlines()]


def records(found: list[dict[str, Any]]) -> bytes:
    """And back."""
    return b"".join(map(form.line, found))


def strangers_key() -> EvidenceKey:
    """A key of somebody else."""
    return EvidenceKey(Ed25519PrivateKey.generate())


def forged(
    pack: Path,
    changed: Mapping[str, bytes | None],
    *,
    relisted: bool = False,
    key: EvidenceKey | None = None,
    edit: Edit | None = None,
) -> Path:
    """A copy of a pack with members changed, added or (None) removed.

    `relisted`: its manifest agrees with that, further changed by `edit`. `key`: signed anew.
    """
    found = {name: content for name, content in (members(pack) | dict(changed)).items() if content is not None}
    if relisted or edit:
        found[form.MANIFEST] = _relisted(found, edit)
    if key:
        found |= {form.SIGNATURE: key.sign(found[form.MANIFEST]), form.PUBLIC_KEY: key.public}
    path = pack.with_name(f"forged-{pack.name}")
    with path.open("wb") as file:
        writer = PackWriter(file)
        for name, content in found.items():
            writer.add(name, content, stored=name.startswith("documents/"))
        writer.seal()
    return path


def _relisted(found: Mapping[str, bytes], edit: Edit | None) -> bytes:
    manifest = json.loads(found[form.MANIFEST])
    manifest["members"] = [
        {"name": name, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        for name, content in found.items()
        if name not in form.SEAL
    ]
    for run in manifest["runs"]:
        folder = form.folder(run["run_id"], manifest["run_id"])
        run["records"] = {kind: len(found[f"{folder}{kind}.jsonl"].splitlines()) for kind in run["records"]}
    if edit:
        edit(manifest)
    return form.sheet(manifest)
