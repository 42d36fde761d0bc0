"""Rows to try a guarded statement on: two runs alike in everything but their ids, and a look at all that is written.

Nothing is committed: each case begins with the same rows, and what a statement may not touch stands right beside what
it may.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from app.core.lifecycle import EventKind, Status
from app.core.run import Run, Transition
from app.store.database import Connection, connect
from app.store.runs import runs, starts
from app.store.runs.moves import Statement

A, B = UUID(int=0xA), UUID(int=0xB)
TOKEN, OTHER_TOKEN, WORKER, OTHER_WORKER = UUID(int=1), UUID(int=2), UUID(int=3), UUID(int=4)
ACTION = UUID(int=7)
_TABLES = (
    "runs",
    "run_data",
    "checkpoints",
    "transitions",
    "signals",
    "human_tasks",
    "human_task_events",
    "alerts",
    "dead_letters",
    "run_names",
)


@contextmanager
def bench(url: str) -> Iterator[Connection]:
    """A session of the owner in a transaction that is rolled back. Triggers and foreign keys are other tests' affair."""
    with connect(url, "owner") as db, db.transaction(force_rollback=True):
        db.execute("SET LOCAL session_replication_role = replica")
        for run_id in (A, B):
            insert(db, run_id)
        yield db


def insert(db: Connection, run_id: UUID) -> None:
    """A run that WORKER holds at its second step, a call of it begun, and what may be closed or consumed by a move."""
    db.execute(
        *starts.insertion(
            [starts.New(id=run_id, subject=str(run_id), data="{}", salt="")],
            workflow="w",
            version=1,
            definition_hash="h",
            route={"state": "HERE", "queue": "steps.w.v1"},
            actor="test",
            expected_seconds=None,
            token_budget=None,
        )
    )
    db.execute(
        """UPDATE runs SET status = 'RUNNING', step_seq = 2, lease_token = %s, worker_id = %s, deadline_at = app_now(),
            transition_seq = 3,
               attempt = 2, pending_events = '{paper}', waiting_reason = 'old',
                 updated_at = app_now() - interval '1 hour' WHERE id = %s""",
        [TOKEN, WORKER, run_id],
    )
    for step, call in ((2, 0), (2, 1), (2, 2), (3, 1)):
        db.execute(
            """INSERT INTO checkpoints (run_id, step_seq, call_seq, step_name, kind, name, status, input, idempotency_key, attempt,
                lease_token,
                   errors, created_at, intent_at) VALUES (%s, %s, %s, 'HERE', %s, 'n', 'INTENT', '{}', 'old', 1, %s, '["first"]',
                   app_now() - interval '1 hour', app_now() - interval '1 hour')""",
            [run_id, step, call, "step" if call == 0 else "tool", OTHER_TOKEN],
        )
    for n, (name, consumed) in enumerate((("paper", None), ("paper", None), ("paper", 1), ("other", None))):
        db.execute(
            """INSERT INTO signals (run_id, signal_id, name, payload, body_hash, actor, created_at, consumed_step_seq)
               VALUES (%s, %s, %s, to_jsonb(%s::int), 'h', 'somebody', app_now(), %s)""",
            [run_id, f"s{n}", name, n, consumed],
        )


def look(db: Connection) -> dict[str, list[dict[str, Any]]]:
    """Everything that is written, table by table, in an order that does not change."""
    return {table: db.execute(f"SELECT * FROM {table} t ORDER BY t::text").fetchall() for table in _TABLES}


def changed(
    before: dict[str, list[dict[str, Any]]], after: dict[str, list[dict[str, Any]]]
) -> dict[str, list[dict[str, Any]]]:
    """The rows that are new or different, of the tables that have any."""
    return {table: rows for table in after if (rows := [row for row in after[table] if row not in before[table]])}


def write(db: Connection, statement: Statement) -> list[dict[str, Any]]:
    """The rows that a statement gives."""
    return db.execute(*statement).fetchall()


def seen(db: Connection, run_id: UUID = A) -> Run:
    """A run as `decide` sees it."""
    run = runs.read(db, run_id)
    assert run is not None
    return run


def chained(db: Connection, transition: dict[str, Any]) -> bool:
    """Whether a transition's hash is the chain's next link, over all that it says."""
    row = db.execute(
        """SELECT t.hash = app_chain(r.transition_hash, t.run_id, t.seq, t.event, t.from_state, t.from_status, t.to_state, t.to_status,
               t.step_seq, t.actor, t.created_at, t.reason_digest, t.payload_digest) AS holds
           FROM transitions t JOIN transitions p ON p.run_id = t.run_id AND p.seq = 1
           JOIN LATERAL (SELECT p.hash AS transition_hash) r ON true WHERE t.run_id = %s AND t.seq = %s""",
        [transition["run_id"], transition["seq"]],
    ).fetchone()
    return bool(row and row["holds"])


def to(status: Status = Status.READY, **more: Any) -> Transition:
    """A transition that changes every column a transition can change."""
    values = {
        "event": EventKind.STEP_FINISHED,
        "actor": "worker:1",
        "reason": "because",
        "state": "NEXT",
        "status": status,
        "step_seq": 3,
        "queue": "q",
        "attempt": 7,
        "crash_attempts": 8,
        "late_retries": 9,
        "routes": {"due": {"state": "X"}},
        "pending_events": ("one", "two"),
        "pause_requested": True,
    }
    return Transition(**{**values, **more})
