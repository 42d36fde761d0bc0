"""A prefork child never goes on by itself: it works on one step at a time, which is what `isolated` means."""

from __future__ import annotations

import pytest

from tests.support.stack import MakeStack
from tests.support.told import FORKED

pytestmark = pytest.mark.stack


@pytest.mark.parametrize("ring", [True, False], ids=["by a bell", "without a bell"])
def test_a_prefork_child_never_goes_on_by_itself(make_stack: MakeStack, ring: bool) -> None:
    stack = make_stack("told:FORKED", local_delivery=True)
    stack.workers(1, pools="documents,isolated")
    run_id = stack.start(FORKED, "forked", ring=ring)
    stack.until_complete(run_id)
    moves = stack.moves(run_id)
    finished = [move for move in moves if move["event"] == "step finished"]
    taken = [move for move in moves if move["event"] == "lease taken"][1:]
    assert len(finished) == len(taken) == 2
    for one, two in zip(finished, taken, strict=True):
        assert one["created_at"] < two["created_at"], "the child took the next lease with its move"
