"""The state strip is drawn from the definition: every state and every way, the way taken, and where the run stands."""

from __future__ import annotations

from itertools import pairwise

from app.web.runs.strip import HIGH, layers, strip
from tests.web.complaints import REVIEW
from workflows.insurance_claim import INSURANCE_CLAIM


def way(*states: str) -> list[tuple[str, str]]:
    return list(pairwise(states))


def test_every_state_and_every_way_is_drawn_once() -> None:
    drawn = strip(INSURANCE_CLAIM, [], "RECEIVED")
    defined = {(s.name, t) for s in INSURANCE_CLAIM.states for t in s.then.values()}
    assert {node.name for node in drawn.nodes} == {*INSURANCE_CLAIM.by_name, "COMPLETE"}
    assert len(drawn.edges) == len(defined)
    assert not any(edge.taken for edge in drawn.edges)
    places = {(node.x, node.y) for node in drawn.nodes}
    assert len(places) == len(drawn.nodes)
    assert all(0 <= node.x < drawn.width and node.y + HIGH <= drawn.height for node in drawn.nodes)


def test_the_way_taken_and_the_present_state_stand_out() -> None:
    drawn = strip(REVIEW, way("READING", "AWAITING_REVIEW"), "AWAITING_REVIEW")
    assert {node.name: node.look for node in drawn.nodes} == {
        "READING": "visited",
        "AWAITING_REVIEW": "current",
        "DECIDING": "ahead",
        "COMPLETE": "ahead",
    }
    assert [edge.taken for edge in drawn.edges] == [False, False, True], "the way taken is drawn last, on top"


def test_a_state_no_way_leads_to_comes_last() -> None:
    drawn = strip(REVIEW, way("READING", "WITHDRAWN"), "WITHDRAWN")
    last = max(drawn.nodes, key=lambda node: node.y)
    assert (last.name, last.look) == ("WITHDRAWN", "current") or last.name == "COMPLETE"
    assert "WITHDRAWN" in {node.name for node in drawn.nodes}


def test_ways_back_do_not_push_states_down_for_ever() -> None:
    assert layers("A", [("A", "B"), ("B", "C"), ("C", "A"), ("B", "A"), ("A", "C")]) == [["A"], ["B"], ["C"]]
