"""A person at work: what the web process does, in its own role."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

from app.engine.runtime import Runtime
from app.humans import complete
from app.store.database import Database
from app.store.human_tasks import task_list
from app.store.human_tasks.task_list import TaskFilter
from tests.support.journey import Travel


@contextmanager
def web_role(journey: Travel) -> Iterator[Runtime]:
    """A runtime in the role of the web."""
    database = Database(journey.url, "web")
    try:
        yield replace(journey.rt, database=database)
    finally:
        database.close()


def answer(journey: Travel, run_id: UUID) -> None:
    """Ada, an adjuster, answers the open task of a run."""
    with web_role(journey) as web:
        Travel(journey.url, web).enrol("ada", "adjuster")
        (task,) = web.database.transact(lambda db: task_list.whole(db, TaskFilter(run=run_id)))
        complete.complete(web, task.id, by="ada", outcome="approved", answer={"amount": "1.00"})
