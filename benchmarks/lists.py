"""The run list, the inbox and the overview with many runs: what a page costs with 100,000 of them against 1,000.

    python -m benchmarks.lists [--json] [--runs 100000] [--rounds 40]

A tenth of the runs waits for a person, each with an open task; the pages are rendered by the application itself, over HTTP
in this process. Ratios are of p95, so that the machine's speed cancels out; p95_ms is for orientation.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that it can be started as a file, too

from app.store.migrate import upgrade
from benchmarks.machine import hardware, machine
from benchmarks.visit import p95, signed_in, times
from tests.support.plans import fill
from tests.support.roles import DECLARED

FEW = 1000
PAGES = {
    "run list": "/runs",
    "run list, one status": "/runs?status=WAITING_FOR_HUMAN",
    "run list, a rare status": "/runs?status=DEAD_LETTER",
    "run list, one role": "/runs?role=adjuster",
    "run list, a claim number": "/runs?text=S-77",
    "inbox": "/inbox",
    "inbox, overdue": "/inbox?tab=overdue",
    "inbox, everything open": "/inbox?tab=all",
    "alerts": "/alerts",
    "overview": "/",
}
_SEEN = {"run list": "S-", "inbox": "data-row"}


def measure(url: str, folder: Path, *, runs: int, rounds: int) -> dict[str, dict[str, float]]:
    """By page, p95 in ms with `runs` runs, and its ratio to that with FEW."""
    upgrade(url, DECLARED)
    found = []
    for beyond, upto in ((0, FEW), (FEW, runs)):
        with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as db:
            fill(db, upto, beyond=beyond)
            db.execute("ANALYZE")
        with signed_in(url, folder, "adjuster", "operator", "auditor") as client:
            found.append({name: p95(each) for name, each in times(client, PAGES, rounds=rounds, least=_SEEN).items()})
    few, many = found
    return {name: {"p95_ms": round(many[name], 1), "to_few": round(many[name] / few[name], 2)} for name in PAGES}


def main(arguments: list[str] | None = None) -> None:
    """Measure and say."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--json", action="store_true")
    asked.add_argument("--runs", type=int, default=100_000)
    asked.add_argument("--rounds", type=int, default=40)
    given = asked.parse_args(arguments)
    with machine() as here:
        found = measure(here.postgres().url(), here.folder, runs=given.runs, rounds=given.rounds)
    if given.json:
        print(json.dumps({"pages": found, "runs": given.runs, "hardware": hardware()}))
        return
    print(f"Pages with {given.runs:,} runs, p95 of {given.rounds}, on {hardware()}")
    for name, each in found.items():
        print(f"  {name:<26} {each['p95_ms']:>7.1f} ms, {each['to_few']:>5.2f} times that with {FEW:,} runs")


if __name__ == "__main__":
    main()
