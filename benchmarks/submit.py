"""How fast runs are started: one by one, many at once, and beside both what plain SQL needs to write the same rows.

    python -m benchmarks.submit [--json] [--runs 2000] [--rounds 5]

Each run has 1 KB of data and an idempotency key; each way writes `--runs` of them in one transaction, round by round in turn.
Ratios are of medians in the same run, so that the machine's speed cancels out; runs a second are for orientation.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that it can be started as a file, too

from app import client
from app.client import NewRun
from app.store.migrate import upgrade
from benchmarks.machine import hardware, machine
from benchmarks.work import TEXT
from benchmarks.workload import TWELVE, Letter
from tests.support.roles import DECLARED

Caller = psycopg.Connection[Any]

# The rows that a round wrote, once more under ids, subjects and keys of their own: one bit of each id is another.
_TWIN = "encode(set_bit(uuid_send({id}), 127, 1 - get_bit(uuid_send({id}), 127)), 'hex')"
_COPIED = {
    "runs": ("id", "subject LIKE %s", ("subject",)),
    "checkpoints": ("run_id", "run_id IN (SELECT id FROM runs WHERE subject LIKE %s)", ()),
    "transition_rows": ("run_id", "run_id IN (SELECT id FROM runs WHERE subject LIKE %s)", ()),
    "idempotency_keys": (None, "key LIKE %s", ("key",)),
}


def asked(round_name: str, runs: int) -> list[NewRun]:
    """Runs of a round of its own."""
    return [NewRun(f"{round_name} {n}", Letter(text=TEXT), key=f"{round_name} {n}") for n in range(runs)]


def one_by_one(db: Caller, round_name: str, runs: int) -> float:
    """Seconds of a call of `client.start` for each."""
    many = asked(round_name, runs)
    return _timed(
        db, lambda: [client.start(db, TWELVE, subject=new.subject, data=new.data, key=new.key) for new in many]
    )


def at_once(db: Caller, round_name: str, runs: int) -> float:
    """Seconds of one call of `client.start_many`."""
    many = asked(round_name, runs)
    return _timed(db, lambda: client.start_many(db, TWELVE, many))


def plain(db: Caller, round_name: str, runs: int) -> float:
    """Seconds of plain INSERTs of the rows that `at_once` wrote, out of tables in the server's own memory."""
    for table, (run_id, which, renamed) in _COPIED.items():
        changed = {run_id: _TWIN.format(id=run_id)} if run_id else {}
        changed |= {name: f"{name} || ' twin'" for name in renamed}
        values = ", ".join(f"'{column}', {value}" for column, value in changed.items())
        db.execute(
            f"CREATE TEMP TABLE twin_{table} AS SELECT (jsonb_populate_record(t, jsonb_build_object({values}))).* FROM {table} t"
            f" WHERE {which}",
            [f"{round_name} %"],
        )
    db.commit()
    seconds = _timed(db, lambda: [db.execute(f"INSERT INTO {table} SELECT * FROM twin_{table}") for table in _COPIED])
    for table in _COPIED:
        db.execute(f"DROP TABLE twin_{table}")
    db.commit()
    return seconds


def _timed(db: Caller, work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    db.commit()
    return time.perf_counter() - began


def measure(url: str, *, runs: int, rounds: int) -> dict[str, float]:
    """Runs a second of each way, and the ratios."""
    upgrade(url, DECLARED)
    took: dict[str, list[float]] = {"start": [], "start_many": [], "again": [], "plain": []}
    with psycopg.connect(url) as db:
        at_once(db, "warm", 200)
        one_by_one(db, "warmer", 200)
        for n in range(rounds):
            took["start"].append(one_by_one(db, f"one {n}", runs))
            took["start_many"].append(at_once(db, f"many {n}", runs))
            took["again"].append(at_once(db, f"many {n}", runs))
            took["plain"].append(plain(db, f"many {n}", runs))
    seconds = {way: median(times) for way, times in took.items()}
    return {f"{way}_per_second": round(runs / each) for way, each in seconds.items()} | {
        "start_many_to_start": round(seconds["start"] / seconds["start_many"], 1),
        "plain_to_start_many": round(seconds["start_many"] / seconds["plain"], 1),
    }


def main(arguments: list[str] | None = None) -> None:
    """Measure and say."""
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--json", action="store_true")
    given.add_argument("--runs", type=int, default=2_000)
    given.add_argument("--rounds", type=int, default=5)
    asked_for = given.parse_args(arguments)
    with machine() as here:
        found = measure(here.postgres().url(), runs=asked_for.runs, rounds=asked_for.rounds)
    if asked_for.json:
        print(json.dumps(found | {"runs": asked_for.runs, "hardware": hardware()}))
        return
    print(f"Runs started a second, {asked_for.runs:,} in a transaction, on {hardware()}")
    print(f"  start, one by one          {found['start_per_second']:>8,.0f}")
    print(
        f"  start_many                 {found['start_many_per_second']:>8,.0f}, {found['start_many_to_start']} times as many"
    )
    print(f"  start_many, all there      {found['again_per_second']:>8,.0f}")
    print(
        f"  plain INSERTs of the rows  {found['plain_per_second']:>8,.0f}, {found['plain_to_start_many']} times start_many"
    )


if __name__ == "__main__":
    main()
