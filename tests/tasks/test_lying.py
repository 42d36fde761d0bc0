"""A broker says how many bells lie in a queue, so that a sweep knows how many more it may ring."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.conftest import BOTH_BROKERS
from tests.support.programs import PROJECT

_COUNTS = """
from app.core.ids import new_id
from app.core.ports import Bell
from tasks.dispatch import CeleryDispatcher
queue, dispatcher = "steps.nobody_serves.v1", CeleryDispatcher()
before = dispatcher.lying(queue)
rung = dispatcher.ring([Bell(new_id(), 1, "nobody_serves", "STATE", queue) for _ in range(3)])
print(before, rung, dispatcher.lying(queue))
"""


def _counts(broker_url: str) -> list[int]:
    env = {**os.environ, "LONGHAUL_BROKER_URL": broker_url, "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        [sys.executable, "-c", _COUNTS], env=env, capture_output=True, text=True, check=True, cwd=PROJECT, timeout=120
    )
    return [int(count) for count in done.stdout.split()]


@BOTH_BROKERS
def test_a_broker_says_how_many_bells_lie_in_a_queue(broker_url: str) -> None:
    before, rung, after = _counts(broker_url)
    assert (rung, after - before) == (3, 3)


def test_one_that_is_away_says_none() -> None:
    assert _counts("redis://127.0.0.1:1/0") == [0, 0, 0]
