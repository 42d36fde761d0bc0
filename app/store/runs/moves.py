"""The one place where a run's row moves.

The law: one statement, guarded on every column `decide` read (lease token, transition number, pending signals, pause
and cancel requests). No row: the run changed meanwhile, and nothing at all was written. With the row go, in the same
statement, its transition and the next link of the hash chain, the finished step's checkpoint, the next step's
intent, and whatever else must be true at the same moment: human task, alert, dead letter.

Every statement names the whole primary key by parameters and passes statuses as parameters, so that its plan does
not depend on statistics: what can be proved of a partial index of open things makes the planner read all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from uuid import UUID

from app.core import ids
from app.core.canonical import canonical, digest
from app.core.lifecycle import ENDED, HAS_TASK, STOPPED, WAITS_FOR_OTHERS, EventKind, Status
from app.core.run import Run, Transition
from app.core.statuses import CheckpointStatus, TaskStatus

Statement = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Beside:
    """What is written in the same statement as a move. Payloads are canonical JSON texts.

    output: result of the finished step. data: the run's new data; what is kept of them is `output`, in which they stand.
    error: appended to the step's errors. step_failed: the step's checkpoint ends FAILED.
    task, dead_letter, alert: rows to open. names: what the run is found by from now on.
    """

    output: str | None = None
    data: str | None = None
    error: str | None = None
    step_failed: bool = False
    task: str | None = None
    dead_letter: str | None = None
    alert: str | None = None
    names: str | None = None
    deadline_in: float | None = None
    latency_ms: float | None = None
    move_id: UUID = field(default_factory=ids.new_token)


_CLOCK = "WITH clock AS MATERIALIZED (SELECT app_now() AS at)"
_LINK = """app_chain(r.transition_hash, r.id, r.transition_seq + 1, %(event)s, r.state, r.status, %(state)s,
            %(status)s, %(step_seq)s, %(actor)s, clock.at, %(reason_digest)s, %(payload_digest)s)"""
# The run: the status that was seen -> the status decided for it, with the transition and its link of the chain. No row:
# the run changed since it was seen; then no part below writes anything either.
_MOVED = """{clock},
moved AS (
    UPDATE runs r SET state = %(state)s, status = %(row_status)s, step_seq = %(step_seq)s, queue = %(queue)s, attempt = %(attempt)s,
        crash_attempts = %(crash_attempts)s, late_retries = %(late_retries)s, routes = %(routes)s::jsonb,
        pending_events = %(pending)s::text[], pause_requested = %(pause)s, waiting_reason = %(waiting_reason)s,
        wake_at = clock.at + make_interval(secs => %(wake_in)s::float8),
        expires_at = clock.at + make_interval(secs => %(expires_in)s::float8),
        deadline_at = clock.at + make_interval(secs => %(deadline_in)s::float8),
        lease_token = %(new_token)s::uuid, worker_id = %(new_worker)s::uuid,
        ready_at = CASE WHEN %(is_ready)s THEN clock.at END, children_left = %(children_left)s,
        finished_at = CASE WHEN %(is_ended)s THEN clock.at END,
        waited_seconds = r.waited_seconds
            + CASE WHEN %(was_waiting)s THEN greatest(0, extract(epoch FROM clock.at - r.updated_at)) ELSE 0 END,
        data_step = coalesce(%(data_step)s::int, r.data_step), transition_seq = r.transition_seq + {links}, updated_at = clock.at,
        transition_hash = {head}
    FROM clock
    WHERE r.id = %(id)s AND r.transition_seq = %(seen_seq)s AND r.lease_token IS NOT DISTINCT FROM %(seen_token)s::uuid
      AND r.pending_events = %(seen_pending)s::text[] AND r.pause_requested = %(seen_pause)s
      AND r.cancel_requested = %(seen_cancel)s{guard}
    RETURNING r.transition_seq, r.transition_hash, r.parent_run_id, r.parent_step_seq, r.irreversible_since, clock.at
), logged AS (
    INSERT INTO transition_rows (run_id, seq, event, from_state, from_status, to_state, to_status, step_seq, attempt, actor,
        worker_id, reason, salt_bytes, payload_sha256, move_id, hash, created_at)
    SELECT %(id)s, %(seen_seq)s + 1, %(event)s, %(from_state)s, %(from_status)s, %(state)s, %(status)s, %(step_seq)s, %(attempt)s,
        %(other)s, %(acting)s::uuid, %(reason)s, %(salt)s, %(payload_sha256)s, %(move_id)s, {logged}, at
    FROM moved
)"""
_ALONE = _MOVED.format(clock=_CLOCK, links="1", head=_LINK, guard="", logged="transition_hash")
# The same, and the lease of the step that the run enters: READY -> RUNNING, with a transition of its own. The first link
# follows from the head that was seen, as the row is updated once; so the head is guarded too. No row for a worker that
# others have given up, as for any lease.
_LEASED = (
    _MOVED.format(
        clock="""WITH clock AS MATERIALIZED (
    SELECT at, app_chain(%(seen_head)s, %(id)s, %(seen_seq)s + 1, %(event)s, %(from_state)s, %(from_status)s, %(state)s, %(status)s,
        %(step_seq)s, %(actor)s, at, %(reason_digest)s, %(payload_digest)s) AS link FROM (SELECT app_now() AS at OFFSET 0) now)""",
        links="2",
        head="""app_chain(clock.link, r.id, r.transition_seq + 2, %(lease_taken)s, %(state)s, %(status)s, %(state)s,
            %(row_status)s, %(step_seq)s, %(actor)s, clock.at, %(empty_digest)s, %(empty_digest)s)""",
        guard=""" AND r.transition_hash = %(seen_head)s
      AND NOT EXISTS (SELECT 1 FROM workers WHERE id = %(new_worker)s AND gone_at IS NOT NULL)""",
        logged="(SELECT link FROM clock)",
    )
    + """, leased AS (
    INSERT INTO transition_rows (run_id, seq, event, from_state, from_status, to_state, to_status, step_seq, attempt, worker_id,
        move_id, hash, created_at)
    SELECT %(id)s, transition_seq, %(lease_taken)s, %(state)s, %(status)s, %(state)s, %(row_status)s, %(step_seq)s, %(attempt)s,
        %(new_worker)s, %(new_token)s, transition_hash, at FROM moved
)"""
)

# The finished step's checkpoint: INTENT -> COMPLETE, or FAILED, with its output and its error.
_COMPLETED = """, completed AS (
    UPDATE checkpoints c SET status = %(step_status)s, output = %(output)s::jsonb, output_hash = %(output_hash)s,
        lease_token = %(seen_token)s::uuid, attempt = %(seen_attempt)s, completed_at = moved.at, latency_ms = %(latency_ms)s,
        errors = c.errors || %(errors)s::jsonb
    FROM moved WHERE c.run_id = %(id)s AND c.step_seq = %(seen_step)s AND c.call_seq = 0
)"""
# The checkpoint of a step that has not ended: it stays INTENT, its error is kept.
_ERROR = """, failed AS (
    UPDATE checkpoints c SET errors = c.errors || %(errors)s::jsonb, attempt = %(seen_attempt)s
    FROM moved WHERE c.run_id = %(id)s AND c.step_seq = %(seen_step)s AND c.call_seq = 0
)"""
# The next step's checkpoint: no row -> INTENT, with what led to it.
_ENTERED = """, entered AS (
    INSERT INTO checkpoints (run_id, step_seq, call_seq, step_name, kind, name, status, input, created_at)
    SELECT %(id)s, %(step_seq)s, 0, %(state)s, 'step', %(task_name)s, 'INTENT', jsonb_build_object('cause', %(cause)s::jsonb), at
    FROM moved
)"""
# The same, with the pending signals that the move consumes.
_ENTERED_BY_SIGNALS = """, entered AS (
    INSERT INTO checkpoints (run_id, step_seq, call_seq, step_name, kind, name, status, input, created_at)
    SELECT %(id)s, %(step_seq)s, 0, %(state)s, 'step', %(task_name)s, 'INTENT', jsonb_build_object('cause', %(cause)s::jsonb)
    || jsonb_build_object('signals', (SELECT coalesce(jsonb_agg(jsonb_build_object('id', s.signal_id, 'name', s.name,
    'payload', s.payload, 'actor', s.actor, 'at', s.created_at) ORDER BY s.seq), '[]') FROM signals s
    WHERE s.run_id = %(id)s AND s.name = %(consumes)s AND s.consumed_step_seq IS NULL)), at
    FROM moved
)"""
# The signals that the move consumes: pending -> consumed by the step it leads to.
_CONSUMED = """, consumed AS (
    UPDATE signals s SET consumed_step_seq = %(step_seq)s FROM moved
    WHERE s.run_id = %(id)s AND s.name = %(consumes)s AND s.consumed_step_seq IS NULL
)"""
# What waited for a person in the state the run leaves: tasks OPEN -> CANCELLED or EXPIRED, the alerts that asked for one
# (at an ending, all) -> resolved, the dead letter -> closed.
_CLOSED = """, closed AS (
    UPDATE human_tasks t SET status = %(task_status)s, row_version = t.row_version + 1 FROM moved
    WHERE t.run_id = %(id)s AND t.status = %(task_open)s RETURNING t.id
), closings AS (
    INSERT INTO human_task_events (task_id, run_id, event, actor, detail, created_at)
    SELECT closed.id, %(id)s, lower(%(task_status)s), %(actor)s, jsonb_build_object('reason', %(reason)s::text), moved.at FROM closed, moved
), quieted AS (
    UPDATE alerts a SET resolved_at = moved.at FROM moved WHERE a.run_id = %(id)s AND coalesce(a.resolved_at, 'infinity') = 'infinity'
        AND (%(is_ended)s OR a.rule IN ('waiting_for_person', 'task_overdue', 'failed_retriable', 'dead_letter'))
    RETURNING a.rule, a.subject, a.message
), undead AS (
    UPDATE dead_letters l SET closed_at = moved.at, closed_by = %(actor)s, verdict = %(event)s FROM moved
    WHERE l.run_id = %(id)s AND l.closed_at IS NULL
)"""
# A human task: no row -> OPEN, if the run now waits for a person or has stopped.
_TASK = """, task AS (
    INSERT INTO human_tasks (id, run_id, step_seq, kind, state, role, title, note, form, defaults, evidence, proposals, approves,
        outcomes, not_by, call_seq, shown_digest, fingerprint, due_at, sla_at, created_at)
    SELECT t.id, %(id)s, %(step_seq)s, t.kind, %(state)s, t.role, t.title, t.note, t.form, t.defaults, t.evidence, t.proposals,
        t.approves, t.outcomes, t.not_by, t.call_seq, t.shown_digest, t.fingerprint,
        moved.at + make_interval(secs => t.due_seconds),
        moved.at + make_interval(secs => t.due_seconds * 0.75), moved.at
    FROM moved, jsonb_to_record(%(task)s::jsonb) AS t(id uuid, kind text, role text, title text, note text, form jsonb,
        defaults jsonb, evidence jsonb, proposals jsonb, approves jsonb, outcomes text[], not_by text[], call_seq int,
        shown_digest text, fingerprint text, due_seconds float8)
    WHERE %(status)s = ANY (%(task_statuses)s) RETURNING id
), opening AS (
    INSERT INTO human_task_events (task_id, run_id, event, actor, created_at) SELECT task.id, %(id)s, 'opened', %(actor)s, moved.at
    FROM task, moved
)"""
# A dead letter: no row -> open, if the run has stopped.
_LETTER = """, letter AS (
    INSERT INTO dead_letters (id, run_id, step_seq, state, fingerprint, reason, created_at)
    SELECT l.id, %(id)s, %(step_seq)s, %(state)s, l.fingerprint, l.reason, moved.at
    FROM moved, jsonb_to_record(%(dead_letter)s::jsonb) AS l(id uuid, fingerprint text, reason text)
    WHERE %(status)s = ANY (%(stopped)s)
)"""
# An alert: no row -> open, if the run has stopped and none of its rule and subject is open.
_ALERT = """, alarm AS (
    INSERT INTO alerts (id, rule, subject, run_id, message, fingerprint, opened_at)
    SELECT a.id, a.rule, a.subject, %(id)s, a.message, a.fingerprint, moved.at
    FROM moved, jsonb_to_record(%(alert)s::jsonb) AS a(id uuid, rule text, subject text, message text, fingerprint text)
    WHERE %(status)s = ANY (%(stopped)s)
    ON CONFLICT (rule, subject) WHERE resolved_at IS NULL DO NOTHING RETURNING rule, subject, message
)"""
# Names by which the run is found: those it does not have yet are added.
_NAMES = """, named AS (
    INSERT INTO run_names (name, run_id, kind, created_at)
    SELECT n.name, %(id)s, n.kind, moved.at FROM moved, jsonb_to_recordset(%(names)s::jsonb) AS n(name text, kind text)
    ON CONFLICT DO NOTHING
)"""
_SAID = ", (SELECT jsonb_agg(jsonb_build_object('rule', a.rule, 'subject', a.subject, 'message', a.message)) FROM {alerts}) AS {what}"
_EMPTY_DIGEST = digest("")
# What is opened with a stop is opened only if the run stops: one whose cancel was accepted ends instead.
_STOPPED = [status.value for status in sorted(STOPPED)]
_TASK_STATUSES = [status.value for status in sorted(HAS_TASK)]


# The parts that a move may have beside its row, in the order in which they are written.
_PARTS = (_COMPLETED, _ERROR, _ENTERED, _ENTERED_BY_SIGNALS, _CONSUMED, _CLOSED, _TASK, _LETTER, _ALERT, _NAMES)


def _parts(to: Transition, beside: Beside) -> frozenset[str]:
    """The parts of the move to `to`."""
    consumes = to.consumes is not None
    completes = to.completes_step or beside.step_failed
    wanted = {
        _COMPLETED: completes,
        _ERROR: beside.error is not None and not completes,
        _ENTERED: to.enters and not consumes,
        _ENTERED_BY_SIGNALS: to.enters and consumes,
        _CONSUMED: consumes,
        _CLOSED: to.closes_tasks,
        _TASK: beside.task is not None,
        _LETTER: beside.dead_letter is not None,
        _ALERT: beside.alert is not None,
        _NAMES: beside.names is not None,
    }
    return frozenset(part for part, is_wanted in wanted.items() if is_wanted)


def _array(names: Sequence[str]) -> list[str] | str:
    """Names as a parameter. Mostly there are none, and of an empty list psycopg looks for the type of what is in it."""
    return list(names) or "{}"


@lru_cache(maxsize=256)
def _text(parts: frozenset[str], leases: bool) -> str:
    """The one statement of a move with these parts, and with the lease of the next step."""
    said = (_SAID.format(alerts="alarm a", what="opened") if _ALERT in parts else "") + (
        _SAID.format(alerts="quieted a", what="resolved") if _CLOSED in parts else ""
    )
    written = "".join(part for part in _PARTS if part in parts)
    moved, head = (_LEASED, ", transition_hash, irreversible_since") if leases else (_ALONE, "")
    return f"{moved}{written}\nSELECT transition_seq, at, parent_run_id, parent_step_seq{head}{said} FROM moved"


@dataclass(frozen=True, slots=True)
class NextLease:
    """The lease that a run takes with the move that makes it READY, for `seconds`. seen_head: the hash its chain ended with."""

    token: UUID
    worker: UUID
    seconds: float
    seen_head: bytes

    def params(self, to: Transition) -> dict[str, Any]:
        """What the row holds in place of what the move alone would leave on it, and the lease's own transition."""
        return {
            "row_status": Status.RUNNING.value,
            "crash_attempts": to.crash_attempts + 1,
            "deadline_in": self.seconds,
            "new_token": self.token,
            "new_worker": self.worker,
            "is_ready": False,
            "seen_head": self.seen_head,
            "lease_taken": EventKind.LEASE_TAKEN.value,
            "empty_digest": _EMPTY_DIGEST,
        }


