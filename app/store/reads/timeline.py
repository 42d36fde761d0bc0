"""The timeline of a run: everything that happened, in order, a page at a time; and one entry whole.

The law: no page depends on the one before it, and the last costs what the first does. What a page holds is chosen by
time and number alone, payloads are read only of what is on it, and an entry has an address that never changes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.core.canonical import restore
from app.store import rows
from app.store.database import Connection
from app.store.reads.pages import SHOWN_CHARACTERS
from app.store.runs import payloads

KINDS = ("start", "step", "tool", "model", "local", "transition", "human", "comment", "signal", "alert")
Place = tuple[datetime, int, int]
_PARSED_BYTES = 1024 * 1024  # larger blobs are shown as they are stored, not pretty-printed
_CALLS_PER_STEP = 100_000  # how a checkpoint is numbered: step_seq * 100000 + call_seq
_TAIL = "('x' || right(replace({id}::text, '-', ''), 15))::bit(60)::bigint"  # what tells ids of one moment apart

# Each source with the same columns. A checkpoint stands where its result came, or else where its intent did.
_SOURCES = f"""
    SELECT created_at AS at, 1 AS rank, seq::bigint AS n, 'transition' AS kind, to_state AS step, step_seq, event AS name,
        to_status AS status, actor, reason AS detail, attempt, NULL::jsonb AS input, NULL::jsonb AS output, NULL::float8 AS latency_ms,
        NULL::bigint AS tokens_in, NULL::bigint AS tokens_out, NULL::numeric AS cost, NULL::text AS model, NULL::timestamptz AS began,
        NULL::text AS key, from_state, from_status, '[]'::jsonb AS errors
    FROM transitions WHERE run_id = %(id)s
    UNION ALL
    SELECT coalesce(completed_at, intent_at, created_at), 2, step_seq::bigint * {_CALLS_PER_STEP} + call_seq, kind, step_name, step_seq,
        name, status, NULL, NULL, attempt, input, output, latency_ms, tokens_in, tokens_out, cost, model, created_at, idempotency_key,
        NULL, NULL, errors
    FROM checkpoints WHERE run_id = %(id)s
    UNION ALL
    SELECT e.created_at, 3, e.seq, 'human', t.state, t.step_seq, e.event, t.status, e.actor, t.title, NULL, NULL, e.detail,
        NULL, NULL, NULL, NULL, NULL, NULL, t.id::text, NULL, NULL, '[]'
    FROM human_task_events e JOIN human_tasks t ON t.id = e.task_id WHERE e.run_id = %(id)s
    UNION ALL
    SELECT created_at, 4, seq, 'signal', NULL, consumed_step_seq, name,
        CASE WHEN consumed_step_seq IS NULL THEN 'pending' ELSE 'consumed' END, actor, signal_id, NULL, payload, NULL,
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '[]'
    FROM signals WHERE run_id = %(id)s
    UNION ALL
    SELECT opened_at, 5, {_TAIL.format(id="id")}, 'alert', NULL, NULL, rule,
        CASE WHEN resolved_at IS NULL THEN 'open' ELSE 'resolved' END, NULL, message, NULL, NULL, detail,
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '[]'
    FROM alerts WHERE run_id = %(id)s
    UNION ALL
    SELECT c.created_at, 6, {_TAIL.format(id="c.id")}, 'comment', t.state, t.step_seq, 'comment', NULL, 'person:' || c.author, c.body,
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, t.id::text, NULL, NULL, '[]'
    FROM human_tasks t JOIN human_task_comments c ON c.task_id = t.id WHERE t.run_id = %(id)s"""

_LINE = "at, rank, n, kind, step, step_seq, name, status, actor, attempt, latency_ms, tokens_in, tokens_out, cost, model, began"
_FAILED = "('FAILED', 'UNKNOWN', 'FAILED_RETRIABLE', 'DEAD_LETTER', 'SUSPECTED_DEAD', 'EXPIRED')"
_PAGE = f"""
SELECT {_LINE}, left(detail, 400) AS detail, from_state, from_status, jsonb_array_length(errors) AS failures,
    left(errors ->> -1, 300) AS last_error, output ->> 'outcome' AS outcome, key
FROM (SELECT * FROM ({_SOURCES}) t
    WHERE (%(at)s::timestamptz IS NULL OR (at, rank, n) > (%(at)s, %(rank)s, %(n)s))
      AND (%(until)s::timestamptz IS NULL OR at <= %(until)s)
      AND (%(kinds)s::text[] IS NULL OR kind = ANY (%(kinds)s))
      AND (NOT %(failed)s OR status IN {_FAILED} OR errors <> '[]')
      AND (%(text)s = '' OR strpos(lower(concat_ws(' ', step, name, status, actor, detail, model, key, nullif(errors, '[]'))),
          %(text)s) > 0)
    ORDER BY at, rank, n LIMIT %(limit)s) page
