"""Whoever sends claims in and answers for people: a process of its own, by the functions behind the pages."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from app.application import workflows
from app.bootstrap import runtime
from app.core.errors import Refused
from app.humans.complete import complete
from app.insurance import intake
from app.insurance.demo.staff import DEMO_ADJUSTER, DEMO_SUPERVISOR
from app.settings import settings
from app.store.human_tasks import task_list
from app.store.human_tasks.rows import AgedTask
from app.store.human_tasks.task_list import TaskFilter
from benchmarks.claims.papers import MadeClaim

AT_ONCE = 4  # people at their desks
LOOK_SECONDS = 0.2


class Office:
    """Under the web's role. As a context it answers every task that is opened, as suggested."""

    def __init__(self) -> None:
        config = settings().model_copy(update={"log_level": "WARNING"})
        self._rt = runtime(workflows(config), role="web", config=config)
        self._closed = threading.Event()
        self._people = threading.Thread(target=self._work, daemon=True)
        self._problem: Exception | None = None
        self.answered = 0

    def __enter__(self) -> Office:
        self._people.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._people.join()
        self._rt.database.close()

    def send(self, claims: Sequence[MadeClaim]) -> list[UUID]:
        """Send all claims in; their runs."""
        with ThreadPoolExecutor(AT_ONCE) as senders:
            return list(senders.map(self._send, claims))

    def _send(self, claim: MadeClaim) -> UUID:
        return intake.submit(self._rt, claim.stated, claim.files, actor="benchmark").run_id

    def check(self) -> None:
        """Raises what kept people from answering."""
        if self._problem:
            raise self._problem

    def _work(self) -> None:
        try:
            self._answer_all()
        except Exception as problem:
            self._problem = problem

    def _answer_all(self) -> None:
        with ThreadPoolExecutor(AT_ONCE) as people:
            while not self._closed.wait(LOOK_SECONDS):
                tasks = self._rt.database.transact(
                    lambda db: task_list.whole(db, TaskFilter(roles=("adjuster", "supervisor")))
                )
                self.answered += sum(people.map(self._answer, tasks))

    def _answer(self, task: AgedTask) -> int:
        if task.role == "supervisor":
            by, outcome = DEMO_SUPERVISOR.username, next(o for o in task.outcomes if o != "refuse")
            values = {"comment": "as decided"}
        else:
            by, outcome = DEMO_ADJUSTER.username, "settle"
            # Where a finding speaks against it, no amount is suggested: then one is named, which a supervisor signs.
            values = {"comment": "as suggested", "amount": str(task.defaults.get("amount") or "100.00")}
        try:
            complete(self._rt, task.id, by=by, outcome=outcome, answer=values)
        except Refused:  # its run has moved on since the list was read
            return 0
        return 1
