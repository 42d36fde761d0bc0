"""The benchmark of claims brings every claim to its end by the stack that `longhaul up` starts, and counts what that cost.

No figure is asserted: how fast a machine is, is no promise. It is a process of its own: it settles for itself which broker is rung.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.support.programs import PROJECT

pytestmark = pytest.mark.stack


def measured(load: str, count: int, **settings: str) -> dict[str, Any]:
    argv = [
        sys.executable,
        "-m",
        "benchmarks.claims",
        load,
        f"--{load}",
        str(count),
        "--answer-seconds",
        "0.05",
        "--json",
    ]
    env = {**os.environ, "PYTHONPATH": str(PROJECT), **settings}
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True, env=env, cwd=PROJECT, timeout=300)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])[load]
    return found


def test_claims_with_documents_are_read_by_the_model_answered_and_paid() -> None:
    found = measured("documents", 2)
    assert found["claims"] == 2
    assert found["answers"] >= 2, "a person settles each"
    assert all(found["cpu_s"][part] > 0 for part in ("all", "database", "workers", "reader"))
    assert all(each > 0 for each in found["bytes"].values())
    assert all(each["peak"] >= each["shared"] > 0 for each in found["memory_mb"].values())
    assert {(s["status"], s["state"]) for s in found["spent"]} >= {("RUNNING", "READING"), ("RUNNING", "ASSESSING")}


def test_claims_without_documents_ask_for_them_by_letter_and_what_held_them_up_is_told() -> None:
    found = measured("bare", 3, LONGHAUL_DOWNSTREAMS='{"letters": {"rate": "2/s"}}')
    assert found["answers"] == found["cpu_s"]["reader"] == 0
    assert found["bytes"]["document_bytes"] > 0, "the letters"
    assert "letters" in found["held_up"][0]["limit"]
    assert found["held_up"][0]["seconds"] > 0
