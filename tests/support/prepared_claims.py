"""An installation of the insurance demo for a test: its policies and people in the database, a day, a payments service."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from pathlib import Path

from app.bootstrap import runtime
from app.engine.runtime import Runtime
from app.insurance.demo.samples import SampleClaim, generate
from app.insurance.demo.seed import prepare
from app.settings import Settings
from app.store.database import Role
from tests.demo.payments_process import PaymentsProcess
from tests.support.dispatchers import SILENT_DISPATCHER
from workflows import WORKFLOWS

DAY = date(2026, 11, 2)
"""The day the sample claims are made for."""


def seed(database_url: str, data: Path) -> None:
    """What the demo prepares, on that day."""
    data.mkdir(parents=True, exist_ok=True)
    (data / "samples.day").write_text(DAY.isoformat())
    prepare(database_url, data)


def samples(folder: Path, scenario: str) -> list[SampleClaim]:
    """The sample claims of a scenario, their folders in `folder`: written when first asked for, and the test's to change."""
    place = folder / "samples"
    if not place.exists():
        shutil.copytree(_written()[0].folder.parent, place)
    return [replace(claim, folder=place / claim.folder.name) for claim in _written() if claim.scenario == scenario]


@lru_cache(maxsize=1)
def _written() -> Sequence[SampleClaim]:
    """All sample claims, drawn once by this process: every test copies them."""
    folder = Path(tempfile.mkdtemp(prefix="longhaul-samples-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return generate(folder, today=DAY)


@dataclass(frozen=True)
class PreparedClaims:
    """What a claim needs to be worked on in this process."""

    folder: Path
    config: Settings
    payments: PaymentsProcess

    def sample(self, scenario: str) -> SampleClaim:
        """The first sample claim of a scenario."""
        return samples(self.folder, scenario)[0]


@contextmanager
def prepared(database_url: str, folder: Path) -> Iterator[PreparedClaims]:
    """A seeded database, and a payments service that ends with the block."""
    seed(database_url, folder / "data")
    payments = PaymentsProcess(folder / "payments.sqlite")
    payments.start()
    config = Settings(
        database_url=database_url,
        data_dir=folder / "data",
        payments_url=payments.url,
        journal="direct",
        dispatcher=SILENT_DISPATCHER,
        log_level="ERROR",
    )
    try:
        yield PreparedClaims(folder, config, payments)
    finally:
        payments.stop()


@contextmanager
def running(config: Settings, role: Role = "worker") -> Iterator[Runtime]:
    """A runtime of the insurance workflows in a role."""
    rt = runtime(WORKFLOWS, config=config, role=role)
    try:
        yield rt
    finally:
        rt.database.close()
