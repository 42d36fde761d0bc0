"""A worker and beat as a company runs them, over a database that is full already."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from app.settings import settings
from app.stack.servers.processes import ChildProcess
from app.stack.servers.redis import EmbeddedRedis
from benchmarks.machine import Machine, cpu_seconds, wait_for
from benchmarks.parked.workflow import NAMES

SETTLE_SECONDS = 20.0  # until what a start costs is over: each sweep once, the first looks, the first pings


class Fleet:
    """One worker of 16 threads, and beat. Its settings are those of this process, too."""

    def __init__(self, here: Machine, database_url: str, postgres_pid: int, redis: EmbeddedRedis) -> None:
        assert redis.pid is not None
        self.url = database_url
        env = {
            "LONGHAUL_DATABASE_URL": database_url,
            "LONGHAUL_BROKER_URL": redis.url(),
            "LONGHAUL_WORKFLOWS": NAMES,
            "LONGHAUL_DATA_DIR": str(here.folder / "data"),
        }
        os.environ.update(env)
        settings.cache_clear()
        self._processes: dict[str, ChildProcess] = {
            "worker": here.celery(
                "worker", "tasks", ["worker", "-n", "parked@localhost", "--without-gossip", "--without-mingle"], env
            ),
            "beat": here.celery("beat", "tasks", ["beat", "-s", "schedule", "--pidfile="], env),
        }
        self._pids = {"database": postgres_pid, "redis": redis.pid}
        self._pids |= {name: process.pid for name, process in self._processes.items()}
        with psycopg.connect(database_url, autocommit=True) as db:
            wait_for(
                lambda: db.execute("SELECT 1 FROM workers WHERE gone_at IS NULL").fetchone() is not None, "the worker"
            )

    def cpu(self) -> dict[str, float]:
        """CPU seconds so far, by who used them."""
        return {name: cpu_seconds([pid]) for name, pid in self._pids.items()}

    def end(self) -> None:
        """End both."""
        for process in self._processes.values():
            process.end(15, 10.0)


@contextmanager
def fleet(here: Machine, database_url: str, postgres_pid: int, redis: EmbeddedRedis) -> Iterator[Fleet]:
    """A fleet until the end of the block."""
    started = Fleet(here, database_url, postgres_pid, redis)
    try:
        yield started
    finally:
        started.end()


def idle(of: Fleet, seconds: float) -> dict[str, float]:
    """Percent of a core that each part takes while nothing is to be done."""
    pause = threading.Event()
    pause.wait(SETTLE_SECONDS)
    before = of.cpu()
    pause.wait(seconds)
    used = {name: round(100 * (now - before[name]) / seconds, 2) for name, now in of.cpu().items()}
    return used | {"sum": round(sum(used.values()), 2)}
