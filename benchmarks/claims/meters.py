"""What a load costs and what it waited for, read from the outside: processes, files, and the history of the runs."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import psutil

from benchmarks.claims.ground import Ground, bytes_below
from benchmarks.machine import cpu_seconds, cpu_seconds_of_all

_READER = "app.documents.fork_server"
_HELD_UP = """
SELECT regexp_replace(reason, '^Throttled: ', ''), count(*), count(DISTINCT run_id), sum(seconds)::float8 FROM (
    SELECT run_id, event, reason, extract(epoch FROM lead(created_at) OVER (PARTITION BY run_id ORDER BY seq) - created_at) AS seconds
    FROM transitions) moves
WHERE event = 'downstream throttled' GROUP BY 1 ORDER BY 4 DESC NULLS LAST"""
_SPENT = """
SELECT to_status, to_state, count(*), sum(seconds)::float8 FROM (
    SELECT to_status, to_state, extract(epoch FROM lead(created_at) OVER (PARTITION BY run_id ORDER BY seq) - created_at) AS seconds
    FROM transitions) moves
WHERE seconds IS NOT NULL GROUP BY 1, 2 HAVING sum(seconds) > 0 ORDER BY 4 DESC LIMIT 14"""


@dataclass(frozen=True, slots=True)
class Meters:
    """CPU seconds by who used them, and bytes by where they are, since the stack was started. of_all: of the whole machine."""

    database: float
    broker: float
    workers: float
    reader: float
    beat: float
    services: float
    office: float
    of_all: float
    database_bytes: float
    wal_bytes: float
    document_bytes: float

    def since(self, before: Meters) -> Meters:
        """What came since `before`."""
        return Meters(*(getattr(self, f.name) - getattr(before, f.name) for f in fields(Meters)))


CPU = ("database", "broker", "workers", "reader", "beat", "services", "office")
BYTES = ("database_bytes", "wal_bytes", "document_bytes")


def read(ground: Ground) -> Meters:
    """The meters now."""
    workers = ground.processes("worker")
    reader = sum(_reader(process) for process in workers)
    own = psutil.Process().cpu_times()
    return Meters(
        database=_servers(ground.postgres.process),
        broker=_servers(ground.redis.process),
        workers=cpu_seconds(c.process.pid for c in ground.commands if c.name.startswith("worker") and c.process)
        - reader,
        reader=reader,
        beat=cpu_seconds(p.pid for p in ground.processes("beat")),
        services=cpu_seconds(p.pid for p in ground.processes("payments")),
        office=own.user + own.system,
        of_all=cpu_seconds_of_all(),
        database_bytes=ground.one("SELECT pg_database_size(current_database())"),
        wal_bytes=ground.one("SELECT (pg_current_wal_insert_lsn() - '0/0')::float8"),
        document_bytes=bytes_below(ground.data / "documents"),
    )


def memory(ground: Ground) -> dict[str, dict[str, float]]:
    """MB by the name of a worker's command. peak: the most each of its processes ever had, added up, so that what a prefork
    parent shares with its children counts for each. shared: at the end, what several have divided among them.
    """
    names = sorted(c.name for c in ground.commands if c.name.startswith("worker"))
    own = {name: [p for p in ground.processes(name) if not _reads(p)] for name in names}
    return {
        name: {
            "peak": round(sum(_peak(p.pid) for p in processes) / 1024),
            "shared": round(sum(p.memory_full_info().pss for p in processes) / 2**20),
        }
        for name, processes in own.items()
    }


def held_up(ground: Ground) -> list[dict[str, Any]]:
    """By which limits runs were sent away: how often, how many runs, and for how many seconds altogether."""
    names = ("limit", "times", "runs", "seconds")
    return [dict(zip(names, row, strict=True)) for row in ground.db.execute(_HELD_UP).fetchall()]


def spent(ground: Ground) -> list[dict[str, Any]]:
    """Where runs spent their time, by status and state: seconds of all runs together, most first."""
    names = ("status", "state", "times", "seconds")
    return [dict(zip(names, row, strict=True)) for row in ground.db.execute(_SPENT).fetchall()]


def _servers(process: Any) -> float:
    return cpu_seconds([process.pid]) if process else 0.0


def _reader(process: psutil.Process) -> float:
    """CPU of the document readers that this process started: of their server with those that it reaped, or of servers that ended."""
    try:
        times = process.cpu_times()
        ended = times.children_user + times.children_system
        return ended + times.user + times.system if _reads(process) else ended
    except psutil.NoSuchProcess:
        return 0.0


def _reads(process: psutil.Process) -> bool:
    try:
        return _READER in process.cmdline()
    except psutil.NoSuchProcess:
        return True


def _peak(pid: int) -> int:
    """In KB."""
    try:
        with Path(f"/proc/{pid}/status").open() as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return 0
