"""Advance: decide, write, and only then tell anyone.

The law: `decide` is given the row as it was seen; the write is guarded on that sight. No row written means that
something changed: our own earlier write whose answer was lost (success), a flag or a signal (decide anew), or the
lease (LeaseLost: write nothing more).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.decide import decide
from app.core.errors import LeaseLost, LonghaulError, NotFound, Refused
from app.core.lifecycle import ENDED, EventKind, Status
from app.core.ports import Bell
from app.core.run import Event, Run, Transition
from app.engine.holdings import Holding
from app.engine.onward import Taken
from app.engine.runtime import Runtime
from app.store.database import Connection, DatabaseError, execute
from app.store.runs import runs
from app.store.runs.moves import Beside, move, was_mine
from app.telemetry import logs

Also = Callable[[Connection, Run, Transition], None]


@dataclass(frozen=True, slots=True)
class Moved:
    """A committed move: the transition's number and time, and the alerts it resolved and opened (rule, subject, message)."""

    run: Run
    to: Transition
    seq: int
    at: datetime
    resolved: Sequence[Mapping[str, str]]
    opened: Sequence[Mapping[str, str]]

    @classmethod
    def from_row(cls, run: Run, to: Transition, row: Mapping[str, Any]) -> Moved:
        """Of the row that the move's statement gave."""
        return cls(run, to, row["transition_seq"], row["at"], row.get("resolved") or (), row.get("opened") or ())

    def bell(self) -> Bell | None:
        """The doorbell to ring, if the move made the run ready."""
        if self.to.status is not Status.READY:
            return None
        return Bell(self.run.id, self.to.step_seq, self.run.workflow, self.to.state, self.to.queue)


def hand_back(rt: Runtime, holding: Holding, reason: str) -> None:
    """RUNNING -> READY under our own token, no attempt spent; somebody else may have it already."""

    def work(db: Connection) -> list[Moved]:
        run = runs.lock(db, holding.run_id)
        if run is None or run.lease_token != holding.token or run.status is not Status.RUNNING:
            return []
        return apply(db, run, Event(kind=EventKind.HANDED_BACK, actor=rt.actor, reason=reason))

    try:
        announce(rt, rt.database.transact(work))
    except (DatabaseError, LonghaulError) as problem:
        logs.event("hand_back_failed", run_id=str(holding.run_id), reason=str(problem))


def settle(rt: Runtime, run: Run, happened: Event, beside: Beside, *, until: float) -> Moved:
    """Move a run this process holds the lease of. Raises LeaseLost if it is no longer ours."""
    while True:
        to = decide(run, happened)
        if run.parent_run_id is not None and to.status in ENDED:
            moved = rt.journal.transact(lambda db: _end_child(db, run, to, beside), until=until)  # noqa: B023
        else:
            rows = rt.journal.write(run.id, [move(run, to, beside=beside)], until=until)[0]
            moved = [Moved.from_row(run, to, rows[0])] if rows else []
        if moved:
            announce(rt, moved, beside)
            return moved[0]
        fresh = _look_again(rt, run, to, beside, until)
        if isinstance(fresh, Moved):
            return fresh
        run = fresh


def _look_again(rt: Runtime, run: Run, to: Transition, beside: Beside, until: float) -> Run | Moved:
    """Nothing was written: was it written before, is the lease gone, or did the row change under the same lease?"""

    def look(db: Connection) -> tuple[Run | None, Any]:
        mine = db.execute(*was_mine(run, beside)).fetchone()
        return runs.read(db, run.id), mine

    fresh, mine = rt.journal.transact(look, until=until)
    if fresh is None or (mine is None and fresh.lease_token != run.lease_token):
        raise LeaseLost(f"run {run.id} step {run.step_seq}: the lease was taken away")
    if mine is None:
        return fresh
    moved = Moved.from_row(run, to, mine)
    announce(rt, [moved], beside)
    return moved


def apply(
    db: Connection, run: Run, happened: Event, beside: Beside | None = None, also: Also | None = None
) -> list[Moved]:
    """Move a run whose row is locked by this transaction; its parent too, if it was a child and ended.

    Nothing is rung and nothing logged: call `announce` after the commit. Raises IllegalTransition or Refused.
    """
    to = decide(run, happened)
    beside = beside or Beside()
    if run.parent_run_id is not None and to.status in ENDED:
        moved = _end_child(db, run, to, beside)
    else:
        row = execute(db, move(run, to, beside=beside)).fetchone()
        moved = [Moved.from_row(run, to, row)] if row else []
    if not moved:
        raise Refused(f"run {run.id} changed meanwhile; look again")
    if also:
        also(db, run, to)
    return moved


def _end_child(db: Connection, run: Run, to: Transition, beside: Beside) -> list[Moved]:
    """A child's ending, then its parent's count: the one place where the lock order is child, then parent."""
    row = execute(db, move(run, to, beside=beside)).fetchone()
    if row is None:
        return []
    moved = [Moved.from_row(run, to, row)]
    assert run.parent_run_id is not None and run.parent_step_seq is not None
    left = runs.child_ended(db, run.parent_run_id, run.parent_step_seq)
    if left == 0:
        parent = runs.lock(db, run.parent_run_id)
        assert parent is not None
        happened = Event(
            kind=EventKind.CHILDREN_ENDED,
            actor=f"run:{run.id}",
            reason="the last child ended",
            cause={"event": EventKind.CHILDREN_ENDED.value, "step_seq": run.parent_step_seq},
        )
        moved += apply(db, parent, happened)
    return moved


def announce(rt: Runtime, moved: Sequence[Moved], beside: Beside | None = None) -> None:
    """After the commit: one log line per transition and per alert it opened or resolved, then the doorbells."""
    tell(moved, beside)
    ring(rt, moved)


def tell(moved: Sequence[Moved], beside: Beside | None = None) -> None:
    """The log lines alone, for who rings otherwise."""
    for n, m in enumerate(moved):
        log_move(m, beside if n == 0 else None)
        _log_alerts(m)


def log_lease(rt: Runtime, taken: Taken) -> None:
    run = taken.run
    logs.transition(
        run.id,
        run.state,
        at=taken.at,
        seq=run.transition_seq,
        name=EventKind.LEASE_TAKEN.value,
        from_status=Status.READY.value,
        to_status=Status.RUNNING.value,
        to_state=run.state,
        actor=rt.actor,
        reason=None,
    )


def log_move(m: Moved, beside: Beside | None) -> None:
    logs.transition(
        m.run.id,
        m.run.state,
        at=m.at,
        seq=m.seq,
        name=m.to.event.value,
        from_status=m.run.status.value,
        to_status=m.to.status.value,
        to_state=m.to.state,
        actor=m.to.actor,
        reason=m.to.reason,
        latency_ms=beside.latency_ms if beside else None,
        output=runs.restore_text(beside.output) if beside and beside.output else None,
    )


def _log_alerts(m: Moved) -> None:
    for what, alerts in (("resolved", m.resolved), ("opened", m.opened)):
        for alert in alerts:
            logs.alert(what, run_id=m.run.id, **alert)


def ring(rt: Runtime, moved: Sequence[Moved]) -> None:
    bells = [bell for m in moved if (bell := m.bell())]
    if bells:
        rt.dispatcher.ring(bells)


def lock_or_refuse(db: Connection, run_id: UUID) -> Run:
    """The run, locked. Raises NotFound."""
    run = runs.lock(db, run_id)
    if run is None:
        raise NotFound(f"there is no run {run_id}")
    return run