ORDER BY at, rank, n"""
_ONE = f"""
SELECT {_LINE}, detail, from_state, from_status, errors, key, input ->> '$blob' AS input_blob, output ->> '$blob' AS output_blob,
    left(jsonb_pretty(input), %(shown)s) AS input, length(jsonb_pretty(input)) AS input_length,
    left(jsonb_pretty(output), %(shown)s) AS output, length(jsonb_pretty(output)) AS output_length
FROM ({_SOURCES}) t WHERE rank = %(rank)s AND n = %(n)s LIMIT 1"""


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryFilter:
    """What of a timeline to show. `until`: nothing later. `text`: in its names, people, reasons and errors."""

    kinds: Sequence[str] = ()
    failed: bool = False
    text: str = ""
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """Something that happened to a run. at, rank and n are its place among the others. began: of a call, when it was begun.

    key: of a call, its idempotency key; of what concerns a human task, that task's id.
    """

    at: datetime
    rank: int
    n: int
    kind: str
    step: str | None
    step_seq: int | None
    name: str | None
    status: str | None
    actor: str | None
    attempt: int | None
    latency_ms: float | None
    tokens_in: int | None
    tokens_out: int | None
    cost: Decimal | None
    model: str | None
    began: datetime | None
    detail: str | None
    from_state: str | None
    from_status: str | None
    key: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryLine(Entry):
    """An entry as a page lists it: long texts cut short. failures: how many tries failed; last_error: of the last of them."""

    failures: int
    last_error: str | None
    outcome: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class WholeEntry(Entry):
    """An entry whole. errors: of its tries. input, output: pretty-printed JSON, at most SHOWN_CHARACTERS; …_length: of all of it."""

    errors: Any
    input: str | None
    input_length: int | None
    input_blob: str | None
    output: str | None
    output_length: int | None
    output_blob: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Stand:
    """Where a run stood from one move until the next: `until` is when that came."""

    seq: int
    at: datetime
    event: str
    from_status: str | None
    from_state: str | None
    to_state: str
    to_status: str
    step_seq: int
    attempt: int
    actor: str
    reason: str | None
    until: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """A way between two states that a run has gone: how often, and who moved it there last, when and why."""

    from_state: str
    to_state: str
    event: str
    times: int
    last: int
    at: datetime
    actor: str
    reason: str | None


def page(
    db: Connection, run_id: UUID, wanted: EntryFilter, *, limit: int, after: Place | None = None
) -> list[EntryLine]:
    """Up to `limit` entries in order, beginning behind `after` (at, rank, n); without their payloads."""
    at, rank, n = after or (None, None, None)
    params = {
        "id": run_id,
        "at": at,
        "rank": rank,
        "n": n,
        "limit": limit,
        "until": wanted.until,
        "failed": wanted.failed,
        "kinds": list(wanted.kinds) or None,
        "text": wanted.text.strip().lower(),
    }
    return rows.every(db, EntryLine, _PAGE, params)


def address(entry: Entry) -> str:
    """What an entry is called in an address: `transition-12`, `call-3-1` (step and call), `human-7`."""
    if entry.rank == _CHECKPOINT:
        return "call-{}-{}".format(*divmod(entry.n, _CALLS_PER_STEP))
    return f"{_NAMES[entry.rank]}-{entry.n}"


def place_of(text: str) -> tuple[int, int] | None:
    """The rank and number an address means; None if it is none."""
    name, _, rest = text.partition("-")
    numbers = rest.split("-")
    rank = next((rank for rank, known in _NAMES.items() if known == name), None)
    if rank is None or not all(each.isascii() and each.isdigit() and len(each) < 19 for each in numbers):
        return None
    if len(numbers) != (2 if rank == _CHECKPOINT else 1):
        return None
    return rank, int(numbers[0]) * _CALLS_PER_STEP + int(numbers[1]) if rank == _CHECKPOINT else int(numbers[0])


_CHECKPOINT = 2
_NAMES = {1: "transition", _CHECKPOINT: "call", 3: "human", 4: "signal", 5: "alert", 6: "comment"}


def one(db: Connection, run_id: UUID, rank: int, n: int) -> WholeEntry | None:
    """One entry whole, with what is stored by reference."""
    params = {"id": run_id, "rank": rank, "n": n, "shown": SHOWN_CHARACTERS}
    entry = rows.first(db, WholeEntry, _ONE, params)
    if entry and entry.input_blob:
        text = _blob_text(db, entry.input_blob)
        entry = replace(entry, input=text[:SHOWN_CHARACTERS], input_length=len(text))
    if entry and entry.output_blob:
        text = _blob_text(db, entry.output_blob)
        entry = replace(entry, output=text[:SHOWN_CHARACTERS], output_length=len(text))
    return entry


def _blob_text(db: Connection, sha256: str) -> str:
    row = db.execute("SELECT content FROM blobs WHERE sha256 = %s", [sha256]).fetchone()
    if row is None:
        return f"the content {sha256} was erased"
    content = payloads.CODEC.unpack(bytes(row["content"]))
    if len(content) > _PARSED_BYTES:
        return content.decode("utf-8", "backslashreplace")
    return json.dumps(json.loads(content), indent=4, ensure_ascii=False)


_STEPS = """
SELECT seq, created_at AS at, event, from_status, from_state, to_state, to_status, step_seq, attempt, actor, reason,
    lead(created_at) OVER (ORDER BY seq) AS until
