"""What `make bench` measures by: each side does the work it is measured at, and every figure of the table comes of it. No figure is
asserted: how fast a machine is, is no promise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.performance import page
from benchmarks.sides import CHAIN, LONGHAUL, RESTATE
from benchmarks.steps import run, take_turns

pytestmark = pytest.mark.stack


def test_the_table_is_of_our_own_side_and_of_the_chain() -> None:
    result = run([LONGHAUL, CHAIN, RESTATE], runs=3, rounds=1, idle=2, probe_seconds=1)
    ours, chain = result["systems"]["longhaul"], result["systems"]["chain_threads"]
    for side in (ours, chain):
        assert all(side[key] > 0 for key in ("steps_per_s", "cpu_s_per_1000", "workers", "idle_p50_ms"))
        assert side["database"] >= 0, "three runs may take Redis less than the tick by which processor time is counted"
        assert side["idle_p99_ms"] >= side["idle_p50_ms"]
    assert ours["wal_bytes"] > 1000
    assert ours["connections"] > 0
    assert chain["wal_bytes"] == chain["connections"] == 0
    assert all(figure > 0 for figure in result["pgbench"].values())
    text = "\n".join(page.table(result))
    assert f"| **Longhaul {ours['version']}** | {ours['steps_per_s']:,} |" in text
    assert f"| Restate | not measured: {RESTATE.missing} |" in text
    assert page.of_cores(result)
    assert page.pictures(result)


def test_a_side_that_is_not_installed_or_cannot_start_is_missing_with_the_reason(tmp_path: Path) -> None:
    absent = replace(CHAIN, name="absent", python=f"{tmp_path}/python")
    broken = replace(CHAIN, name="broken", module="no_such_side", servers=())
    systems = take_turns([absent, broken], rounds=1, runs=1, idle=1, say=False)
    assert systems["absent"]["missing"] == "not installed"
    assert "no_such_side" in systems["broken"]["missing"]
