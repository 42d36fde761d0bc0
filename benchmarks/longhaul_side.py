"""Longhaul as delivered: its own Postgres and Redis, workers and beat by the commands of the README."""

from __future__ import annotations

import os
from itertools import pairwise
from uuid import UUID

import psycopg

from app import client
from app.settings import settings
from app.store.migrate import upgrade
from benchmarks.machine import Machine, wait_for
from benchmarks.workload import TEXT, TWELVE, Letter
from tests.support.roles import DECLARED

_ENDS = """SELECT t.run_id, extract(epoch FROM t.created_at)::float8 FROM transitions t JOIN runs r ON r.id = t.run_id
    WHERE r.subject LIKE %s AND t.event IN ('started', 'step finished', 'ended') ORDER BY t.run_id, t.seq"""


class LonghaulSide:
    """A running Longhaul."""

    name = "longhaul"

    def __init__(self, here: Machine, workers: int, threads: int) -> None:
        self._postgres, self._redis = here.postgres(), here.redis("longhaul-redis")
        self._url = self._postgres.url()
        upgrade(self._url, DECLARED)
        env = {
            "LONGHAUL_DATABASE_URL": self._url,
            "LONGHAUL_BROKER_URL": self._redis.url(),
            "LONGHAUL_WORKFLOWS": "benchmarks.workload:TWELVE",
            "LONGHAUL_DATA_DIR": str(here.folder / "data"),
        }
        os.environ.update(env)  # this process is the job that starts runs, by `app.client`
        settings.cache_clear()
        self._processes = [
            here.celery(f"longhaul-{n}", "tasks", ["worker", "-n", f"l{n}@localhost", "-c", str(threads)], env)
            for n in range(workers)
        ]
        self._processes.append(here.celery("longhaul-beat", "tasks", ["beat", "-s", "schedule", "--pidfile="], env))
        self._db = psycopg.connect(self._url, autocommit=True)
        self._round, self._under_way = 0, list[UUID]()
        wait_for(lambda: self._count("workers") == workers, "Longhaul's workers to register")

    def pids(self) -> list[int]:
        return [pid for pid in (self._postgres.pid, self._redis.pid, *(p.pid for p in self._processes)) if pid]

    def submit(self, runs: int) -> None:
        self._round += 1
        with psycopg.connect(self._url) as db:
            for n in range(runs):
                started = client.start(db, TWELVE, subject=f"{self._round}-{n}", data=Letter(text=TEXT))
                db.commit()
                client.ring(started)
                self._under_way.append(started.run_id)

    def wait(self) -> None:
        wait_for(self._all_ended, "every run to end")

    def _all_ended(self) -> bool:
        """Asks for one run at a time, by its id: the looking must not cost what the benchmark measures."""
        while self._under_way:
            row = self._db.execute("SELECT status FROM runs WHERE id = %s", [self._under_way[-1]]).fetchone()
            if row is None or row[0] not in ("COMPLETE", "DEAD_LETTER"):
                return False
            self._under_way.pop()
        return True

    def step_seconds(self) -> list[float]:
        rows = self._db.execute(_ENDS, [f"{self._round}-%"]).fetchall()
        return [at - before for (run, before), (same, at) in pairwise(rows) if run == same]

    def _count(self, what: str) -> int:
        row = self._db.execute(f"SELECT count(*) FROM {what}").fetchone()
        return int(row[0]) if row else 0
