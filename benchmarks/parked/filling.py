"""A database full of runs: a few are worked off by the engine itself, and their rows are copied by SQL.

The law: a copy is a run like any other, with ids and a subject of its own, as old as it would be had it come in its turn,
its transitions chained by hash anew. Whatever columns a table has, a copy has the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from pydantic import BaseModel

from app.bootstrap import runtime
from app.core.ids import new_id
from app.core.workflow import Workflow
from app.engine.start import start
from app.settings import Settings
from app.store.database import connect
from app.store.records.verify import verify
from benchmarks.parked.workflow import PARKED, Claim
from tests.support.dispatchers import SILENT_DISPATCHER
from tests.support.working import work_off as work_off_all

Db = psycopg.Connection[Any]
CHUNK = 20_000  # copies in one statement
HOUR, DAY = 3600.0, 86_400.0

# By table in the order of writing, what in its rows is an id of a run or of something of the run's.
_IDS: Mapping[str, Sequence[str]] = {
    "transition_rows": ("run_id", "move_id"),
    "runs": ("id", "parent_run_id"),
    "corrected_data": ("run_id",),
    "checkpoints": ("run_id",),
    "human_tasks": ("id", "run_id"),
    "human_task_events": ("task_id", "run_id"),
    "idempotency_keys": (),
}
_ROWS = {  # with what the view makes of a row: who acted, and digests that the table need not have
    "transition_rows": """(SELECT r.*, v.actor AS who, v.reason_digest AS of_reason, v.payload_digest AS of_payload
        FROM transition_rows r JOIN transitions v USING (run_id, seq) WHERE r.run_id = ANY (%(ids)s) OFFSET 0)"""
}
_RUN = {"runs": "id", "idempotency_keys": "(t.answer->>'run_id')::uuid"}
_PREPARE = """
SET session_replication_role = replica;
SET synchronous_commit = off;
SET maintenance_work_mem = '512MB';
CREATE OR REPLACE FUNCTION pg_temp.twin(of uuid, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
$$ SELECT (lpad(to_hex(('x' || left(replace(of::text, '-', ''), 12))::bit(48)::bigint - 100000000 + n), 12, '0')
    || right(replace(of::text, '-', ''), 20))::uuid $$;
CREATE OR REPLACE AGGREGATE pg_temp.chained(run_id uuid, seq int, event text, from_state text, from_status text, to_state text,
    to_status text, step_seq int, actor text, at timestamptz, reason_digest text, payload_digest text)
    (SFUNC = app_chain, STYPE = bytea, INITCOND = '')
"""
_CHAINED = """pg_temp.chained(pg_temp.twin(t.run_id, n), t.seq, t.event, t.from_state, t.from_status, t.to_state, t.to_status,
    t.step_seq, t.who, t.created_at - {age}, t.of_reason, t.of_payload) OVER (PARTITION BY n, t.run_id ORDER BY t.seq)"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """Of all runs, this share is like the one that was started with `waits_for`; the oldest waits for `oldest` seconds."""

    waits_for: str
    share: float
    oldest: float


# People answer within two days, or an alert says that they did not. A run that waits for a child makes two.
SHARES = (
    Share(waits_for="person", share=0.30, oldest=44 * HOUR),
    Share(waits_for="document", share=0.30, oldest=90 * DAY),
    Share(waits_for="time", share=0.30, oldest=90 * DAY),
    Share(waits_for="children", share=0.05, oldest=90 * DAY),
)
ENDED = 0.1  # as many beyond those, which have ended


def fill(url: str, runs: int, *, say: Callable[[str], None]) -> None:
    """Park so many runs, and end a tenth as many. Raises AssertionError if a copy is no run like any other."""
    shares = (*SHARES, Share(waits_for="nobody", share=ENDED, oldest=90 * DAY))
    made = {share.waits_for: work_off(url, PARKED, Claim(waits_for=share.waits_for)) for share in shares}
    with connected(url) as db:
        for share in shares:
            say(f"{round(share.share * runs):,} that wait for {share.waits_for}")
            copy(db, made[share.waits_for], round(share.share * runs), oldest=share.oldest)
        say("VACUUM, ANALYZE")
        settle(db)
    _check(url)


@contextmanager
def connected(url: str) -> Iterator[Db]:
    """A connection that copies."""
    with psycopg.connect(url, autocommit=True) as db:
        for statement in _PREPARE.split(";\n"):
            db.execute(statement.encode())
        yield db


def settle(db: Db) -> None:
    """What autovacuum would have done by and by."""
    db.execute("VACUUM (ANALYZE)")
    db.execute("CHECKPOINT")


def work_off(url: str, workflow: Workflow, data: BaseModel) -> list[UUID]:
    """Start a run and let it go as far as it goes; it and its children."""
    config = Settings(database_url=url, dispatcher=SILENT_DISPATCHER, log_level="ERROR", journal="direct")
    rt = runtime((workflow,), config=config)
    subject = f"{workflow.name} {new_id()}"
    try:
        started = rt.database.transact(
            lambda db: start(db, workflow, subject=subject, data=data, key=subject, actor="benchmark")
        )
        work_off_all(rt)
        kin = "SELECT id FROM runs WHERE %(id)s IN (id, parent_run_id)"
        found = rt.database.transact(lambda db: db.execute(kin, {"id": started.run_id}).fetchall())
        return [row["id"] for row in found]
    finally:
        rt.database.close()


def copy(db: Db, run_ids: Sequence[UUID], upto: int, *, oldest: float, beyond: int = 0) -> None:
    """Copies number `beyond` + 1 to `upto` of a run and its children; the first is as old as `oldest` says, the last as they."""
    age = f"make_interval(secs => {oldest} * ({upto} - n) / {upto})"
    for begin in range(beyond + 1, upto + 1, CHUNK):
        place = {"from": begin, "to": min(upto, begin + CHUNK - 1), "ids": list(run_ids)}
        with db.transaction():
            for table in _IDS:
                db.execute(_copy(db, table, age).encode(), place)


def _check(url: str) -> None:
    """Some of the runs verify as `longhaul verify` would have it."""
    with connect(url, "owner") as db:
        for row in db.execute("SELECT id FROM runs TABLESAMPLE SYSTEM (0.01) LIMIT 100").fetchall():
            verdict = verify(db, row["id"])
            assert verdict.holds, verdict.broken


def _copy(db: Db, table: str, age: str) -> str:
    """The statement that copies a table's rows."""
    names, values = [], []
    for name, kind, generated in db.execute(
        """SELECT attname, format_type(atttypid, NULL), attidentity <> '' FROM pg_attribute
           WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum""",
        [table],
    ):
        if not generated:
            names.append(name)
            values.append(_value(table, name, kind, age))
    return f"""INSERT INTO {table} ({", ".join(names)}) SELECT {", ".join(values)}
        FROM {_ROWS.get(table, table)} t, generate_series(%(from)s::bigint, %(to)s) n
        WHERE {_RUN.get(table, "t.run_id")} = ANY (%(ids)s) ORDER BY n"""


def _value(table: str, name: str, kind: str, age: str) -> str:
    if name in _IDS[table]:
        return f"pg_temp.twin(t.{name}, n)"
    match table, name:
        case "transition_rows", "hash":
            return _CHAINED.format(age=age)
        case "runs", "transition_hash":
            return "(SELECT hash FROM transition_rows h WHERE h.run_id = pg_temp.twin(t.id, n) AND h.seq = t.transition_seq)"
        case ("runs", "subject") | ("idempotency_keys", "key"):
            return f"t.{name} || ' ' || n"
        case "idempotency_keys", "answer":
            return f"jsonb_build_object('run_id', pg_temp.twin({_RUN[table]}, n)::text)"
    return f"t.{name} - {age}" if kind == "timestamp with time zone" else f"t.{name}"
