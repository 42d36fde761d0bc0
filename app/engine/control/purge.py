"""Erasing an ended run: a person's right, or the end of retention.

The law: the run with its children and forks, all ended, in one transaction: a fork knows what its run knew. The bytes
of documents that no other run has go first: after a crash in between they are still named, and purging again finishes.
What is erased stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from app.core.errors import BadInput, NotFound, Refused
from app.core.lifecycle import ENDED
from app.store.database import Connection, Database
from app.store.records import erasure


@dataclass(frozen=True, slots=True)
class Purged:
    """What was erased now: how many runs (the run, its children, its forks), and how many documents' bytes."""

    run_id: UUID
    runs: int
    documents: int


def purge(owner: Database, run_id: UUID, *, actor: str, reason: str, forget_document: Callable[[str], bool]) -> Purged:
    """Erase a run. `owner` is the database in the owner role; `forget_document(sha256)` removes bytes.

    Raises NotFound, BadInput without a reason, or Refused while the run, a child or a fork of it has not ended.
    """
    if not reason.strip():
        raise BadInput("reason: say why; it is all that will tell later why the data is gone")

    def work(db: Connection) -> Purged:
        family = erasure.whole_family(db, run_id)
        if not family:
            raise NotFound(f"there is no run {run_id}")
        for run in family:
            if run.status not in ENDED:
                raise Refused(
                    f"run {run.id} ({run.subject}) is {run.status}; only ended runs can be erased, "
                    "so cancel it first or wait"
                )
        todo = [run.id for run in family if not run.erased]
        documents = sum(forget_document(sha256) for sha256 in erasure.own_documents(db, todo))
        erasure.erase(db, todo, actor=actor, reason=reason)
        return Purged(run_id, len(todo), documents)

    return owner.transact(work)
