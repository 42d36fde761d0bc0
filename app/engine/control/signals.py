"""Signals: a message from outside to a run, kept until a wait consumes it.

The law: under the run's lock, in one transaction, the signal is kept, its name is appended to the row's pending ones
(`pending_events`), and a run that waits for it is woken. A step that is just about to wait is guarded on them, so a
signal that comes during its advance turns the wait into READY. After an ending a signal is refused.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.core.canonical import digest
from app.core.errors import BadInput, KeyReused, Refused
from app.core.lifecycle import ENDED, EventKind, Status
from app.core.run import Event
from app.engine.runtime import Runtime
from app.engine.step import advance
from app.store.database import Connection
from app.store.runs import payloads, runs, signals


def signal(rt: Runtime, run_id: UUID, name: str, payload: Any, *, signal_id: str, actor: str) -> bool:
    """Send a signal. False if one of this id and body was kept before; KeyReused if its body was another; Refused after an ending."""
    if not name or len(name) > 100 or not signal_id or len(signal_id) > 200:
        raise BadInput("a signal needs a name of 1 to 100 and an id of 1 to 200 characters")
    text = payloads.boundary_text(payload, what="the signal's payload")
    kept, moved = rt.database.transact(lambda db: keep(db, run_id, name, text, signal_id=signal_id, actor=actor))
    advance.announce(rt, moved)
    return kept


def keep(
    db: Connection, run_id: UUID, name: str, text: str, *, signal_id: str, actor: str
) -> tuple[bool, list[advance.Moved]]:
    """Keep a signal inside a transaction: (it was new, the moves to announce after the commit)."""
    run = advance.lock_or_refuse(db, run_id)
    body = digest(name + text)
    if (before := signals.body_hash(db, run_id, signal_id)) is not None:
        if before != body:
            raise KeyReused(
                f"the signal id {signal_id!r} was used before with another body; send a new id for a new signal"
            )
        return False, []
    if run.status in ENDED:
        raise Refused(f"the run has ended as {run.status.value}; it takes no more signals")
    signals.insert(db, run_id, signal_id, name, text, body, actor)
    runs.note_signal(db, run_id, name)
    if run.status is not Status.WAITING_FOR_EVENT or name not in run.routes:
        return True, []
    fresh = advance.lock_or_refuse(db, run_id)
    happened = Event(kind=EventKind.SIGNALLED, actor=actor, reason=name, cause={"event": EventKind.SIGNALLED.value})
    return True, advance.apply(db, fresh, happened)
