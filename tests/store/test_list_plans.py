"""What a list is narrowed to is found by its index: a filter that was not asked for is in no plan, nor in its way."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import psycopg

from app.store.database import Connection, connect
from app.store.human_tasks import task_list
from app.store.human_tasks.task_list import TaskFilter
from app.store.reads import alert_list, api_lists, run_list
from app.store.reads.run_list import RunFilter
from tests.support.plans import Query, fill, indexes, plans, whole_tables

ID = UUID(int=12)
QUEUE = TaskFilter(roles=("adjuster",), snoozed=False, as_one=True)
TASKS: dict[str, tuple[Callable[[Connection], object], set[str]]] = {
    "the queue": (lambda db: task_list.page(db, QUEUE, order="due", limit=50), {"human_tasks_queue"}),
    "its counts": (lambda db: task_list.counts(db, {"all": QUEUE}), set()),
    "what I hold": (lambda db: task_list.page(db, TaskFilter(holder="x"), order="due", limit=50), {"human_tasks_held"}),
    "of a run": (lambda db: task_list.page(db, TaskFilter(status=None, run=ID)), {"human_tasks_run"}),
    "alerts of a run": (lambda db: alert_list.of_run(db, ID), {"alerts_run"}),
    "an action": (lambda db: api_lists.actions(db, action=ID), set()),
}
RUNS: dict[str, tuple[RunFilter, set[str]]] = {
    "newest": (RunFilter(), {"runs_pkey"}),
    "of a role that has nothing": (RunFilter(role="siu"), {"human_tasks_open"}),
    "with an alert": (RunFilter(alert="over_duration"), {"alerts_open"}),
    "ready": (RunFilter(status=["READY"]), {"runs_ready"}),
}


def test_a_list_is_found_by_what_it_is_narrowed_to(database_url: str, asked: list[Query]) -> None:
    with psycopg.connect(database_url, autocommit=True) as owner:
        fill(owner, 20_000)
        owner.execute("VACUUM ANALYZE")
    wrong = []
    with connect(database_url, "web") as db:
        run_list.page(db, RunFilter(), limit=1)  # what SQLAlchemy asks of a server, it asks once
        for name, (look, needed) in TASKS.items():
            used, whole = _looked(db, asked, lambda look=look: look(db))  # type: ignore[misc]
            if whole or not needed <= used:
                wrong.append(f"{name} reads {whole} and uses {used}, not {needed}")
        for name, (wanted, needed) in RUNS.items():
            used, _ = _looked(db, asked, lambda wanted=wanted: run_list.page(db, wanted, limit=50))  # type: ignore[misc]
            if not needed <= used:
                wrong.append(f"runs: {name} uses {used}, not {needed}")
    assert not wrong, "\n".join(wrong)


def _looked(db: Connection, asked: list[Query], look: Callable[[], object]) -> tuple[set[str], list[str]]:
    """The indexes that a look uses, and the tables it reads whole."""
    asked.clear()
    look()
    found = [dict(plans(db, query))["custom"] for query in list(asked)]
    assert found, "nothing was asked"
    return (
        {index.strip("()") for plan in found for index in indexes(plan)},
        [table for plan in found for table in whole_tables(plan)],
    )
