"""A plain Celery app as its documentation has it, nothing durable: a chain of twelve tasks, JSON over Redis, results in Redis; all
settings are Celery's defaults but those that a threads pool needs.

    celery -A benchmarks.sides.chain worker -P threads
"""

from __future__ import annotations

import os
import sys
from typing import Any

from celery import Celery, chain

from benchmarks.sides.driver import Processes, Submitter, serve, wait_until
from benchmarks.work import RESULT, STEPS, TEXT, work

app = Celery(
    "chain", broker=os.environ.get("BENCHMARK_BROKER_URL"), backend=os.environ.get("BENCHMARK_RESULT_BACKEND_URL")
)
app.conf.update(result_backend_thread_safe=True, broker_connection_retry_on_startup=True)


@app.task(name="benchmark.step")
def step(letter: dict[str, Any]) -> dict[str, Any]:
    """One task of the chain."""
    text, steps = work(letter["text"], letter["steps"])
    return {"text": text, "steps": steps}


class Chain(Submitter):
    """A running Celery app with nothing durable about it."""

    package = "celery"

    def __init__(self, given: dict[str, Any], processes: Processes) -> None:
        os.environ.update(BENCHMARK_BROKER_URL=given["redis"], BENCHMARK_RESULT_BACKEND_URL=given["redis_1"])
        app.conf.update(broker_url=given["redis"], result_backend=given["redis_1"])
        for n in range(given["workers"]):
            worker = ["-P", given["pool"], "-c", str(given["slots"]), "-n", f"c{n}@localhost"]
            processes.start_module("celery", "-A", "benchmarks.sides.chain", "worker", *worker)
        wait_until(lambda: len(app.control.ping(timeout=0.5)) == given["workers"], every=0.05)

    def submit(self) -> Any:
        return chain(step.s({"text": TEXT, "steps": 0}), *(step.s() for _ in range(STEPS - 1))).apply_async().id

    def ended(self, run: Any) -> bool:
        # Not AsyncResult: its subscription to each result would cost the submitter more than the looking.
        found = app.backend.get_task_meta(run, cache=False)
        assert found["status"] in ("PENDING", "SUCCESS"), found
        assert found["status"] == "PENDING" or found["result"] == {"text": RESULT, "steps": STEPS}, found
        return bool(found["status"] == "SUCCESS")


if __name__ == "__main__":
    serve(Chain, sys.argv[1:])