FROM transitions WHERE run_id = %(id)s AND (%(until)s::timestamptz IS NULL OR created_at <= %(until)s) ORDER BY seq DESC LIMIT %(limit)s"""


def standings(db: Connection, run_id: UUID, *, limit: int, until: datetime | None = None) -> list[Stand]:
    """Where the run stood after its newest `limit` moves, in order."""
    return rows.every(db, Stand, _STEPS, {"id": run_id, "limit": limit, "until": until})[::-1]


_TAKEN = """
SELECT from_state, to_state, event, count(*) AS times, max(seq) AS last, max(created_at) AS at,
    (array_agg(actor ORDER BY seq DESC))[1] AS actor, (array_agg(left(reason, 200) ORDER BY seq DESC))[1] AS reason
FROM transitions
WHERE run_id = %(id)s AND from_state IS NOT NULL AND from_state <> to_state
  AND (%(until)s::timestamptz IS NULL OR created_at <= %(until)s)
GROUP BY from_state, to_state, event ORDER BY last"""


def path(db: Connection, run_id: UUID, *, until: datetime | None = None) -> list[Way]:
    """Which ways between states the run has gone, the last gone last."""
    return rows.every(db, Way, _TAKEN, {"id": run_id, "until": until})


def marks(db: Connection, run_ids: Sequence[UUID]) -> dict[UUID, str]:
    """By run, something that changes when anything of it that a page shows does; one query, by key alone.

    A mark is `<transition seq>.<step>.<calls and results of the present step>.<last event of its human tasks>`.
    """
    found = db.execute(
        """SELECT r.id, r.transition_seq || '.' || r.step_seq || '.' || c.mark || '.' || h.mark AS mark
           FROM runs r
           CROSS JOIN LATERAL (SELECT count(*) || '-' || count(*) FILTER (WHERE status <> 'INTENT') AS mark FROM checkpoints c
               WHERE c.run_id = r.id AND c.step_seq = r.step_seq) c
           CROSS JOIN LATERAL (SELECT coalesce(max(seq), 0)::text AS mark FROM human_task_events e WHERE e.run_id = r.id) h
           WHERE r.id = ANY (%s)""",
        [list(run_ids)],
    ).fetchall()
    return {row["id"]: row["mark"] for row in found}


_DATA_BEFORE = """
SELECT coalesce(output -> 'data', input -> 'cause' -> 'data') AS data FROM checkpoints
WHERE run_id = %(id)s AND kind IN ('start', 'step') AND call_seq = 0 AND step_seq < %(step_seq)s
  AND coalesce(output -> 'data', input -> 'cause' -> 'data') IS NOT NULL ORDER BY step_seq DESC LIMIT 1"""
_DATA_AFTER = """
SELECT output -> 'data' AS output, input -> 'cause' -> 'data' AS input FROM checkpoints
WHERE run_id = %(id)s AND step_seq = %(step_seq)s AND call_seq = 0"""


def data_around(db: Connection, run_id: UUID, step_seq: int) -> tuple[Any, Any]:
    """The run's data as a step found it, before a person's correction of it, and as the step left it; None where nothing changed."""
    params = {"id": run_id, "step_seq": step_seq}
    before, after = db.execute(_DATA_BEFORE, params).fetchone(), db.execute(_DATA_AFTER, params).fetchone()
    left = (after["output"] if after["output"] is not None else after["input"]) if after else None
    return restore(before["data"]) if before else None, restore(left)
