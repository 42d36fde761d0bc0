"""A worker that may not open what its slots can need raises its limit, or says so when it starts."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from app.engine.process import descriptors
from tests.support.programs import PROJECT

_PROGRAM = """
import json, resource, sys
from app.engine.process import descriptors
soft, hard, slots = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
print(json.dumps([descriptors.provide(slots), *resource.getrlimit(resource.RLIMIT_NOFILE)]))
"""


def _provided(soft: int, hard: int, slots: int) -> Any:
    """What a worker of so many slots says, and its limits then; in a process of its own, for they cannot be put back."""
    said = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(soft), str(hard), str(slots)],
        cwd=PROJECT,
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(said.stdout)


@pytest.mark.parametrize(
    ("soft", "hard", "slots", "then"), [(256, 512, 16, 256), (256, 512, 60, 512), (512, 512, 96, 512)]
)
def test_a_soft_limit_is_raised_where_that_suffices_and_else_left(soft: int, hard: int, slots: int, then: int) -> None:
    assert _provided(soft, hard, slots) == [None, then, hard]


def test_a_hard_limit_that_is_too_low_is_said_with_what_it_is_enough_for() -> None:
    said, *limits = _provided(256, 512, 1000)
    assert limits == [256, 512]
    assert said == (
        "1,000 slots can need 4,128 open files and connections; at most 512 are allowed, enough for 96 slots"
    )


def test_a_worker_that_nobody_gave_a_number_of_slots_has_so_many() -> None:
    import celeryconfig

    assert celeryconfig.worker_concurrency == descriptors.SLOTS
