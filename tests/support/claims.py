"""Claims for tests: the office that submits and answers them, and folders of documents as people send them."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from app.bootstrap import runtime
from app.engine.runtime import Runtime
from app.humans.complete import complete
from app.insurance import intake
from app.insurance.demo.samples import SampleClaim
from app.insurance.demo.staff import DEMO_ADJUSTER
from app.settings import Settings
from app.store.human_tasks import task_list
from app.store.human_tasks.rows import AgedTask
from app.store.human_tasks.task_list import TaskFilter
from app.store.runs import runs
from tests.support.dispatchers import SILENT_DISPATCHER
from tests.support.prepared_claims import samples, seed
from tests.support.stack import Stack
from workflows import WORKFLOWS


class Office:
    """A web process of its own: submits claims and answers tasks, in the test's process, under the web's role."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        data = stack.folder / "data"
        seed(stack.database_url, data)
        settings = Settings(
            database_url=stack.database_url,
            broker_url=stack.settings["BROKER_URL"],
            data_dir=data,
            payments_url=stack.payments.url,
            journal="direct",
            dispatcher=SILENT_DISPATCHER,  # until it is given the stack's bells, right after
        )
        self.rt: Runtime = runtime(WORKFLOWS, role="web", config=settings)
        self.rt.dispatcher = stack.bells

    def sample(self, scenario: str, nth: int = 0) -> SampleClaim:
        """The n-th sample claim of a scenario, its folder written."""
        return samples(self.stack.folder, scenario)[nth]

    def submit(self, folder: Path, key: str | None = None) -> UUID:
        """Submit a folder; the run's id."""
        return intake.submit_folder(self.rt, folder, key=key, actor="test").run_id

    def upload(self, run_id: UUID, *files: Path) -> None:
        """Add documents to a claim."""
        intake.upload(self.rt, run_id, [(path.name, path.read_bytes()) for path in files], actor="test")

    def task(self, run_id: UUID) -> AgedTask:
        """The open task of a run, once it is there."""
        return self.stack.wait(
            lambda: next(iter(self.rt.database.transact(lambda db: task_list.whole(db, TaskFilter(run=run_id)))), None),
            f"a human task of run {run_id}",
        )

    def settle(self, run_id: UUID) -> None:
        """The adjuster settles for what was suggested."""
        task = self.task(run_id)
        answer = {"comment": "as suggested", "amount": task.defaults["amount"]}
        complete(self.rt, task.id, by=DEMO_ADJUSTER.username, outcome="settle", answer=answer)

    def settled(self) -> UUID:
        """A clean claim, sent in, settled as suggested, and complete."""
        sample = self.sample("clean")
        run_id = self.submit(sample.folder, sample.key)
        self.settle(run_id)
        self.stack.until_complete(run_id)
        return run_id

    def data(self, run_id: UUID) -> Any:
        """The claim file as it is now."""
        return self.rt.database.transact(lambda db: runs.data_of(db, run_id))

    def close(self) -> None:
        self.rt.database.close()
