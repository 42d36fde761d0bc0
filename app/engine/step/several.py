"""Moving several runs at once: each by its own guarded statement, all of them in one flush.

The law: a run that cannot be moved is told of, and keeps no other from moving. Their rows are locked by the transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app.core.decide import decide
from app.core.errors import LonghaulError, Refused
from app.core.lifecycle import ENDED
from app.core.run import Event, Run, Transition
from app.engine.step.advance import Moved, apply
from app.store.database import Connection, DatabaseError, execute, is_gone
from app.store.runs.moves import move

Told = Callable[[Run, Exception], None]


def apply_each(db: Connection, wanted: Sequence[tuple[Run, Event]], told: Told) -> list[Moved]:
    """Move these runs; those that moved. `told` hears of every other one why it did not.

    Nothing is rung and nothing logged: call `announce` after the commit.
    """
    together: list[tuple[Run, Event, Transition]] = []
    alone: list[tuple[Run, Event]] = []
    for run, happened in wanted:
        try:
            to = decide(run, happened)
        except LonghaulError as problem:
            told(run, problem)
            continue
        if run.parent_run_id is not None and to.status in ENDED:
            alone.append((run, happened))  # its parent goes on by what this one's statement answers
        else:
            together.append((run, happened, to))
    try:
        moved = _in_one_flush(db, [(run, to) for run, _, to in together], told)
    except DatabaseError as problem:
        if is_gone(problem):
            raise
        moved, alone = [], [*((run, happened) for run, happened, _ in together), *alone]
    for run, happened in alone:
        moved += _alone(db, run, happened, told)
    return moved


def _in_one_flush(db: Connection, some: Sequence[tuple[Run, Transition]], told: Told) -> list[Moved]:
    """Raises what the database says of any one of them; then none has moved."""
    with db.transaction(), db.pipeline():
        asked = [(run, to, execute(db, move(run, to))) for run, to in some]
        answers = [(run, to, cursor.fetchone()) for run, to, cursor in asked]
    for run, _, row in answers:
        if row is None:
            told(run, Refused(f"run {run.id} changed meanwhile; look again"))
    return [Moved.from_row(run, to, row) for run, to, row in answers if row is not None]


def _alone(db: Connection, run: Run, happened: Event, told: Told) -> list[Moved]:
    """One run behind a savepoint."""
    try:
        with db.transaction():
            return apply(db, run, happened)
    except (LonghaulError, DatabaseError) as problem:
        told(run, problem)
        return []
