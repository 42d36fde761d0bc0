"""Real claims on real pages: the insurance workflow worked on in this process, a web process and a browser beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from app.bootstrap import runtime
from app.engine.runtime import Runtime
from app.engine.step.step import run_step
from app.insurance import intake
from app.insurance.demo.samples import SampleClaim, generate
from app.insurance.demo.seed import prepare
from app.settings import Settings
from app.store.database import connect
from app.store.human_tasks import human_tasks
from tests.demo.payments_process import PaymentsProcess
from tests.support.claims import DAY
from tests.web.browsing import serving
from workflows import WORKFLOWS

UNRUNG = "tests.support.claims:Unrung"


@dataclass
class ClaimsDesk:
    """Claims, and whoever works on them. `site`: where the pages are."""

    url: str
    folder: Path
    payments: PaymentsProcess
    worker: Runtime
    site: str

    def sample(self, scenario: str) -> SampleClaim:
        """The first sample claim of a scenario, its folder written."""
        return next(c for c in generate(self.folder / "samples", today=DAY) if c.scenario == scenario)

    def submit(self, scenario: str) -> UUID:
        """Send in a sample claim, and work on it until it waits for a person."""
        started = intake.submit_folder(self.worker, self.sample(scenario).folder, key=None, actor="test")
        self.work()
        return started.run_id

    def work(self) -> None:
        """Run every READY step until there is none."""
        while True:
            with connect(self.url, "owner") as db:
                ready = db.execute(
                    "SELECT id, step_seq, workflow, state FROM runs WHERE status = 'READY' ORDER BY id"
                ).fetchall()
            if not ready:
                return
            for run in ready:
                run_step(self.worker, run["id"], run["step_seq"], workflow=run["workflow"], state=run["state"])

    def status(self, run_id: UUID) -> str:
        """Where a run stands."""
        with connect(self.url, "owner") as db:
            row = db.execute("SELECT status FROM runs WHERE id = %s", [run_id]).fetchone()
        assert row is not None
        return str(row["status"])

    def task(self, run_id: UUID) -> UUID:
        """The newest task of a run."""
        with connect(self.url, "owner") as db:
            task_id: UUID = human_tasks.of_run(db, run_id)[-1]["id"]
        return task_id

    def paid(self) -> list[tuple[object, ...]]:
        """What the payments service paid: payee and amount."""
        return self.payments.rows("SELECT payee, amount FROM payments")


@contextmanager
def claims_desk(database_url: str, folder: Path, *, workflows: str = "") -> Iterator[ClaimsDesk]:
    """A desk of claims with nothing on it. `workflows`: others whose runs its pages show."""
    data = folder / "data"
    data.mkdir(parents=True)
    (data / "samples.day").write_text(DAY.isoformat())
    prepare(database_url, data)
    payments = PaymentsProcess(folder / "payments.sqlite")
    payments.start()
    config = Settings(
        database_url=database_url,
        data_dir=data,
        payments_url=payments.url,
        journal="direct",
        dispatcher=UNRUNG,
        log_level="ERROR",
    )
    worker = runtime(WORKFLOWS, config=config)
    try:
        with serving(database_url, data, workflows=workflows, dispatcher=UNRUNG, payments_url=payments.url) as site:
            yield ClaimsDesk(database_url, folder, payments, worker, site)
    finally:
        worker.database.close()
        payments.stop()
