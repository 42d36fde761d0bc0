"""Absurd: a task of twelve steps in Postgres; its schema by absurdctl, workers by its SDK, one connection a process."""

from __future__ import annotations

import sys
from typing import Any

import psycopg
from absurd_sdk import Absurd
from absurdctl import BUNDLED_SCHEMA_SQL

from benchmarks.sides.driver import Processes, Submitter, serve
from benchmarks.work import RESULT, STEPS, TEXT, work

QUEUE = "bench"
LOOKS_EVERY_SECONDS = 0.005


def twelve(params: dict[str, Any], context: Any) -> dict[str, Any]:
    """Twelve steps, each a checkpoint."""
    letter = params
    for n in range(STEPS):
        letter = context.step(f"step_{n + 1}", lambda before=letter: _step(before))
    return letter


def _step(letter: dict[str, Any]) -> dict[str, Any]:
    text, steps = work(letter["text"], letter["steps"])
    return {"text": text, "steps": steps}


def run_worker(url: str) -> None:
    """One worker process, until it is ended."""
    app = Absurd(url, queue_name=QUEUE)
    app.register_task("twelve")(twelve)
    app.start_worker(poll_interval=LOOKS_EVERY_SECONDS)


class AbsurdSystem(Submitter):
    """A running Absurd."""

    package = "absurd-sdk"

    def __init__(self, given: dict[str, Any], processes: Processes) -> None:
        with psycopg.connect(given["postgres"], autocommit=True) as db:
            db.execute(BUNDLED_SCHEMA_SQL)
        self._app = Absurd(given["postgres"], queue_name=QUEUE)
        self._app.create_queue()
        for _ in range(given["workers"]):
            processes.start_module("benchmarks.sides.absurd", "work", given["postgres"])

    def submit(self) -> Any:
        return self._app.spawn("twelve", {"text": TEXT, "steps": 0}, queue=QUEUE)["task_id"]

    def ended(self, run: Any) -> bool:
        found = self._app.fetch_task_result(run)
        assert found is not None
        assert found.state not in ("failed", "cancelled"), found
        assert found.state != "completed" or found.result == {"text": RESULT, "steps": STEPS}, found
        return bool(found.state == "completed")


if __name__ == "__main__":
    if sys.argv[1] == "work":
        run_worker(sys.argv[2])
    else:
        serve(AbsurdSystem, sys.argv[1:])
