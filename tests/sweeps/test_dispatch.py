"""Ringing never holds up whoever rings, whatever the broker does, and never raises."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis

from app.stack.servers.redis import EmbeddedRedis
from tests.conftest import scratch_folder
from tests.support.programs import PROJECT
from tests.support.waiting import wait_for

PATIENCE = 10.0  # seconds: one publishing time-out of 2 s, on a machine that is busy; whoever is held up waits for ever
FIRST = 30.0  # the first bell also loads the broker's client and connects


@pytest.fixture(params=["socket", "port"])
def broker(request: pytest.FixtureRequest) -> Iterator[EmbeddedRedis]:
    """A Redis of this test's own, reached by its socket or by TCP."""
    from app.stack.servers.ports import choose_port

    port = choose_port(7831, named_by=None) if request.param == "port" else None
    with scratch_folder("ringing") as folder:
        server = EmbeddedRedis(folder, port=port)
        server.start()
        yield server
        if server.process:
            server.process.send(signal.SIGCONT)
        server.stop()


class Ringer:
    """The submitter's process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ring(self, threads: int = 1, *, within: float = PATIENCE) -> int:
        """How many bells were taken; fails if any thread was held up."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(f"{threads}\n")
        self._process.stdin.flush()
        rung, seconds = self._process.stdout.readline().split()
        assert float(seconds) < within, f"a thread was held up for {seconds} s"
        return int(rung)


@contextmanager
def ringer(broker: EmbeddedRedis) -> Iterator[Ringer]:
    env = {
        **os.environ,
        "LONGHAUL_BROKER_URL": broker.url(),
        "LONGHAUL_POOLS": "steps,sweeps",
        "PYTHONPATH": str(PROJECT),
    }
    command = [sys.executable, "-m", "tests.sweeps.ringer"]
    with subprocess.Popen(
        command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PROJECT
    ) as process:
        yield Ringer(process)
        assert process.stdin
        process.stdin.close()


def test_a_submitter_is_never_held_up_by_its_broker(broker: EmbeddedRedis) -> None:
    with ringer(broker) as submitter:
        assert submitter.ring(8, within=FIRST) == 8
        assert broker.process is not None
        broker.process.send(signal.SIGSTOP)
        assert submitter.ring(12) == 0, "more threads than the pool has connections"
        assert submitter.ring(12) == 0
        broker.process.send(signal.SIGCONT)
        wait_for(lambda: submitter.ring() == 1, "bells to be taken again once the broker goes on")

        broker.kill()
        assert submitter.ring(4) == 0
        broker.start()
        wait_for(lambda: submitter.ring() == 1, "bells to be taken again by a new broker")


def test_a_bell_for_a_queue_this_process_does_not_serve_is_rung_all_the_same(broker: EmbeddedRedis) -> None:
    with ringer(broker) as submitter:
        assert submitter.ring(within=FIRST) == 1
    where = {"port": broker.port} if broker.port else {"unix_socket_path": str(broker.socket_path)}
    with redis.Redis(**where) as client:
        assert client.llen("longhaul:documents.elsewhere.v7") == 1
