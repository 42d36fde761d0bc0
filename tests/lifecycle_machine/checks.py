"""What is looked at in the database after every step of the machine. Nothing here calls the engine's own rules.

The legal moves are written down once more, from the table of the design; what the runs must be is what the model says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

from app.diagnosis.explain import explain
from app.store.reads import situation
from app.store.records.verify import verify
from tests.lifecycle_machine.attempts import Attempts
from tests.lifecycle_machine.calls import is_open
from tests.lifecycle_machine.model import ENDED, Run
from tests.lifecycle_machine.world import World

Row = Mapping[str, Any]
READY = "READY PAUSED CANCELLED"
LEGAL: dict[tuple[str, str], str] = {
    ("READY", "lease taken"): "RUNNING",
    ("READY", "paused"): "PAUSED",
    ("READY", "cancelled"): "CANCELLED",
    ("RUNNING", "lease handed back"): READY,
    ("RUNNING", "step finished"): READY,
    ("RUNNING", "ended"): "COMPLETE FAILED CANCELLED",
    ("RUNNING", "step asks a person"): "WAITING_FOR_HUMAN CANCELLED",
    ("RUNNING", "step waits for an event"): f"WAITING_FOR_EVENT {READY}",
    ("RUNNING", "step waits for a time"): "WAITING_FOR_TIMER CANCELLED",
    ("RUNNING", "step waits for children"): f"WAITING_FOR_CHILDREN {READY}",
    ("RUNNING", "step suspended"): f"WAITING_FOR_EVENT {READY}",
    ("RUNNING", "attempt failed"): "WAITING_FOR_TIMER CANCELLED",
    ("RUNNING", "downstream throttled"): "WAITING_FOR_TIMER CANCELLED",
    ("RUNNING", "outcome too early to judge"): "WAITING_FOR_TIMER CANCELLED",
    ("RUNNING", "no attempts left"): "FAILED_RETRIABLE CANCELLED",
    ("RUNNING", "needs a person"): "WAITING_FOR_HUMAN CANCELLED",
    ("RUNNING", "unrecoverable error"): "DEAD_LETTER CANCELLED",
    ("RUNNING", "worker lost"): "SUSPECTED_DEAD",
    ("SUSPECTED_DEAD", "reassigned"): READY,
    ("SUSPECTED_DEAD", "crashed alone too often"): "DEAD_LETTER CANCELLED",
    ("WAITING_FOR_HUMAN", "person answered"): READY,
    ("WAITING_FOR_HUMAN", "wait expired"): READY,
    ("WAITING_FOR_HUMAN", "cancelled"): "CANCELLED",
    ("WAITING_FOR_EVENT", "signals came"): READY,
    ("WAITING_FOR_EVENT", "wait expired"): READY,
    ("WAITING_FOR_EVENT", "cancelled"): "CANCELLED",
    ("WAITING_FOR_TIMER", "timer due"): READY,
    ("WAITING_FOR_TIMER", "cancelled"): "CANCELLED",
    ("WAITING_FOR_CHILDREN", "children ended"): READY,
    ("WAITING_FOR_CHILDREN", "wait expired"): READY,
    ("WAITING_FOR_CHILDREN", "cancelled"): "CANCELLED",
    ("FAILED_RETRIABLE", "retried"): READY,
    ("FAILED_RETRIABLE", "failed by an operator"): "FAILED",
    ("FAILED_RETRIABLE", "cancelled"): "CANCELLED",
    ("DEAD_LETTER", "redriven"): READY,
    ("DEAD_LETTER", "failed by an operator"): "FAILED",
    ("DEAD_LETTER", "cancelled"): "CANCELLED",
    ("PAUSED", "resumed"): "READY",
    ("PAUSED", "cancelled"): "CANCELLED",
}
PLACES = {
    "READY": "ready",
    "RUNNING": "running",
    "FAILED_RETRIABLE": "stopped until a person decides",
    "DEAD_LETTER": "stopped until a person decides",
    "PAUSED": "paused until a person decides",
    "COMPLETE": "ended",
    "FAILED": "ended",
    "CANCELLED": "ended",
}
_RUNS = "SELECT * FROM runs WHERE id = ANY (%s)"
_MOVES = "SELECT * FROM transitions WHERE run_id = ANY (%s) ORDER BY run_id, seq"
_CALLS = "SELECT * FROM checkpoints WHERE run_id = ANY (%s) AND call_seq > 0 ORDER BY run_id, step_seq, call_seq"
_TASKS = """SELECT t.*, (SELECT count(*) FROM human_task_events e WHERE e.task_id = t.id AND e.event = 'completed') AS completions
FROM human_tasks t WHERE t.run_id = ANY (%s) ORDER BY t.created_at"""
_SIGNALS = "SELECT * FROM signals WHERE run_id = ANY (%s) AND body_hash <> '' ORDER BY seq"


class Checks:
    """Looks at everything and remembers what it saw, as some things may only change in one direction."""

    def __init__(self, world: World, attempts: Attempts) -> None:
        self._world, self._attempts = world, attempts
        self._calls: dict[tuple[UUID, int, int], Row] = {}
        self._consumed: dict[tuple[UUID, str], int] = {}
        self._verified: dict[UUID, tuple[Any, ...]] = {}

    def look(self) -> None:
        """Everything that must hold now."""
        runs = {run.id: run for run in self._attempts.model.runs}
        found = {name: self._world.rows(query, list(runs)) for name, query in _QUERIES.items()}
        by_run = {name: _by_run(rows, "id" if name == "runs" else "run_id") for name, rows in found.items()}
        for run_id, run in runs.items():
            (row,) = by_run["runs"][run_id]
            moves, calls = by_run["moves"].get(run_id, []), by_run["calls"].get(run_id, [])
            _check_moves(run, moves)
            _check_row(run, row, moves, calls)
            _check_tasks(run, by_run["tasks"].get(run_id, []))
            self._check_signals(run, row, by_run["signals"].get(run_id, []))
            for call in calls:
                self._check_call(run, call)
            self._check_kept(run, row)
        self._check_effects()

    def _check_call(self, run: Run, call: Row) -> None:
        place = (run.id, call["step_seq"], call["call_seq"])
        before, status = self._calls.get(place), call["status"]
        self._calls[place] = call
        verdicts = run.verdicts.get(place[1:], [])
        assert call["key_epoch"] == verdicts.count(False) or status == "COMPLETE", (
            f"{place}: the key of {call['key_epoch']}"
        )
        if before is None:
            return
        if before["status"] == "COMPLETE":
            same = ("status", "output_hash", "output", "idempotency_key", "completed_at", "lease_token")
            assert all(call[name] == before[name] for name in same), f"{place}: a result was overwritten"
        if is_open(before) and status == "FAILED":
            assert call["key_epoch"] > before["key_epoch"], f"{place}: what may have happened became FAILED"
        assert call["created_at"] == before["created_at"], f"{place}: it was begun at another time"

    def _check_effects(self) -> None:
        """Every effect at most once; what is COMPLETE happened, and what is FAILED did not."""
        side = self._attempts.other_side
        made = [(effect.run, effect.of) for effect in side.effects]
        twice = sorted({f"{of} by {run}" for run, of in made if made.count((run, of)) > 1})
        assert not twice, f"made more than once: {twice}"
        for place, call in self._calls.items():
            if call["name"] == "maze.read" or call["status"] in ("INTENT", "UNKNOWN"):
                continue
            happened = side.will_know(call["idempotency_key"])
            if call["status"] == "FAILED":
                assert not happened, f"{place}: FAILED, and yet it happened"
            else:
                assert happened, f"{place}: COMPLETE, and yet it never happened"

    def _check_signals(self, run: Run, row: Row, signals: Sequence[Row]) -> None:
        """Each is consumed by one step, and what nobody consumed is pending, in order."""
        assert {s["signal_id"]: s["name"] for s in signals} == {i: name for i, (name, _) in run.signals.items()}
        for one in signals:
            if (by := one["consumed_step_seq"]) is not None:
                assert self._consumed.setdefault((run.id, one["signal_id"]), by) == by, "a signal was consumed twice"
        if not run.ended:
            left = [one["name"] for one in signals if one["consumed_step_seq"] is None]
            assert row["pending_events"] == left, f"pending are {row['pending_events']}, unconsumed {left}"

    def _check_kept(self, run: Run, row: Row) -> None:
        """The chain holds, and `explain` names the one place the run is in; looked at when the run has changed."""
        now = (row["transition_seq"], row["pause_requested"], row["cancel_requested"], row["children_left"])
        if self._verified.get(run.id) == now:
            return
        self._verified[run.id] = now
        database = self._world.database
        verdict = database.transact(lambda db: verify(db, run.id))
        assert verdict.holds, f"run {run.number}: {verdict.broken}"
        seen = database.transact(lambda db: situation.read(db, run.id))
        told = explain(seen, self._world.settings)
        assert told.condition == PLACES.get(run.status, "waiting"), f"run {run.number} is {run.status}: {told}"
        assert "needs an operator" not in told.sentence, told.sentence


_QUERIES = {"runs": _RUNS, "moves": _MOVES, "calls": _CALLS, "tasks": _TASKS, "signals": _SIGNALS}


def _by_run(rows: Sequence[Row], column: str) -> dict[UUID, list[Row]]:
    found: dict[UUID, list[Row]] = {}
    for row in rows:
        found.setdefault(row[column], []).append(row)
    return found


def _check_moves(run: Run, moves: Sequence[Row]) -> None:
    """The history is the model's, without gaps, and each move of it is legal."""
    told = [(m.event, m.status, m.state, m.step_seq, m.attempt) for m in run.log]
    seen = [(m["event"], m["to_status"], m["to_state"], m["step_seq"], m["attempt"]) for m in moves]
    both = min(len(told), len(seen))
    first = next((n for n in range(both) if told[n] != seen[n]), both)
    assert told == seen, (
        f"run {run.number}, move {first + 1}: the model says {told[first:]}, the history {seen[first:]}"
    )
    assert [m["seq"] for m in moves] == list(range(1, len(moves) + 1)), "the sequence has a gap"
    for before, move in pairwise(moves):
        legal = LEGAL.get((move["from_status"], move["event"]), "").split()
        assert move["to_status"] in legal, f"{move['event']}: from {move['from_status']} to {move['to_status']}"
        assert (move["from_status"], move["from_state"]) == (before["to_status"], before["to_state"])
        grown = move["step_seq"] - before["step_seq"]
        assert grown in (0, 1), f"step_seq grew by {grown}"
        assert grown == 0 or move["to_status"] in ("READY", "PAUSED"), "step_seq grew although no state was entered"


