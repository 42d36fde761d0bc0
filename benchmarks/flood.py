"""How long short runs take while the workers are flooded with long ones, with local delivery and without it.

    python -m benchmarks.flood [--json] [--long 500] [--short 200] [--slots 16] [--rounds 3]

One worker of `--slots` threads. `--long` runs of a workflow whose steps take 10 ms each go on from step to step all the time; meanwhile
runs of another workflow, of two steps that take nothing, are started one after the other, some 50 ms apart. Each side is a
process of its own with servers of its own and the product's settings; the sides take turns, and the median round is shown.

p50_ms, p99_ms: from a short run's start to its end, in the database's clock. long_steps_per_s: what the flood did meanwhile.
cpu_s_per_1000: CPU seconds of worker, beat, Postgres and Redis per 1,000 steps, of both kinds. ratio: p99 with local delivery by p99
without it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that it can be started as a file, too

import psycopg
from pydantic import BaseModel

from app import client
from app.client import NewRun
from app.core.workflow import Step, Workflow
from app.settings import settings
from app.store.migrate import upgrade
from benchmarks.machine import cpu_seconds, hardware, machine, percentile, wait_for
from tests.support.roles import DECLARED

STEP_SECONDS = 0.01
APART_SECONDS = 0.05
SIDES = {"local": "true", "rung": "false"}
_ENDED = """SELECT extract(epoch FROM finished_at - created_at)::float8 * 1000 FROM runs
    WHERE workflow = 'short' AND finished_at IS NOT NULL"""
_FLOODED = "SELECT coalesce(sum(step_seq), 0) FROM runs WHERE workflow = 'long'"


class Count(BaseModel):
    """How many steps a run has done."""

    steps: int = 0


def _take_time(step: Any, data: Count) -> str:
    threading.Event().wait(STEP_SECONDS)
    data.steps += 1
    return "more" if data.steps < 100_000 else "done"


def _take_none(step: Any, data: Count) -> str:
    data.steps += 1
    return "done"


LONG = Workflow(
    name="long",
    version=1,
    data=Count,
    starts_at="WORKING",
    states=[Step("WORKING", does=_take_time, then={"more": "WORKING", "done": "COMPLETE"})],
)
SHORT = Workflow(
    name="short",
    version=1,
    data=Count,
    starts_at="ONE",
    states=[
        Step("ONE", does=_take_none, then={"done": "TWO"}),
        Step("TWO", does=_take_none, then={"done": "COMPLETE"}),
    ],
)


def flooded(side: str, *, long: int, short: int, slots: int) -> dict[str, float]:
    """The figures of one round of one side."""
    with machine() as here:
        postgres, redis = here.postgres(), here.redis("redis")
        upgrade(postgres.url(), DECLARED)
        env = {
            "LONGHAUL_DATABASE_URL": postgres.url(),
            "LONGHAUL_BROKER_URL": redis.url(),
            "LONGHAUL_WORKFLOWS": "benchmarks.flood:LONG,benchmarks.flood:SHORT",
            "LONGHAUL_DATA_DIR": str(here.folder / "data"),
            "LONGHAUL_LOCAL_DELIVERY": SIDES[side],
        }
        os.environ.update(env)
        settings.cache_clear()
        worker = here.celery("worker", "tasks", ["worker", "-n", "flooded@localhost", "-c", str(slots)], env)
        beat = here.celery("beat", "tasks", ["beat", "-s", "schedule", "--pidfile="], env)
        assert postgres.process is not None
        assert redis.process is not None
        used = [worker.pid, beat.pid, postgres.process.pid, redis.process.pid]
        with psycopg.connect(postgres.url(), autocommit=True) as db:

            def steps() -> int:
                row = db.execute(_FLOODED).fetchone()
                return int(row[0]) if row else 0

            client.ring_many(client.start_many(db, LONG, (NewRun(f"long {n}", Count()) for n in range(long))))
            wait_for(lambda: steps() > 6 * long, "the flood")
            before, began, cpu = steps(), time.monotonic(), cpu_seconds(used)
            for n in range(short):
                client.ring(client.start(db, SHORT, subject=f"short {n}", data=Count()))
                threading.Event().wait(random.uniform(0.5, 1.5) * APART_SECONDS)
            wait_for(lambda: len(db.execute(_ENDED).fetchall()) == short, "the short runs")
            seconds, done = time.monotonic() - began, steps() - before
            cpu = cpu_seconds(used) - cpu
            took = [row[0] for row in db.execute(_ENDED).fetchall()]
    return {
        "p50_ms": round(percentile(took, 0.5), 1),
        "p99_ms": round(percentile(took, 0.99), 1),
        "long_steps_per_s": round(done / seconds),
        "cpu_s_per_1000": round(cpu / (done + 2 * short) * 1000, 3),
    }


def measure(rounds: int, **sizes: int) -> dict[str, Any]:
    """The median of each figure of each side, the sides in turn, each round in a process of its own."""
    found: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    for n in range(rounds):
        for side in SIDES if n % 2 == 0 else reversed(SIDES):
            asked = [f"--{name}={value}" for name, value in sizes.items()]
            command = [sys.executable, "-m", "benchmarks.flood", "--side", side, *asked]
            told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
            found[side].append(json.loads(told.splitlines()[-1]))
    sides = {side: {name: median(r[name] for r in many) for name in many[0]} for side, many in found.items()}
    ratio = round(sides["local"]["p99_ms"] / sides["rung"]["p99_ms"], 2)
    p99s = {side: [r["p99_ms"] for r in many] for side, many in found.items()}
    return {"sides": sides, "ratio": ratio, "rounds_p99_ms": p99s, **sizes, "hardware": hardware()}


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--long", type=int, default=500, help="long runs")
    parser.add_argument("--short", type=int, default=200, help="short runs in a round")
    parser.add_argument("--slots", type=int, default=16, help="threads of the worker")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", choices=SIDES, help="one round of this side, as a line of JSON")
    asked = parser.parse_args(arguments)
    sizes = {"long": asked.long, "short": asked.short, "slots": asked.slots}
    if asked.side:
        print(json.dumps(flooded(asked.side, **sizes)))
        return
    result = measure(asked.rounds, **sizes)
    if asked.json:
        print(json.dumps(result))
        return
    print(
        f"{asked.short} short runs of two steps among {asked.long} long ones, {asked.slots} slots, on {result['hardware']}"
    )
    for side, figures in result["sides"].items():
        print(f"  {side:6} " + "  ".join(f"{name} {value:g}" for name, value in figures.items()))
    print(
        f"  p99 with local delivery is {result['ratio']:g} times that without it; by round: {result['rounds_p99_ms']}"
    )


if __name__ == "__main__":
    main()
