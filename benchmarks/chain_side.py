"""The plain chain: its own Redis as broker and result backend, workers with a threads pool."""

from __future__ import annotations

import json
import os
import time
from datetime import datetime

from redis import Redis

from benchmarks.machine import Machine, wait_for
from benchmarks.workload import STEPS, TEXT


class ChainSide:
    """A running Celery app with nothing durable about it."""

    name = "celery_chain"

    def __init__(self, here: Machine, workers: int, threads: int) -> None:
        self._server = here.redis("chain-redis")
        env = {"BENCHMARK_BROKER_URL": self._server.url(0), "BENCHMARK_RESULT_BACKEND_URL": self._server.url(1)}
        os.environ.update(env)  # this process is the submitter, too
        from benchmarks.chain import app, step

        self._app, self._step = app, step
        arguments = ["worker", "-P", "threads", "-c", str(threads)]
        self._processes = [
            here.celery(f"chain-{n}", "benchmarks.chain", [*arguments, "-n", f"c{n}@localhost"], env)
            for n in range(workers)
        ]
        self._redis = Redis(unix_socket_path=str(self._server.socket_path), db=1)
        self._submitted: list[tuple[float, list[str]]] = []
        wait_for(lambda: len(app.control.ping(timeout=0.5)) == workers, "the chain's workers to answer")

    def pids(self) -> list[int]:
        return [pid for pid in (self._server.pid, *(p.pid for p in self._processes)) if pid]

    def submit(self, runs: int) -> None:
        from celery import chain

        self._submitted = []
        for _ in range(runs):
            twelve = chain(self._step.s({"text": TEXT, "steps": 0}), *(self._step.s() for _ in range(STEPS - 1)))
            at = time.time()
            result = twelve.apply_async()
            ids = []
            while result is not None:
                ids.append(result.id)
                result = result.parent
            self._submitted.append((at, ids[::-1]))

    def wait(self) -> None:
        last = [f"celery-task-meta-{ids[-1]}" for _, ids in self._submitted]
        wait_for(lambda: self._redis.exists(*last) == len(last), "every chain to end")

    def step_seconds(self) -> list[float]:
        times = []
        for at, ids in self._submitted:
            before = at
            for text in self._redis.mget([f"celery-task-meta-{task}" for task in ids]):
                assert text is not None, "a task of the chain left no result"
                meta = json.loads(text)
                assert meta["status"] == "SUCCESS", meta
                end = datetime.fromisoformat(meta["date_done"]).timestamp()
                times.append(end - before)
                before = end
        self._redis.flushdb()
        return times