def _check_row(run: Run, row: Row, moves: Sequence[Row], calls: Sequence[Row]) -> None:
    told: dict[str, Any] = {"state": run.state, "status": run.status, "step_seq": run.step_seq}
    if not run.ended:
        told |= {
            "attempt": run.attempt,
            "crash_attempts": run.crashes,
            "late_retries": run.late,
            "pending_events": run.pending,
            "pause_requested": run.pause,
            "cancel_requested": run.cancel,
            "children_left": run.left,
        }
        assert row["queue"].startswith("isolated.") == run.isolated, f"its queue is {row['queue']}"
        targets = {outcome: route["state"] for outcome, route in row["routes"].items()}
        stays = {outcome for outcome, route in row["routes"].items() if route.get("stays")}
        assert targets == {o: to or run.state for o, to in run.routes.items()}, f"its routes are {row['routes']}"
        assert stays == {o for o, to in run.routes.items() if not to}
    seen = {name: row[name] for name in told}
    assert seen == told, f"run {run.number} is {seen}, by the model {told}"
    assert (row["ready_at"] is not None) == (run.status == "READY")
    assert (row["finished_at"] is not None) == (run.status in ENDED)
    worker = run.holder.worker.rt.worker_id if run.holder is not None else None
    assert (row["worker_id"], row["lease_token"] is not None) == (worker, worker is not None), "another holds its lease"
    stands = any(c["name"] == "maze.pay" and c["status"] != "FAILED" for c in calls)
    assert (row["irreversible_since"] is not None) == stands, f"an irreversible intent stands: {stands}"
    at, move = moves[-1]["created_at"], run.log[-1]
    _check_time("wakes", row["wake_at"], at, move.wake)
    _check_time("expires", row["expires_at"], at, move.expires)


def _check_time(what: str, seen: datetime | None, since: datetime, wanted: float | None) -> None:
    assert (seen is None) == (wanted is None), f"{what} at {seen}, but should after {wanted}"
    if seen is not None and wanted is not None:
        off = (seen - since).total_seconds() - wanted
        assert abs(off) < 10, f"{what} {off:.1f} s later than it should"


def _check_tasks(run: Run, tasks: Sequence[Row]) -> None:
    """At most one is open, the right one; each was completed at most once, and completed for good."""
    still_open = [task["kind"] for task in tasks if task["status"] == "OPEN"]
    assert still_open == ([run.task] if run.task else []), f"open are {still_open}, by the model {run.task}"
    for task in tasks:
        assert task["completions"] == (1 if task["status"] == "COMPLETED" else 0), "a task was completed twice"
        assert (task["completed_by"] is not None) == (task["status"] == "COMPLETED")
