"""Real claims on real pages: the insurance workflow worked on in this process, a web process and a browser beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from app.engine.runtime import Runtime
from app.insurance import intake
from app.insurance.demo.samples import SampleClaim
from app.store.database import connect
from app.store.human_tasks import task_list
from app.store.human_tasks.task_list import TaskFilter
from tests.support.browsing import serving
from tests.support.prepared_claims import PreparedClaims, prepared, running
from tests.support.working import work_off


@dataclass
class ClaimsDesk:
    """Claims, and whoever works on them. `site`: where the pages are."""

    url: str
    ground: PreparedClaims
    worker: Runtime
    site: str

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return self.ground.folder

    def sample(self, scenario: str) -> SampleClaim:
        """The first sample claim of a scenario, its folder written."""
        return self.ground.sample(scenario)

    def submit(self, scenario: str) -> UUID:
        """Send in a sample claim, and work on it until it waits for a person."""
        started = intake.submit_folder(self.worker, self.sample(scenario).folder, key=None, actor="test")
        self.work()
        return started.run_id

    def work(self) -> None:
        """Run every READY step until there is none."""
        work_off(self.worker)

    def status(self, run_id: UUID) -> str:
        """Where a run stands."""
        with connect(self.url, "owner") as db:
            row = db.execute("SELECT status FROM runs WHERE id = %s", [run_id]).fetchone()
        assert row is not None
        return str(row["status"])

    def task(self, run_id: UUID) -> UUID:
        """The newest task of a run."""
        with connect(self.url, "owner") as db:
            return task_list.page(db, TaskFilter(status=None, run=run_id))[-1].id

    def paid(self) -> list[tuple[object, ...]]:
        """What the payments service paid: payee and amount."""
        return self.ground.payments.rows("SELECT payee, amount FROM payments")


@contextmanager
def claims_desk(database_url: str, folder: Path, *, workflows: str = "") -> Iterator[ClaimsDesk]:
    """A desk of claims with nothing on it. `workflows`: others whose runs its pages show."""
    with prepared(database_url, folder) as ground, running(ground.config) as worker:
        settings = {"workflows": workflows, "payments_url": ground.payments.url}
        with serving(database_url, ground.config.data_dir, **settings) as site:
            yield ClaimsDesk(database_url, ground, worker, site)
