"""A chain of steps: the thread that ends a step takes the lease of the run's next one with the same write, and goes on.

The law: what is written is a move and a lease like any others, acknowledged before anything goes on: both transitions, and
the next step's checkpoint as its intent. The lease is held here before it is written, or a ping between would hand it
back; and what then may not be worked on is handed back at once. When a thread goes on: `app.engine.onward`.
"""

from __future__ import annotations

import time

from app.core.canonical import canonical, restore
from app.core.decide import decide
from app.core.errors import StoreUnavailable
from app.core.ids import new_token
from app.core.run import Event, Transition
from app.engine.holdings import Holding
from app.engine.onward import Taken
from app.engine.runtime import Runtime
from app.engine.step import advance
from app.store.journal.journal import Rows
from app.store.runs import runs, steps
from app.store.runs.moves import Beside, NextLease, move

NOT_BEGUN = "its thread did not begin with it"


def finish(rt: Runtime, taken: Taken, happened: Event, beside: Beside) -> None:
    """Move a run this process holds the lease of, and keep its next step for this thread where it goes on with that.

    Raises LeaseLost if the run is no longer ours.
    """
    to = decide(taken.run, happened)
    if not (rt.onward.wants(taken.run, to) and _go_on(rt, taken, to, beside)):
        advance.settle(rt, taken.run, happened, beside, until=taken.holding.until)


def _go_on(rt: Runtime, taken: Taken, to: Transition, beside: Beside) -> bool:
    """Move and lease at once. False if that was not written, or its lease stands no longer."""
    patience = rt.workflows.patience_seconds(taken.run.workflow, to.state)
    ahead = Holding(taken.run.id, to.step_seq, new_token(), time.monotonic() + patience)
    rt.holdings.add(ahead)
    try:
        lease = NextLease(ahead.token, rt.worker_id, patience, taken.head)
        following = _move_and_lease(rt, taken, to, beside, ahead, lease)
        ahead.leased = following is not None
    except StoreUnavailable:
        rt.holdings.give_up(ahead)
        raise
    finally:
        if not ahead.leased:
            rt.holdings.remove(ahead)
    if following is None:
        return False
    advance.log_move(advance.Moved(taken.run, to, following.run.transition_seq - 1, following.at, (), ()), beside)
    advance.log_lease(rt, following)
    # The write may have waited for the database for longer than the next step may take.
    if ahead.lost or time.monotonic() > ahead.until or not rt.onward.may_go_on():
        let_go(rt, following, "its process takes no more work")
    else:
        rt.onward.keep(following)
    return True


def _move_and_lease(
    rt: Runtime, taken: Taken, to: Transition, beside: Beside, ahead: Holding, lease: NextLease
) -> Taken | None:
    """One write; if it gave no row, a look whether an earlier try of it, whose answer was lost, had been committed."""
    until = taken.holding.until
    rows = rt.journal.write(taken.run.id, [move(taken.run, to, beside=beside, lease=lease)], until=until)[0]
    if rows:
        return taken.onward(to, ahead, rows[0], beside.data)
    written = steps.leased(taken.run.id, to.step_seq, ahead.token)
    return taken_by(ahead, *rt.journal.write(taken.run.id, written, until=until))


def taken_by(holding: Holding, rows: Rows, journal: Rows) -> Taken | None:
    """A lease as the statements that take it or find it gave it; None if they found none."""
    if not rows:
        return None
    own = [steps.as_checkpoint(row) for row in journal]
    data = canonical(restore(journal[0]["data"]))
    return Taken(holding, runs.as_run(rows[0]), rows[0]["transition_hash"], rows[0]["at"], own, data)


def begin(rt: Runtime) -> None:
    """This thread's slot was taken: from its first step on the thread goes on, until `end`."""
    if left := rt.onward.follow():
        let_go(rt, left, NOT_BEGUN)


def end(rt: Runtime) -> None:
    """This thread's slot is given back: what it kept and did not begin is handed back."""
    if left := rt.onward.end():
        let_go(rt, left, NOT_BEGUN)


def let_go(rt: Runtime, taken: Taken, reason: str) -> None:
    """Hand back a lease that nobody here works on."""
    advance.hand_back(rt, taken.holding, reason)
    rt.holdings.remove(taken.holding)
