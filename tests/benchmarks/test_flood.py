"""What `python -m benchmarks.flood` measures by: short runs end among long ones on both sides. No figure is asserted."""

from __future__ import annotations

import pytest

from benchmarks.flood import SIDES, measure

pytestmark = pytest.mark.stack


def test_short_runs_end_among_long_ones_on_both_sides() -> None:
    result = measure(1, long=4, short=2, slots=2)
    assert set(result["sides"]) == set(SIDES)
    for side in result["sides"].values():
        assert side["p99_ms"] >= side["p50_ms"] > 0
        assert side["long_steps_per_s"] > 0
        assert side["cpu_s_per_1000"] > 0
    assert result["ratio"] > 0