def move(run: Run, to: Transition, *, beside: Beside | None = None, lease: NextLease | None = None) -> Statement:
    """The statement that makes `run`, as it was seen, take the transition `to`. It returns one row, or none.

    The row has, where there can be any, the alerts `opened` and `resolved` with the move: rule, subject, message of each.
    lease: of a move to READY, the next lease, taken in the same update; then the row has the new `transition_hash` too.
    """
    beside = beside or Beside()
    cause = canonical(to.cause)
    output_hash = digest(beside.output) if beside.output is not None else None
    payload_hash = output_hash or digest(cause)
    salt, acting = ids.new_salt(), ids.worker_of(to.actor)
    params = {
        "id": run.id,
        "state": to.state,
        "status": to.status.value,
        "row_status": to.status.value,
        "step_seq": to.step_seq,
        "queue": to.queue,
        "attempt": to.attempt,
        "crash_attempts": to.crash_attempts,
        "late_retries": to.late_retries,
        "routes": canonical(to.routes),
        "pending": _array(to.pending_events),
        "pause": to.pause_requested,
        "waiting_reason": to.waiting_reason,
        "wake_in": to.wake_in,
        "expires_in": to.expires_in,
        "deadline_in": beside.deadline_in,
        "new_token": None,
        "new_worker": None,
        "is_ready": to.status is Status.READY,
        "is_ended": to.status in ENDED,
        "children_left": to.children_left,
        "data_step": run.step_seq if beside.data is not None else None,
        "was_waiting": run.status in WAITS_FOR_OTHERS,
        "event": to.event.value,
        "actor": to.actor,
        "other": None if acting else to.actor,
        "acting": acting,
        "reason": to.reason or None,
        "reason_digest": digest(salt + to.reason),
        "payload_sha256": bytes.fromhex(payload_hash),
        "payload_digest": digest(salt + payload_hash),
        "salt": bytes.fromhex(salt),
        "move_id": beside.move_id,
        "from_state": run.state,
        "from_status": run.status.value,
        "seen_seq": run.transition_seq,
        "seen_token": run.lease_token,
        "seen_pending": _array(run.pending_events),
        "seen_pause": run.pause_requested,
        "seen_cancel": run.cancel_requested,
        "seen_step": run.step_seq,
        "seen_attempt": run.attempt,
        "step_status": (CheckpointStatus.FAILED if beside.step_failed else CheckpointStatus.COMPLETE).value,
        "output": beside.output,
        "output_hash": output_hash,
        "latency_ms": beside.latency_ms,
        "errors": f"[{beside.error}]" if beside.error is not None else "[]",
        "task_name": ids.task_name(run.workflow, to.state),
        "cause": cause,
        "consumes": to.consumes,
        "task_open": TaskStatus.OPEN.value,
        "task_status": (TaskStatus.EXPIRED if to.event is EventKind.EXPIRED else TaskStatus.CANCELLED).value,
        "task": beside.task,
        "task_statuses": _TASK_STATUSES,
        "stopped": _STOPPED,
        "dead_letter": beside.dead_letter,
        "alert": beside.alert,
        "names": beside.names,
    }
    return _text(_parts(to, beside), lease is not None), params | lease.params(to) if lease else params


_OF_THEN = "alerts a WHERE a.run_id = %(id)s AND a.{column} = t.created_at"
# Changes nothing. No row: no move of this id was written.
_WAS_MINE = (
    "SELECT t.seq AS transition_seq, t.created_at AS at"
    + _SAID.format(alerts=_OF_THEN.format(column="opened_at"), what="opened")
    + _SAID.format(alerts=_OF_THEN.format(column="resolved_at"), what="resolved")
    + " FROM transitions t WHERE t.run_id = %(id)s AND t.seq = %(seq)s AND t.move_id = %(move_id)s"
)


def was_mine(run: Run, beside: Beside) -> Statement:
    """After a commit of unknown fate: one row if the move was written, and written by us."""
    return _WAS_MINE, {"id": run.id, "seq": run.transition_seq + 1, "move_id": beside.move_id}
