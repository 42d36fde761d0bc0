"""Recovery: how long a run stands still when its worker is killed with -9.

    python -m benchmarks.recovery [--json] [--kills 30] [--workers 3] [--apart] [--hurried]

Each time, a run is started, one of the workers takes its step and is killed in the middle of it, and the time is taken
from the kill to the moment another worker has the step (its second "lease taken", in the database's clock, which is
this machine's). Settings are the product's defaults. The killed worker is started again, as a supervisor would have
it. Each kill waits until all but the worker started last are old enough to judge (15 s), so that whoever is killed,
one of the other two may. With `--hurried` it comes as soon as the restarted worker has registered, so that often the
only ones left are too young.

The workers are neighbours, who see the killed one end. With `--apart` each believes to be alone on its machine, as the
worker of a container is, and the others have its missing lock alone to go by.

p50_s, p99_s: over all kills, in seconds. worst_s: the longest. stages: the same of each stage: until the verdict
("worker lost"), from there until the run is ready again ("reassigned"), from there until its second lease.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from pydantic import BaseModel

from app import client
from app.core.workflow import Step, Workflow
from app.engine.process import identity
from app.settings import settings
from app.stack.servers.processes import ChildProcess
from app.store.migrate import upgrade
from benchmarks.machine import Machine, hardware, machine, percentile, wait_for
from tests.support.roles import DECLARED

GATE, APART = "LONGHAUL_BENCHMARK_GATE", "LONGHAUL_BENCHMARK_APART"
STAGES = {"verdict": "worker lost", "reassigned": "reassigned", "leased": "lease taken"}
if APART in os.environ:  # the workers import this for its workflow
    identity.own = lambda: None


class Nothing(BaseModel):
    """The run needs no data."""


def _stand(step: Any, data: Nothing) -> str:
    """In the middle of a step until the benchmark opens the gate for this run."""
    gate = Path(os.environ[GATE]) / str(step.subject)
    wait_for(gate.exists, "the gate")
    return "done"


STANDING = Workflow(
    name="standing",
    version=1,
    data=Nothing,
    starts_at="STANDING",
    states=[Step("STANDING", does=_stand, timeout="10m", then={"done": "COMPLETE"})],
)


class Fleet:
    """Workers and beat over one database, workers killed and started again."""

    def __init__(self, here: Machine, workers: int, *, apart: bool) -> None:
        self._here, self._count = here, workers
        postgres, redis = here.postgres(), here.redis("redis")
        upgrade(postgres.url(), DECLARED)
        self.gates = here.folder / "gates"
        self.gates.mkdir()
        self._env = {
            "LONGHAUL_DATABASE_URL": postgres.url(),
            "LONGHAUL_BROKER_URL": redis.url(),
            GATE: str(self.gates),
            "LONGHAUL_WORKFLOWS": "benchmarks.recovery:STANDING",
            "LONGHAUL_DATA_DIR": str(here.folder / "data"),
        }
        if apart:
            self._env[APART] = "yes"
        os.environ.update(self._env)
        settings.cache_clear()
        self.db = psycopg.connect(postgres.url(), autocommit=True)
        self._started = 0
        self._workers: list[ChildProcess] = []
        here.celery("beat", "tasks", ["beat", "-s", "schedule", "--pidfile="], self._env)

    def fill(self) -> None:
        """Start what is missing and wait until all have registered."""
        self._workers = [worker for worker in self._workers if worker.alive]
        while len(self._workers) < self._count:
            self._started += 1
            arguments = ["worker", "-n", f"r{self._started}@localhost", "-c", "4"]
            self._workers.append(self._here.celery(f"worker-{self._started}", "tasks", arguments, self._env))
        wait_for(lambda: self._registered() >= self._count, "the workers to register")

    def settle(self) -> None:
        """Wait until all workers but the one started last may judge."""
        age = settings().observer_age_seconds + 2
        query = (
            "SELECT count(*) FROM workers WHERE gone_at IS NULL AND started_at > app_now() - make_interval(secs => %s)"
        )
        wait_for(lambda: self.db.execute(query, [age]).fetchone() in ((0,), (1,)), "the observers to be old enough")

    def _registered(self) -> int:
        pids = [worker.pid for worker in self._workers]
        row = self.db.execute(
            "SELECT count(*) FROM workers WHERE gone_at IS NULL AND pid = ANY (%s)", [pids]
        ).fetchone()
        return int(row[0]) if row else 0

    def kill_once(self, subject: str) -> dict[str, float]:
        """Start a run, kill its worker in mid-step; seconds that each stage took until another worker has the step."""
        with psycopg.connect(self._env["LONGHAUL_DATABASE_URL"]) as db:
            started = client.start(db, STANDING, subject=subject, data=Nothing())
        client.ring(started)
        wait_for(lambda: bool(self._moves(started.run_id)), "the first lease", every=0.01)
        row = self.db.execute(
            "SELECT w.pid FROM runs r JOIN workers w ON w.id = r.worker_id WHERE r.id = %s", [started.run_id]
        ).fetchone()
        assert row is not None
        killed = time.time()
        os.kill(row[0], signal.SIGKILL)
        wait_for(lambda: len(self._moves(started.run_id)) == 1 + len(STAGES), "the step to go on elsewhere", every=0.01)
        (self.gates / subject).touch()
        _, *moves = self._moves(started.run_id)
        assert [event for event, _ in moves] == list(STAGES.values()), moves
        times = [killed, *(at for _, at in moves)]
        return {stage: times[n + 1] - times[n] for n, stage in enumerate(STAGES)}

    def _moves(self, run_id: UUID) -> list[tuple[str, float]]:
        """From its first lease on."""
        query = """SELECT event, extract(epoch FROM created_at)::float8 FROM transitions
                   WHERE run_id = %s AND event = ANY (%s) ORDER BY seq"""
        return self.db.execute(query, [run_id, list(STAGES.values())]).fetchall()


def measure(kills: int, workers: int, *, hurried: bool, apart: bool) -> dict[str, Any]:
    """Kill so many times; the figures of the module's docstring."""
    with machine() as here:
        fleet = Fleet(here, workers, apart=apart)
        stages: list[dict[str, float]] = []
        for n in range(kills):
            fleet.fill()
            if not hurried or n == 0:
                fleet.settle()
            stages.append(fleet.kill_once(f"kill-{n}"))
        fleet.db.close()
    times = [sum(one.values()) for one in stages]
    return {
        "kills": kills,
        "p50_s": round(percentile(times, 0.5), 3),
        "p99_s": round(percentile(times, 0.99), 3),
        "worst_s": round(max(times), 3),
        "stages": {stage: _spread([one[stage] for one in stages]) for stage in STAGES},
        "hardware": hardware(),
    }


def _spread(times: list[float]) -> dict[str, float]:
    return {"p50_s": round(percentile(times, 0.5), 3), "p99_s": round(percentile(times, 0.99), 3)}


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--apart", action="store_true", help="each worker as if alone on its machine")
    parser.add_argument("--hurried", action="store_true", help="kill again before the others may judge")
    asked = parser.parse_args(arguments)
    figures = measure(asked.kills, asked.workers, hurried=asked.hurried, apart=asked.apart)
    print(json.dumps(figures) if asked.json else "\n".join(f"{name:10} {value}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
