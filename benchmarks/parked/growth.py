"""What a step costs on top of a million checkpoints, and of five."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import Any

import psycopg

from app import client
from app.client import NewRun
from app.store.migrate import upgrade
from benchmarks.machine import Machine, wait_for
from benchmarks.parked import filling
from benchmarks.parked.fleet import Fleet, fleet
from benchmarks.work import STEPS, TEXT
from benchmarks.workload import TWELVE, Letter
from tests.support.roles import DECLARED

TABLES = ("runs", "checkpoints", "transition_rows")
_ENDED = "SELECT count(*) FROM runs WHERE id = ANY (%s) AND status = 'COMPLETE'"  # by their keys: it runs beside what is measured
_COUNT = "SELECT count(*) FROM checkpoints WHERE run_id = %s"
_DEAD = """SELECT relname, round(100.0 * n_dead_tup / greatest(n_live_tup + n_dead_tup, 1), 1)::float8 FROM pg_stat_user_tables
    WHERE relname = ANY (%s)"""


def measure(
    here: Machine, sizes: Sequence[int], *, runs: int, rounds: int, say: Callable[[str], None]
) -> dict[str, dict[str, Any]]:
    """By how many checkpoints there are: CPU seconds of 1,000 steps, of the database and of the worker, the median of the rounds;
    both compared with the first size; and percent of the rows of each table that are dead and not vacuumed yet."""
    postgres, redis = here.postgres(), here.redis("redis")
    assert postgres.pid is not None
    upgrade(postgres.url(), DECLARED)
    (finished,) = filling.work_off(postgres.url(), TWELVE, Letter(text=TEXT[:100]))
    found: dict[str, dict[str, Any]] = {}
    done = 0
    with fleet(here, postgres.url(), postgres.pid, redis) as of, filling.connected(postgres.url()) as db:
        (each,) = db.execute(_COUNT, [finished]).fetchone() or (0,)
        for size in sizes:
            say(f"{size:,} checkpoints")
            filling.copy(db, [finished], size // each, oldest=90 * filling.DAY, beyond=done)
            done = size // each
            filling.settle(db)
            _burst(of, f"warm {size}", runs // 3)
            costs = [_burst(of, f"burst {size} {n}", runs) for n in range(rounds)]
            found[f"{size:,}"] = {
                part: round(statistics.median(c[part] for c in costs), 3) for part in ("database", "worker")
            }
            found[f"{size:,}"]["dead_percent"] = dict(db.execute(_DEAD, [list(TABLES)]).fetchall())
    first = next(iter(found.values()))
    for figures in found.values():
        figures |= {f"{part}_to_first": round(figures[part] / first[part], 2) for part in ("database", "worker")}
    return found


def _burst(of: Fleet, name: str, runs: int) -> dict[str, float]:
    """CPU seconds of 1,000 steps, by who used them, while so many runs go through theirs."""
    with psycopg.connect(of.url) as db:
        started = client.start_many(db, TWELVE, [NewRun(f"{name} {n}", Letter(text=TEXT)) for n in range(runs)])
        db.commit()
        before = of.cpu()
        client.ring_many(started)
        db.autocommit, ids = True, [one.run_id for one in started]
        wait_for(
            lambda: db.execute(_ENDED, [ids]).fetchone() == (runs,), "the runs to end", 0.2, patience_seconds=600.0
        )
    return {part: (now - before[part]) * 1000 / (runs * STEPS) for part, now in of.cpu().items()}
