"""One side as it runs: its servers in a temporary folder, its program, and what both have cost so far."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import psutil
import psycopg

from app.stack.servers.postgres import EmbeddedPostgres
from app.stack.servers.redis import EmbeddedRedis
from benchmarks.machine import Machine, cpu_seconds
from benchmarks.sides import PROJECT, Side

CPU = ("postgres", "redis", "workers", "submitter")


class SideFailed(Exception):
    """A side's program ended; the message is the last line of its log."""


@dataclass(frozen=True, slots=True)
class Meters:
    """CPU seconds by who used them, bytes of the write-ahead log; each since the side was started, or of a round."""

    postgres: float = 0.0
    redis: float = 0.0
    workers: float = 0.0
    submitter: float = 0.0
    wal_bytes: float = 0.0

    @property
    def cpu(self) -> float:
        """CPU seconds of all."""
        return float(sum(getattr(self, part) for part in CPU))

    def since(self, before: Meters) -> Meters:
        """What came since `before`."""
        return Meters(*(getattr(self, f.name) - getattr(before, f.name) for f in fields(Meters)))

    def per(self, count: float) -> dict[str, float]:
        """Each, divided by `count`."""
        return {name: value / count for name, value in asdict(self).items()}


class RunningSide:
    """A side that has been started. Raises SideFailed wherever its program turns out to have ended."""

    def __init__(self, here: Machine, side: Side) -> None:
        self.postgres: EmbeddedPostgres | None = here.postgres() if "postgres" in side.servers else None
        self.redis: EmbeddedRedis | None = here.redis("redis") if "redis" in side.servers else None
        given: dict[str, Any] = dict(side.options)
        if self.postgres:
            given["postgres"] = self.postgres.url()
        if self.redis:
            given |= {"redis": self.redis.url(0), "redis_1": self.redis.url(1)}
        self.log = here.folder / f"{side.name}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [side.python, "-m", f"benchmarks.sides.{side.module}", json.dumps(given)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=here.folder,
                env={**os.environ, "PYTHONPATH": str(PROJECT)},
            )
        self.version = str(self._answer()["version"])

    def burst(self, runs: int) -> float:
        """Seconds for so many runs at once."""
        return float(self._ask({"burst": runs}))

    def idle(self, runs: int) -> list[float]:
        """Seconds of each of so many runs, one after the other."""
        return list(self._ask({"idle": runs}))

    def meters(self) -> Meters:
        """What it has cost since it was started."""
        submitter = psutil.Process(self.process.pid)
        times = submitter.cpu_times()
        wal = 0.0
        if self.postgres:
            with psycopg.connect(self.postgres.url(), autocommit=True) as db:
                row = db.execute("SELECT (pg_current_wal_insert_lsn() - '0/0')::float8").fetchone()
            assert row is not None
            (wal,) = row
        return Meters(
            postgres=_cpu(self.postgres),
            redis=_cpu(self.redis),
            workers=cpu_seconds(child.pid for child in submitter.children()),
            submitter=times.user + times.system,
            wal_bytes=wal,
        )

    def connections(self) -> int:
        """How many sessions its programs hold in Postgres."""
        if not self.postgres:
            return 0
        with psycopg.connect(self.postgres.url(), autocommit=True) as db:
            row = db.execute(
                "SELECT count(*) - 1 FROM pg_stat_activity WHERE backend_type = 'client backend'"
            ).fetchone()
        return int(row[0]) if row else 0

    def end(self) -> None:
        """End its program, which ends its workers."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            program = psutil.Process(self.process.pid)
            for process in [program, *program.children(recursive=True)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            self.process.wait()

    def _ask(self, question: dict[str, int]) -> Any:
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps(question), file=self.process.stdin, flush=True)
        return self._answer()["seconds"]

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        if not (line := self.process.stdout.readline()):
            self.end()
            raise SideFailed(_last_line(self.log))
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def running(here: Machine, side: Side) -> Iterator[RunningSide]:
    """A side, started, until the end of the block."""
    started = RunningSide(here, side)
    try:
        yield started
    finally:
        started.end()


def _cpu(server: EmbeddedPostgres | EmbeddedRedis | None) -> float:
    return cpu_seconds([server.pid]) if server and server.pid else 0.0


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else "its program ended without a word"
