"""What is mutated, and by which tests: the code that keeps laws, file by file, in the order of its worth."""

from __future__ import annotations

PURE = ("app/core/decide.py", "app/core/lifecycle.py")
"""Judged by tests that need no server: what a change of these lines is asked in CI."""

FILES = (
    *PURE,
    "app/store/runs/steps.py",
    "app/store/runs/intents.py",
    "app/store/runs/moves.py",
    "app/engine/calls/calls.py",
    "app/engine/calls/sending.py",
    "app/engine/calls/call_journal.py",
    "app/store/runs/runs.py",
    "app/store/runs/signals.py",
    "app/store/runs/verdicts.py",
    "app/store/human_tasks/human_tasks.py",
    "app/store/workers/workers.py",
    "app/store/workers/due.py",
    "app/store/ledger/actions.py",
    "app/store/sql/approvals.sql",
    "app/store/sql/ledger.sql",
    "app/store/sql/disputes.sql",
    "app/store/sql/took_part.sql",
    "app/store/sql/written_once.sql",
    "app/store/sql/downstreams.sql",
    "app/store/sql/forks.sql",
    "app/store/sql/carried.sql",
    "app/engine/step/advance.py",
    "app/engine/step/context.py",
    "app/engine/holdings.py",
    "app/engine/process/liveness.py",
    "app/sweeps/heartbeats.py",
    "app/sweeps/timers.py",
    "app/sweeps/watch.py",
    "app/sweeps/dispatch.py",
    "app/sweeps/human_tasks.py",
    "app/sweeps/retention.py",
    "app/sweeps/schedule.py",
    "app/sweeps/alerts.py",
    "app/sweeps/actions.py",
)

PURE_TESTS = ("tests/core",)
TESTS = ("tests/core", "tests/store", "tests/engine", "tests/sweeps", "tests/actions", "tests/humans")
"""Tests that work in their own process: what they reach is measured, and a broken module can be put under them.

Tests of real processes are no part of it: they are slow, and what they guard has its hand-made mutants.
"""
LEFT_OUT = "not guarantee and not stack and not browser and not rabbitmq"
