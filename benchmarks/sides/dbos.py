"""DBOS: a workflow of twelve steps in Postgres, taken from a queue by several processes; the idle run by the process that starts it."""

from __future__ import annotations

import sys
import threading
from typing import Any

from dbos import DBOS

from benchmarks.sides.driver import Processes, Submitter, serve
from benchmarks.work import RESULT, STEPS, TEXT, work

QUEUE = "bench"
LOOKS_EVERY_SECONDS = 0.01


@DBOS.step()
def step(letter: dict[str, Any]) -> dict[str, Any]:
    """One step of the workflow."""
    text, steps = work(letter["text"], letter["steps"])
    return {"text": text, "steps": steps}


@DBOS.workflow()
def twelve(letter: dict[str, Any]) -> dict[str, Any]:
    """Twelve steps, each recorded."""
    for _ in range(STEPS):
        letter = step(letter)
    return letter


def launch(url: str, listen: list[str]) -> None:
    """Let this process take part; listen: the queues it takes workflows from."""
    DBOS(config={"name": "bench", "system_database_url": url, "log_level": "WARNING", "application_version": "1"})
    DBOS.listen_queues(listen)
    DBOS.launch()


class DbosSystem(Submitter):
    """A running DBOS."""

    package = "dbos"

    def __init__(self, given: dict[str, Any], processes: Processes) -> None:
        launch(given["postgres"], [])
        DBOS.register_queue(QUEUE, worker_concurrency=given["slots"], polling_interval_sec=LOOKS_EVERY_SECONDS)
        for _ in range(given["workers"]):
            processes.start_module("benchmarks.sides.dbos", "work", given["postgres"])

    def submit(self) -> Any:
        return DBOS.enqueue_workflow(QUEUE, twelve, {"text": TEXT, "steps": 0})

    def ended(self, run: Any) -> bool:
        status = run.get_status().status
        assert status in ("ENQUEUED", "PENDING", "SUCCESS"), status
        assert status != "SUCCESS" or run.get_result() == {"text": RESULT, "steps": STEPS}
        return bool(status == "SUCCESS")

    def alone(self) -> None:
        done = DBOS.start_workflow(twelve, {"text": TEXT, "steps": 0}).get_result()
        assert done == {"text": RESULT, "steps": STEPS}


if __name__ == "__main__":
    if sys.argv[1] == "work":
        launch(sys.argv[2], [QUEUE])
        threading.Event().wait()
    else:
        serve(DbosSystem, sys.argv[1:])
