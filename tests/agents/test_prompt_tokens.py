"""What a model is given does not grow with its run."""

from __future__ import annotations

from benchmarks.prompt_tokens import TOLERANCE, measure


def test_the_tokens_of_a_call_do_not_grow_with_the_run() -> None:
    rows = measure(30)
    later = [sent for step, sent, _ in rows if step >= 5]
    assert all(later) and max(later) <= later[0] * (1 + TOLERANCE)
    assert rows[-1][2] > 3 * later[-1], "the whole history would be several times as much"
