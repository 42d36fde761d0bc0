"""Runs: reading the row by which they move, and asking things of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.canonical import restore
from app.core.lifecycle import ENDED, Status
from app.core.run import Run
from app.store.database import Connection
from app.store.rows import literals

COLUMNS = """id, workflow, workflow_version, subject, state, status, step_seq, queue, attempt, crash_attempts, late_retries, routes,
pending_events, pause_requested, cancel_requested, irreversible_since, waiting_reason, lease_token, parent_run_id,
parent_step_seq, children_left, transition_seq"""
_NAMES = tuple(name.strip() for name in COLUMNS.split(","))


def as_run(row: Mapping[str, Any]) -> Run:
    """A row of `runs` (the columns of COLUMNS) as `decide` sees it."""
    values = {name: row[name] for name in _NAMES}
    values["irreversible"] = values.pop("irreversible_since") is not None
    values["status"] = Status(values["status"])
    values["pending_events"] = tuple(values["pending_events"])
    return Run(**values)


def read(db: Connection, run_id: UUID) -> Run | None:
    """The run as it is now, unlocked."""
    row = db.execute(f"SELECT {COLUMNS} FROM runs WHERE id = %s", [run_id]).fetchone()
    return as_run(row) if row else None


def lock(db: Connection, run_id: UUID) -> Run | None:
    """The run, its row locked until the transaction ends."""
    row = db.execute(f"SELECT {COLUMNS} FROM runs WHERE id = %s FOR NO KEY UPDATE", [run_id]).fetchone()
    return as_run(row) if row else None


def which_are(db: Connection, run_ids: Sequence[UUID]) -> set[UUID]:
    """Those of these runs that there are."""
    rows = db.execute("SELECT id FROM runs WHERE id = ANY (%s)", [list(run_ids)]).fetchall()
    return {row["id"] for row in rows}


def restore_text(text: str) -> Any:
    """A canonical text as the value it stands for."""
    return restore(json.loads(text))


def by_subject(db: Connection, workflow: str, subject: str) -> Run | None:
    """The root run of a subject."""
    row = db.execute(
        f"SELECT {COLUMNS} FROM runs WHERE workflow = %s AND subject = %s AND parent_run_id IS NULL AND forked_from IS NULL",
        [workflow, subject],
    ).fetchone()
    return as_run(row) if row else None


def data_of(db: Connection, run_id: UUID) -> Any:
    """The run's data as it is now."""
    row = db.execute("SELECT data FROM run_data WHERE run_id = %s", [run_id]).fetchone()
    return restore(row["data"]) if row else None


def set_data(db: Connection, run_id: UUID, data: str) -> None:
    """Replace the run's data with what a person corrected. The run's row must be locked."""
    db.execute("UPDATE run_data SET data = %s::jsonb, updated_at = app_now() WHERE run_id = %s", [data, run_id])


def request_pause(db: Connection, run_id: UUID, wanted: bool) -> None:
    """Ask a run to pause where it would next become READY, or take that back. The row must be locked."""
    db.execute("UPDATE runs SET pause_requested = %s WHERE id = %s", [wanted, run_id])


def request_cancel(db: Connection, run_id: UUID) -> bool:
    """Ask a running run to cancel at its step boundary. False once an irreversible intent stands."""
    row = db.execute(
        "UPDATE runs SET cancel_requested = true WHERE id = %s AND irreversible_since IS NULL RETURNING id", [run_id]
    ).fetchone()
    return row is not None


def note_signal(db: Connection, run_id: UUID, name: str) -> None:
    """Note on the run's row that a signal of this name is pending. The row must be locked."""
    db.execute("UPDATE runs SET pending_events = pending_events || %s::text WHERE id = %s", [name, run_id])


def family(db: Connection, run_id: UUID) -> list[UUID]:
    """The run and all its descendants that have not ended, by ascending id: the lock order."""
    rows = db.execute(
        f"""WITH RECURSIVE kin AS (SELECT id FROM runs WHERE id = %s
           UNION ALL SELECT r.id FROM runs r JOIN kin ON r.parent_run_id = kin.id)
           SELECT r.id FROM runs r JOIN kin USING (id) WHERE r.status NOT IN ({literals(ENDED)}) ORDER BY r.id""",
        [run_id],
    ).fetchall()
    return [row["id"] for row in rows]


@dataclass(frozen=True, kw_only=True, slots=True)
class Child:
    """A child run as its parent's step is given it."""

    id: UUID
    workflow: str
    subject: str
    state: str
    status: Status
    waiting_reason: str | None
    data: Any

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Child:
        return cls(**{**row, "status": Status(row["status"]), "data": restore(row["data"])})


def children_of(db: Connection, run_id: UUID, step_seq: int) -> list[Child]:
    """The children a step started, by subject."""
    rows = db.execute(
        """SELECT r.id, r.workflow, r.subject, r.state, r.status, r.waiting_reason, d.data FROM runs r JOIN run_data d ON d.run_id = r.id
           WHERE r.parent_run_id = %s AND r.parent_step_seq = %s ORDER BY r.subject""",
        [run_id, step_seq],
    )
    return [Child.from_row(row) for row in rows]


def births(db: Connection, parent: UUID, step_seq: int) -> dict[UUID, datetime]:
    """When each child of a step was started."""
    rows = db.execute(
        "SELECT id, created_at FROM runs WHERE parent_run_id = %s AND parent_step_seq = %s", [parent, step_seq]
    ).fetchall()
    return {row["id"]: row["created_at"] for row in rows}


def child_ended(db: Connection, parent: UUID, parent_step_seq: int) -> int | None:
    """Count one child of a waiting parent as ended; the children left, or None if the parent no longer waits for it."""
    row = db.execute(
        """UPDATE runs SET children_left = children_left - 1 WHERE id = %s AND step_seq = %s AND children_left > 0
           AND status = 'WAITING_FOR_CHILDREN' RETURNING children_left""",
        [parent, parent_step_seq],
    ).fetchone()
    return row["children_left"] if row else None
