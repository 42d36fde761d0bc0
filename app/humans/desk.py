"""Working at a human task before it is completed: claim, release, take over, delegate, snooze, unsnooze, comment, draft.

The law: each is one transaction: the guarded change and its line in the task's history. None of them moves a run, and
none can lose what somebody wrote: drafts are kept per person, comments for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from app.accounts import people
from app.accounts.people import Person
from app.accounts.rights import Right, require
from app.core.canonical import canonical
from app.core.errors import BadInput, NotEntitled, NotFound, Refused, Stale
from app.core.ids import new_id
from app.core.statuses import TaskStatus
from app.engine.runtime import Runtime
from app.humans import entitled
from app.store import clock
from app.store.database import Connection
from app.store.human_tasks import handling, human_tasks
from app.store.human_tasks.rows import TaskInRun
from app.store.runs import payloads

LONGEST_TEXT = 4000  # characters of a comment or a reason
T = TypeVar("T")


def claim(rt: Runtime, task_id: UUID, *, by: str) -> None:
    """Claim a task, so that others leave it alone; again renews it. Raises NotEntitled, Refused naming who has it."""

    def change(db: Connection, task: TaskInRun, me: Person) -> None:
        _entitled(task, me)
        if not handling.claim(db, task_id, by):
            raise Refused(_held(db, task))
        if task.claimed_by != by:
            _note(db, task, "claimed", by)

    _work(rt, task_id, by, change)


def release(rt: Runtime, task_id: UUID, *, by: str) -> None:
    """Release a claimed task to everybody of its role. Raises Refused if the person has not claimed it."""

    def change(db: Connection, task: TaskInRun, me: Person) -> None:
        if not handling.release(db, task_id, by):
            raise Refused("you have not claimed this task; it was released, taken over or completed")
        _note(db, task, "released", by)

    _work(rt, task_id, by, change)


def take_over(rt: Runtime, task_id: UUID, *, by: str, reason: str) -> None:
    """Take a task over from whoever claimed it: the right to take over, with a reason. The draft of the other stays theirs."""
    why = _text(reason, "reason")

    def change(db: Connection, task: TaskInRun, me: Person) -> None:
        require(rt, me, Right.TAKE_OVER)
        _entitled(task, me)
        _assign(db, task, to=by)
        _note(db, task, "taken over", by, {"from": task.claimed_by, "reason": why})

    _work(rt, task_id, by, change)


def delegate(rt: Runtime, task_id: UUID, *, by: str, to: str, reason: str) -> None:
    """Delegate a task to a colleague who may answer it: by whoever claimed it, or by whoever may take it over."""
    why = _text(reason, "reason")

    def change(db: Connection, task: TaskInRun, me: Person) -> None:
        if task.claimed_by != by:
            require(rt, me, Right.TAKE_OVER)
        other = people.find(db, to)
        if why_not := entitled.refusal(task, other):
            raise BadInput(f"to: {other.display_name} may not answer this task. Told to them: {why_not}")
        _assign(db, task, to=to)
        _note(db, task, "delegated", by, {"to": to, "reason": why})

    _work(rt, task_id, by, change)


def snooze(rt: Runtime, task_id: UUID, *, by: str, until: datetime, reason: str) -> None:
    """Snooze a task until a time with a zone: it stays the person's, and its clocks go on."""
    why = _text(reason, "reason")
    if until.tzinfo is None:
        raise BadInput("until: name the time zone, such as 2026-03-01T09:00:00+01:00")

    def change(db: Connection, task: TaskInRun, me: Person) -> None:
        _entitled(task, me)
        if until <= clock.now(db):
            raise Refused(f"{until.isoformat()} is past; snooze the task until a later time")
        if not handling.snooze(db, task_id, by, until=until, reason=why):
            raise Refused(_held(db, task))
        _note(db, task, "snoozed", by, {"until": until, "reason": why})

    _work(rt, task_id, by, change)


def unsnooze(rt: Runtime, task_id: UUID, *, by: str) -> None:
    """End a task's snooze before its time."""

    def change(db: Connection, task: TaskInRun, me: Person) -> None:
        _entitled(task, me)
        if task.snoozed_until is None:
            raise Refused("the task is not snoozed")
        if not handling.unsnooze(db, task_id, by):
            raise Refused(_held(db, task))
        _note(db, task, "unsnoozed", by)

    _work(rt, task_id, by, change)


def comment(rt: Runtime, task_id: UUID, *, by: str, body: str) -> UUID:
    """Note something for whoever works on the task or reads of it later: its id. It cannot be changed."""
    text, comment_id = _text(body, "comment"), new_id()

    def change(db: Connection, task: TaskInRun, me: Person) -> None:
        require(rt, me, Right.COMMENT)
        handling.add_comment(db, comment_id, task_id, by, text)
        _note(db, task, "commented", by)

    _work(rt, task_id, by, change, even_closed=True)
    return comment_id


def save_draft(rt: Runtime, task_id: UUID, *, by: str, draft: Mapping[str, str], seen: str | None = None) -> datetime:
    """Keep what a person has filled in so far (fields as typed); when. It renews their claim of the task.

    `seen`: when the draft that they had before them was kept, "" for none. Raises Stale where another was kept since,
    such as in another tab: neither text is written over without their word.
    """
    text = payloads.boundary_text(dict(draft), what="the draft")

    def change(db: Connection, task: TaskInRun, me: Person) -> datetime:
        _entitled(task, me)
        before = handling.draft(db, task_id, by)
        if seen is not None and before and before.updated_at.isoformat() != seen and before.draft != dict(draft):
            raise Stale(
                f"another draft of yours was saved at {before.updated_at:%H:%M:%S} UTC, in another tab or window"
            )
        at = handling.save_draft(db, task_id, by, text)
        if at is None:
            raise Refused(_held(db, task))
        return at

    return _work(rt, task_id, by, change)


def _work(
    rt: Runtime,
    task_id: UUID,
    by: str,
    change: Callable[[Connection, TaskInRun, Person], T],
    *,
    even_closed: bool = False,
) -> T:
    def work(db: Connection) -> T:
        handling.lock(db, task_id)
        task = human_tasks.read(db, task_id)
        if task is None:
            raise NotFound(f"there is no human task {task_id}")
        if task.status != TaskStatus.OPEN and not even_closed:
            raise Refused(_held(db, task))
        return change(db, task, people.find(db, by))

    return rt.database.transact(work)


def _assign(db: Connection, task: TaskInRun, *, to: str) -> None:
    if not handling.assign(db, task.id, to, holder=task.claimed_by):
        raise Refused(_held(db, task))


def _entitled(task: TaskInRun, person: Person) -> None:
    if why_not := entitled.refusal(task, person):
        raise NotEntitled(why_not)


def _held(db: Connection, task: TaskInRun) -> str:
    who = handling.holder(db, task.id)
    if task.status != TaskStatus.OPEN:
        return f"this task is {task.status.lower()} already; open it to see by whom and when"
    return f"{who} has claimed this task already" if who else "the task has changed meanwhile; open it again"


def _note(db: Connection, task: TaskInRun, event: str, by: str, detail: Mapping[str, Any] | None = None) -> None:
    human_tasks.add_event(
        db, task.id, task.run_id, event, f"person:{by}", canonical(dict(detail)) if detail is not None else None
    )


def _text(text: str, field: str) -> str:
    words = text.strip()
    if not 1 <= len(words) <= LONGEST_TEXT:
        raise BadInput(f"{field}: write 1 to {LONGEST_TEXT:,} characters; these are {len(words):,}")
    return words
