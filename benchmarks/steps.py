"""Durable steps of Longhaul beside a plain Celery chain and the durable engines that PyPI has.

    python -m benchmarks.steps [--json] [--keep] [--runs 300] [--rounds 5] [--idle 40] [--only longhaul absurd …]

Every side does the work of `benchmarks.work`: runs of twelve steps of 1 KB in and 1 KB out, all runs at once, each step's result
durable before the next step begins (the chain's is not). Sides take turns, in both directions; each round has servers and
processes of its own, made anew: Postgres with fsync and synchronous_commit on and the product's settings, Redis in memory.
What is reported is the median round.

steps_per_s: all steps of a round over the time from the first submission until the submitter has seen the last run's end.
cpu_s_per_1000: user and system time of all processes, per 1,000 steps; of it `database` (Postgres, Redis), `workers` (and beat),
    and `submitter`.
idle_p50_ms, idle_p99_ms: one run of twelve steps alone, from before its submission until its end is seen; over all rounds.
wal_bytes: of the write-ahead log, per step.

`--keep` writes the result to docs/performance/steps.json, and the table and pictures of docs/performance.md from it.
Every other result is compared with the kept one.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that it can be started as a file, too

from benchmarks.machine import cpu_seconds_of_all, hardware, machine, percentile
from benchmarks.performance import page
from benchmarks.performance.saturation import probe
from benchmarks.sides import SIDES, Side
from benchmarks.sides.running import CPU, SideFailed, running
from benchmarks.work import STEPS


@dataclass(frozen=True, slots=True)
class Round:
    """What one round measured. used: per step; others: cores that other programs took meanwhile."""

    version: str
    steps_per_s: float
    used: Mapping[str, float]
    idle_seconds: Sequence[float]
    connections: int
    others: float


def measure(side: Side, *, runs: int, idle: int) -> Round:
    """One round of one side, after a fifth of its runs to warm up. Raises SideFailed."""
    with machine() as here, running(here, side) as started:
        started.burst(max(2, runs // 5))
        before, all_before = started.meters(), cpu_seconds_of_all()
        seconds = started.burst(runs)
        used = started.meters().since(before)
        others = max(0.0, cpu_seconds_of_all() - all_before - used.cpu)
        return Round(
            version=started.version,
            steps_per_s=runs * STEPS / seconds,
            used=used.per(runs * STEPS),
            connections=started.connections(),
            others=others / seconds,
            idle_seconds=started.idle(idle),
        )


def figures(side: Side, rounds: Sequence[Round]) -> dict[str, Any]:
    """What is reported of one side."""
    used = {name: statistics.median(r.used[name] for r in rounds) for name in rounds[0].used}
    database = statistics.median(r.used["postgres"] + r.used["redis"] for r in rounds)
    whole = statistics.median(sum(r.used[part] for part in CPU) for r in rounds)
    alone = [seconds * 1000 for r in rounds for seconds in r.idle_seconds]
    return {
        "title": side.title,
        "version": rounds[0].version,
        "note": side.note,
        "steps_per_s": round(statistics.median(r.steps_per_s for r in rounds)),
        "rounds_steps_per_s": [round(r.steps_per_s) for r in rounds],
        "cpu_s_per_1000": round(whole * 1000, 3),
        "database": round(database * 1000, 3),
        "workers": round(used["workers"] * 1000, 3),
        "submitter": round(used["submitter"] * 1000, 3),
        "redis": round(used["redis"] * 1000, 3),
        "idle_p50_ms": round(percentile(alone, 0.5), 1),
        "idle_p99_ms": round(percentile(alone, 0.99), 1),
        "wal_bytes": round(used["wal_bytes"]),
        "connections": max(r.connections for r in rounds),
        "others_cores": round(statistics.median(r.others for r in rounds), 2),
    }


def take_turns(sides: Sequence[Side], *, rounds: int, runs: int, idle: int, say: bool) -> dict[str, Any]:
    """The figures of every side, by its name; one that cannot be measured has only `title` and `missing`, the reason."""
    missing = {side.name: side.missing for side in sides if side.missing}
    missing |= {s.name: "not installed" for s in sides if not s.missing and not Path(s.python).exists()}
    measured: dict[str, list[Round]] = {side.name: [] for side in sides}
    for n in range(rounds):
        for side in sides if n % 2 == 0 else reversed(sides):
            if side.name in missing:
                continue
            try:
                done = measure(side, runs=runs, idle=idle)
            except SideFailed as problem:
                missing[side.name] = str(problem)
                continue
            measured[side.name].append(done)
            if say:
                print(f"round {n + 1}  {side.title:28} {done.steps_per_s:7.0f} steps/s", flush=True)
    return {
        side.name: {"title": side.title, "missing": missing[side.name]}
        if side.name in missing
        else figures(side, measured[side.name])
        for side in sides
    }


def run(
    sides: Sequence[Side], *, runs: int, rounds: int, idle: int, probe_seconds: int = 4, say: bool = False
) -> dict[str, Any]:
    """The whole result: the machine, every side, and what pgbench says of the same disk and cores."""
    systems = take_turns(sides, rounds=rounds, runs=runs, idle=idle, say=say)
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "hardware": hardware(),
        "cores": os.cpu_count(),
        "runs": runs,
        "rounds": rounds,
        "idle_runs": idle * rounds,
        "systems": systems,
        "pgbench": probe(probe_seconds),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, compare, and keep where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument(
        "--keep", action="store_true", help="make it the result of the repository, and write docs/performance.md"
    )
    parser.add_argument("--runs", type=int, default=300, help="runs submitted at once")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each side")
    parser.add_argument("--idle", type=int, default=40, help="runs alone in each round")
    parser.add_argument("--only", nargs="+", choices=[s.name for s in SIDES], help="measure these sides alone")
    asked = parser.parse_args(arguments)
    if asked.keep and asked.only:
        parser.error("a result that is kept has every side")
    sides = [side for side in SIDES if not asked.only or side.name in asked.only]
    result = run(sides, runs=asked.runs, rounds=asked.rounds, idle=asked.idle, say=not asked.json)
    if asked.json:
        print(json.dumps(result))
    else:
        print("\n".join(["", *page.table(result), "", *page.compared(result, page.kept())]))
    if asked.keep:
        page.keep(result)


if __name__ == "__main__":
    main()
