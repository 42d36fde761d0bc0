"""The other side: a plain Celery app as its documentation has it, nothing durable. A chain of twelve tasks, JSON over
Redis, results in Redis; all settings are Celery's defaults but those that a threads pool needs.

    celery -A benchmarks.chain worker -P threads
"""

from __future__ import annotations

import os
from typing import Any

from celery import Celery

from benchmarks.workload import work

app = Celery(
    "chain", broker=os.environ.get("BENCHMARK_BROKER_URL"), backend=os.environ.get("BENCHMARK_RESULT_BACKEND_URL")
)
app.conf.update(result_backend_thread_safe=True, broker_connection_retry_on_startup=True)


@app.task(name="benchmark.step")  # type: ignore[untyped-decorator]
def step(letter: dict[str, Any]) -> dict[str, Any]:
    """One task of the chain."""
    text, steps = work(letter["text"], letter["steps"])
    return {"text": text, "steps": steps}
