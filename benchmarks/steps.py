"""Durable steps against a plain chain: how many per second, at what CPU, and how long one step takes.

    python -m benchmarks.steps [--json] [--runs 500] [--rounds 3] [--workers 2] [--threads 16]

Both sides do the work of `benchmarks.workload`, twelve steps of 1 KB in and 1 KB out, for all runs at once, with the
same number of worker processes and threads on the same machine, in alternating rounds. Longhaul runs as delivered:
Postgres with fsync, every step journaled, transitions chained, JSON logs, task events for Flower, beat with its sweeps.
The other side is a non-durable Celery `chain` with a Redis result backend.

steps_per_s: all steps of a round over the time from the first submission to the last step's end; the median round.
cpu_s_per_1000_steps: user and system time of every process of that side over its round (workers, beat, Postgres with
    its backends, Redis, and this process as submitter); the median round.
p50_ms, p99_ms: time per step, over all rounds. A step's time is from the end of the step before it, in the same run,
    to its own end (the first: from the run's submission), as recorded by each system at the moment the step ended.
    With all runs at once it is mostly the wait for a turn.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that it can be started as a file, too

from benchmarks.chain_side import ChainSide
from benchmarks.longhaul_side import LonghaulSide
from benchmarks.machine import cpu_seconds, hardware, machine, percentile
from benchmarks.workload import STEPS


class Side(Protocol):
    """One of the two systems, running."""

    name: str

    def pids(self) -> list[int]:
        """The roots of its process trees, this process excepted."""
        ...

    def submit(self, runs: int) -> None:
        """Submit so many runs, one after the other, as a job would."""
        ...

    def wait(self) -> None:
        """Return when every submitted run has ended."""
        ...

    def step_seconds(self) -> list[float]:
        """The time of each step of the last round. Raises AssertionError if a run did not do its twelve steps."""
        ...


@dataclass(frozen=True, slots=True)
class Round:
    """What one round measured."""

    wall: float
    cpu: float
    step_seconds: list[float]

    @property
    def steps(self) -> int:
        return len(self.step_seconds)


def measure(side: Side, runs: int) -> Round:
    """One round of one side."""
    cpu, own, started = cpu_seconds(side.pids()), time.process_time(), time.perf_counter()
    side.submit(runs)
    side.wait()
    wall = time.perf_counter() - started
    cpu = cpu_seconds(side.pids()) - cpu + time.process_time() - own
    round_ = Round(wall, cpu, side.step_seconds())
    assert round_.steps == runs * STEPS, f"{side.name}: {round_.steps} steps instead of {runs * STEPS}"
    return round_


def figures(rounds: list[Round]) -> dict[str, float]:
    """What is reported of one side."""
    times = [seconds * 1000 for round_ in rounds for seconds in round_.step_seconds]
    return {
        "steps_per_s": round(statistics.median(r.steps / r.wall for r in rounds), 1),
        "cpu_s_per_1000_steps": round(statistics.median(r.cpu / r.steps * 1000 for r in rounds), 3),
        "p50_ms": round(percentile(times, 0.5), 2),
        "p99_ms": round(percentile(times, 0.99), 2),
    }


def run(*, runs: int, rounds: int, workers: int, threads: int, say: bool) -> dict[str, dict[str, float]]:
    """Both sides in alternating rounds, after one small round each to warm up."""
    with machine() as here:
        sides: list[Side] = [LonghaulSide(here, workers, threads), ChainSide(here, workers, threads)]
        for side in sides:
            measure(side, max(20, runs // 5))
        measured: dict[str, list[Round]] = {side.name: [] for side in sides}
        for n in range(rounds):
            for side in sides if n % 2 == 0 else reversed(sides):
                done = measure(side, runs)
                measured[side.name].append(done)
                if say:
                    print(
                        f"round {n + 1} {side.name:13} {done.steps / done.wall:7.0f} steps/s "
                        f"{done.cpu / done.steps * 1000:6.2f} CPU s/1000"
                    )
        return {name: figures(done) for name, done in measured.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--runs", type=int, default=500, help="runs submitted at once")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each side")
    parser.add_argument("--workers", type=int, default=2, help="worker processes of each side")
    parser.add_argument("--threads", type=int, default=16, help="threads of each worker")
    options = parser.parse_args()
    result = run(
        runs=options.runs, rounds=options.rounds, workers=options.workers, threads=options.threads, say=not options.json
    )
    if options.json:
        print(json.dumps(result))
        return
    print(hardware())
    for name in next(iter(result.values())):
        print(f"{name:22} longhaul {result['longhaul'][name]:9} celery_chain {result['celery_chain'][name]:9}")


if __name__ == "__main__":
    main()
