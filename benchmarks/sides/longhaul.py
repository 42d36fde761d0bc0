"""Longhaul as delivered: workers and beat by the commands of the README; runs are started by `app.client`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import psycopg

from app import client
from app.settings import settings
from app.store.migrate import upgrade
from benchmarks.sides.driver import Processes, Submitter, serve, wait_until
from benchmarks.work import STEPS, TEXT
from benchmarks.workload import TWELVE, Letter
from tests.support.roles import DECLARED

CELERY = str(Path(sys.executable).with_name("celery"))
_ENDED = """SELECT status, (SELECT count(*) FROM transitions WHERE run_id = r.id AND event IN ('step finished', 'ended'))
    FROM runs r WHERE id = %s"""


class Longhaul(Submitter):
    """A running Longhaul."""

    package = "longhaul"

    def __init__(self, given: dict[str, Any], processes: Processes) -> None:
        upgrade(given["postgres"], DECLARED)
        os.environ.update(
            LONGHAUL_DATABASE_URL=given["postgres"],
            LONGHAUL_BROKER_URL=given["redis"],
            LONGHAUL_WORKFLOWS="benchmarks.workload:TWELVE",
            LONGHAUL_DATA_DIR=str(Path.cwd() / "data"),
        )
        settings.cache_clear()
        for n in range(given["workers"]):
            processes.start(CELERY, "-A", "tasks", "worker", "-n", f"l{n}@localhost", "-c", str(given["threads"]))
        processes.start(CELERY, "-A", "tasks", "beat", "-s", "schedule", "--pidfile=")
        self._db = psycopg.connect(given["postgres"])
        self._looks = psycopg.connect(given["postgres"], autocommit=True)
        self._subjects = 0
        wait_until(lambda: self._one("SELECT count(*) FROM workers")[0] == given["workers"], every=0.05)

    def submit(self) -> Any:
        self._subjects += 1
        started = client.start(self._db, TWELVE, subject=str(self._subjects), data=Letter(text=TEXT))
        self._db.commit()
        client.ring(started)
        return started.run_id

    def ended(self, run: Any) -> bool:
        status, steps = self._one(_ENDED, run)
        assert status != "DEAD_LETTER", f"the run {run} is a dead letter"
        assert status != "COMPLETE" or steps == STEPS, f"{steps} steps instead of {STEPS}"
        return bool(status == "COMPLETE")

    def _one(self, query: str, *values: Any) -> Any:
        return self._looks.execute(query.encode(), values).fetchone()


if __name__ == "__main__":
    serve(Longhaul, sys.argv[1:])
