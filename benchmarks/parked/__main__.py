"""What runs cost that wait for people, documents, times and children, and what a growing database costs those that do not.

    python -m benchmarks.parked [--json] [--runs 1000000] [--timers 100000] [--checkpoints 1000000 5000000] [--only sweeps …]

A database is filled with `--runs` that wait and a tenth as many that have ended: rows of runs that the engine itself worked off,
copied by SQL (`benchmarks/parked/filling.py`). Beside them:

sweeps: each sweep, and each look that is no sweep, in ms; the first of its turns, the median of the others and the longest.
idle: percent of a core that worker (16 threads), beat, database and Redis take while nothing happens, for `--idle` seconds.
signals: from before a signal is sent until a worker has the lease of the step it leads to.
timers: `--timers` due at once: until the last is woken, until all of them have ended; and how soon a run that is started
    meanwhile gets its first lease, in the same queue and in another, beside how soon it did before.
start_many: runs a second, 10,000 in one call.
growth: in a database of its own, CPU seconds of 1,000 steps (runs of twelve) on top of so many checkpoints, and the ratio
    to none; percent of rows that are dead and not vacuumed yet.

Takes 7 GB on the disk for a million runs, and as much for five million checkpoints, in /var/tmp.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # so that it can be started as a file, too

from app.store.migrate import upgrade
from benchmarks.machine import cpu_seconds_of_all, hardware, machine
from benchmarks.parked import filling, growth, sweeps, waking
from benchmarks.parked.fleet import fleet, idle
from benchmarks.submit import at_once
from tests.support.roles import DECLARED

STARTS = 10_000
PARTS = ("sweeps", "idle", "signals", "timers", "start_many", "growth")
Say = Callable[[str], None]


def parked(asked: argparse.Namespace, say: Say) -> dict[str, Any]:
    """What is measured beside the parked runs."""
    found: dict[str, Any] = {}
    with machine() as here:
        postgres, redis = here.postgres(), here.redis("redis")
        url, pid = postgres.url(), postgres.pid
        assert pid is not None
        upgrade(url, DECLARED)
        filling.fill(url, asked.runs, say=say)
        if "sweeps" in asked.only:
            say("sweeps")
            found["sweeps"] = sweeps.measure(url, rounds=asked.rounds)
        if {"idle", "signals", "timers"} & set(asked.only):
            with fleet(here, url, pid, redis) as of:
                for name, measure in (
                    ("idle", lambda: idle(of, asked.idle)),
                    ("signals", lambda: waking.signals(url, asked.signals)),
                    ("timers", lambda: waking.timers(url, asked.timers)),
                ):
                    if name in asked.only:
                        say(name)
                        found[name] = measure()
        if "start_many" in asked.only:
            say("start_many")
            with psycopg.connect(url) as db:
                at_once(db, "warm", 200)
                found["start_many"] = {"per_second": round(STARTS / at_once(db, "many", STARTS))}
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=20, help="turns of each sweep")
    parser.add_argument("--idle", type=float, default=60.0)
    parser.add_argument("--signals", type=int, default=300)
    parser.add_argument("--timers", type=int, default=100_000)
    parser.add_argument("--checkpoints", type=int, nargs="+", default=[1_000_000, 5_000_000])
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    asked = parser.parse_args(arguments)
    began, all_before = time.monotonic(), cpu_seconds_of_all()

    def say(what: str) -> None:
        if not asked.json:
            print(f"{time.monotonic() - began:6.0f} s  {what}", flush=True)

    found: dict[str, Any] = parked(asked, say) if set(asked.only) - {"growth"} else {}
    if "growth" in asked.only:
        with machine() as here:
            found["growth"] = growth.measure(here, [0, *asked.checkpoints], runs=150, rounds=3, say=say)
    load = (cpu_seconds_of_all() - all_before) / (time.monotonic() - began)
    found |= {"runs": asked.runs, "hardware": hardware(), "cores_busy": round(load, 1), "cores": os.cpu_count()}
    print(json.dumps(found) if asked.json else "\n".join(_lines(found)))


def _lines(found: dict[str, Any], indent: str = "") -> list[str]:
    """Each figure in a line, under what it is of."""
    lines = []
    for name, value in found.items():
        if isinstance(value, dict) and any(isinstance(one, dict) for one in value.values()):
            lines += [f"{indent}{name}", *_lines(value, indent + "  ")]
        elif isinstance(value, dict):
            lines.append(f"{indent}{name:24} " + ", ".join(f"{key} {one}" for key, one in value.items()))
        else:
            lines.append(f"{indent}{name:24} {value}")
    return lines


if __name__ == "__main__":
    main()
