"""What the server would do for a statement, and a database large enough for it to matter."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, cast

import psycopg
from psycopg import sql
from psycopg._queries import PostgresQuery
from psycopg.adapt import Transformer

from app.store.database import Connection

Query = tuple[str, Any]
BIG = (
    "runs",
    "corrected_data",
    "checkpoints",
    "transition_rows",
    "signals",
    "human_tasks",
    "human_task_events",
    "alerts",
    "dead_letters",
    "idempotency_keys",
)

# Far more has ended or waits than is in work, as in a company's second year.
FILL = """
INSERT INTO runs (id, workflow, workflow_version, definition_hash, subject, state, status, step_seq, queue, ready_at, worker_id,
    lease_token, deadline_at, wake_at, expected_seconds, transition_seq, transition_hash, created_at, updated_at, finished_at)
SELECT lpad(to_hex(n), 32, '0')::uuid, 'w', 1, 'h', 'S-' || n, 'S', s.status, 1, 'steps.w.v1',
    CASE WHEN s.status = 'READY' THEN app_now() END, CASE WHEN s.status = 'RUNNING' THEN md5((n / 7000)::text)::uuid END,
    CASE WHEN s.status = 'RUNNING' THEN gen_random_uuid() END, CASE WHEN s.status = 'RUNNING' THEN app_now() + interval '1 hour' END,
    CASE WHEN s.status LIKE 'WAIT%%' THEN app_now() + n * interval '1 s' END, 60, 1, '\\x00', app_now(), app_now(),
    CASE WHEN s.status = 'COMPLETE' THEN app_now() END
FROM generate_series(1 + %(from)s, %(to)s) n, LATERAL (SELECT CASE WHEN n %% 1000 = 0 THEN 'READY' WHEN n %% 1000 = 1 THEN 'RUNNING'
    WHEN n %% 10 = 2 THEN 'WAITING_FOR_HUMAN' WHEN n %% 10 = 3 THEN 'WAITING_FOR_EVENT' ELSE 'COMPLETE' END AS status) s;
INSERT INTO corrected_data SELECT id, '{}', app_now() FROM runs ON CONFLICT DO NOTHING;
INSERT INTO checkpoints (run_id, step_seq, call_seq, step_name, kind, name, status, created_at)
SELECT id, 1, 0, 'S', 'step', 'w.S', 'INTENT', app_now() FROM runs ON CONFLICT DO NOTHING;
INSERT INTO transition_rows (run_id, seq, event, to_state, to_status, step_seq, attempt, actor, move_id, hash, created_at)
SELECT id, 1, 'started', 'S', 'READY', 1, 1, 'x', gen_random_uuid(), '\\x00', app_now() FROM runs ON CONFLICT DO NOTHING;
INSERT INTO signals (run_id, signal_id, name, body_hash, actor, created_at, consumed_step_seq)
SELECT id, 'one', 'n', 'h', 'x', app_now(), CASE WHEN random() < 0.999 THEN 1 END FROM runs ON CONFLICT DO NOTHING;
INSERT INTO human_tasks (id, run_id, step_seq, kind, state, role, title, note, form, outcomes, shown_digest, status, due_at, sla_at,
    created_at)
SELECT id, id, 1, 'work', 'S', 'adjuster', 't', 'n', '{}', '{}', 'd',
    CASE WHEN status = 'WAITING_FOR_HUMAN' THEN 'OPEN' ELSE 'COMPLETED' END, app_now() + interval '1 day',
    app_now() + interval '1 day', app_now() FROM runs ON CONFLICT DO NOTHING;
INSERT INTO idempotency_keys (scope, key, body_hash, answer, created_at)
SELECT 'start:w', id::text, 'h', '{}', app_now() FROM runs ON CONFLICT DO NOTHING;
INSERT INTO alerts (id, rule, subject, run_id, message, opened_at, resolved_at)
SELECT id, 'over_duration', id::text, id, 'm', app_now(), CASE WHEN status <> 'RUNNING' THEN app_now() END
FROM runs ON CONFLICT DO NOTHING;
INSERT INTO dead_letters (id, run_id, step_seq, state, fingerprint, reason, created_at, closed_at)
SELECT id, id, 1, 'S', 'f', 'r', app_now() - interval '1 year' * random(), app_now() FROM runs ON CONFLICT DO NOTHING"""


def fill(db: psycopg.Connection[Any], upto: int, *, beyond: int = 0) -> None:
    """Runs number `beyond` + 1 to `upto`, with all that belongs to them."""
    with suppress(psycopg.errors.InsufficientPrivilege):
        db.execute("SET session_replication_role = replica")  # what is made here fits together; nobody need look it up
    for statement in FILL.split(";\n"):
        db.execute(cast("Any", statement), {"from": beyond, "to": upto} if "generate_series(1" in statement else None)


def plans(db: Connection, query: Query) -> Iterator[tuple[str, dict[str, Any]]]:
    """The generic plan of a statement, and the one for its parameters; each with its name."""
    text, params = query
    compiled = PostgresQuery(Transformer(db))
    compiled.convert(text, params)
    types = sql.SQL(", ").join(sql.SQL(_type(db, oid)) for oid in compiled.types or ())
    nulls = sql.SQL(", ").join([sql.NULL] * len(compiled.types or ()))
    db.execute(
        sql.SQL("PREPARE p {} AS ")
        .format(sql.SQL("({})").format(types) if compiled.types else sql.SQL(""))
        .as_bytes(db)
        + compiled.query
    )
    db.execute("SET plan_cache_mode = force_generic_plan")
    execute = sql.SQL("EXPLAIN (FORMAT JSON) EXECUTE p {}").format(
        sql.SQL("({})").format(nulls) if compiled.types else sql.SQL("")
    )
    generic = _plan(db.execute(execute).fetchone())
    db.execute("DEALLOCATE p")
    yield "generic", generic
    yield "custom", _plan(db.execute(cast("Any", "EXPLAIN (FORMAT JSON) " + text), params).fetchone())


def _type(db: Connection, oid: int) -> str:
    row = db.execute("SELECT %s::oid::regtype::text AS name", [oid]).fetchone()
    return "unknown" if not oid or row is None else str(row["name"])


def _plan(row: Any) -> dict[str, Any]:
    found = row["QUERY PLAN"]
    plan: dict[str, Any] = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return plan


def nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every node of a plan."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def whole_tables(plan: Mapping[str, Any], tables: Sequence[str] = BIG) -> list[str]:
    """The tables a plan reads from end to end, itself or by the whole of their primary key."""
    found = [n for n in nodes(plan) if n.get("Relation Name") in tables and "Index Cond" not in n]
    return [
        n["Relation Name"] for n in found if n["Node Type"] == "Seq Scan" or n.get("Index Name", "").endswith("_pkey")
    ]


def indexes(plan: Mapping[str, Any]) -> set[str]:
    """The indexes a plan uses, those it reads from end to end in brackets."""
    found = [n for n in nodes(plan) if "Index Name" in n]
    return {n["Index Name"] if "Index Cond" in n else f"({n['Index Name']})" for n in found}
