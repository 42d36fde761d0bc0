"""A worker looks for garbage seldom, but it does."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.support.programs import PROJECT

_PROGRAM = """
import gc, json
from app.engine.process import garbage
class Knot:
    alive = 0
    def __init__(self):
        self.held, self.payload = [self], "x" * 100
        Knot.alive += 1
    def __del__(self):
        Knot.alive -= 1
old = Knot()
garbage.begin()
most, looks = 0, gc.get_stats()
for _ in range(500_000):
    Knot()
    most = max(most, Knot.alive)
made = [now["collections"] - before["collections"] for now, before in zip(gc.get_stats(), looks)]
print(json.dumps([most, sum(made), gc.get_freeze_count()]))
"""


def test_a_worker_frees_what_holds_itself_after_few_looks_and_none_at_what_was_loaded() -> None:
    said = subprocess.run([sys.executable, "-c", _PROGRAM], cwd=PROJECT, check=True, capture_output=True, text=True)
    most_alive, looks, loaded = json.loads(said.stdout)
    assert most_alive < 20_000
    assert looks < 200
    assert loaded > 1_000
