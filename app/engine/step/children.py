"""Starting children. The law: a child exists exactly if its parent waits for it, so both are one transaction."""

from __future__ import annotations

from collections.abc import Sequence

from app.core import ids
from app.core.canonical import canonical
from app.core.decide import decide
from app.core.errors import LeaseLost
from app.core.lifecycle import Status
from app.core.ports import Bell
from app.core.run import Event, Run, Transition
from app.core.values.durations import seconds
from app.core.workflow import ChildRun
from app.engine.runtime import Runtime
from app.engine.start import log_first
from app.engine.step import advance
from app.store.database import Connection
from app.store.runs import runs, starts
from app.store.runs.moves import Beside, was_mine


def park_with_children(
    rt: Runtime, run: Run, happened: Event, beside: Beside, children: Sequence[ChildRun], *, until: float
) -> None:
    """Park and start the children in one transaction: a child exists exactly if its parent waits for it."""

    def start(db: Connection, parent: Run, to: Transition) -> None:
        if to.status is Status.WAITING_FOR_CHILDREN:
            _insert(rt, db, parent, children)

    def work(db: Connection) -> list[advance.Moved]:
        fresh = runs.lock(db, run.id)
        if fresh is None or fresh.lease_token != run.lease_token:
            return []
        return advance.apply(db, fresh, happened, beside, also=start)

    moved = rt.journal.transact(work, until=until)
    if not moved:
        mine = rt.journal.transact(lambda db: db.execute(*was_mine(run, beside)).fetchone(), until=until)
        if mine is None:
            raise LeaseLost(f"run {run.id} step {run.step_seq}: the lease was taken away")
        moved = [advance.Moved.from_row(run, decide(run, happened), mine)]
    advance.announce(rt, moved, beside)
    bells = child_bells(rt, run, children)
    born = rt.journal.transact(lambda db: runs.births(db, run.id, run.step_seq), until=until)
    for bell in bells:
        if bell.run_id in born:  # none is, if the parent was cancelled at this very boundary
            log_first(bell.run_id, bell.state, f"run:{run.id}", born[bell.run_id])
    rt.dispatcher.ring(bells)


def _insert(rt: Runtime, db: Connection, parent: Run, children: Sequence[ChildRun]) -> None:
    """The children's rows, those of one workflow together."""
    for name in dict.fromkeys(child.workflow for child in children):
        definition = rt.workflows.newest(name)
        news = (
            starts.New(
                id=ids.child_id(parent.id, parent.step_seq, n), subject=child.subject, data=canonical(child.data)
            )
            for n, child in enumerate(children)
            if child.workflow == name
        )
        for some in starts.batches(news, lambda new: len(new.data)):
            db.execute(
                *starts.insertion(
                    some,
                    workflow=definition.name,
                    version=definition.version,
                    definition_hash=definition.definition_hash,
                    route=definition.route(definition.starts_at),
                    actor=f"run:{parent.id}",
                    expected_seconds=seconds(definition.expected),
                    token_budget=None,
                    parent=parent.id,
                    parent_step_seq=parent.step_seq,
                )
            )


def child_bells(rt: Runtime, run: Run, children: Sequence[ChildRun]) -> list[Bell]:
    """The doorbells of a step's children."""
    bells = []
    for n, child in enumerate(children):
        definition = rt.workflows.newest(child.workflow)
        route = definition.route(definition.starts_at)
        bells.append(Bell(ids.child_id(run.id, run.step_seq, n), 1, definition.name, route["state"], route["queue"]))
    return bells
