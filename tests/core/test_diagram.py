"""A diagram has every arrow there is, and no other."""

from __future__ import annotations

import re

from app.core.diagram import lifecycle_diagram, workflow_diagram
from app.core.lifecycle import ENDED, TABLE, Event, Status
from tests.support.journey import JOURNEY

ARROW = re.compile(r"\s+(\S+) --> (\S+?)(?:: (.+))?")


def _arrows(text: str) -> set[tuple[str, str, str]]:
    """(from, to, one of the ways)."""
    lines = [match for line in text.splitlines() if "-->" in line and (match := ARROW.fullmatch(line))]
    return {(m[1], m[2], way) for m in lines for way in (m[3] or "").split(", ")}


def test_the_lifecycle_is_drawn_whole() -> None:
    drawn = _arrows(lifecycle_diagram())
    table = {(s.value, to.value, e.value) for (s, e), targets in TABLE.items() for to in targets}
    begins_and_ends = {("[*]", "READY", "started")} | {(s.value, "[*]", "") for s in ENDED}
    assert drawn == table | begins_and_ends


def test_another_table_is_another_drawing() -> None:
    drawn = _arrows(lifecycle_diagram({(Status.READY, Event.PAUSED): frozenset({Status.PAUSED})}))
    assert ("READY", "PAUSED", "paused") in drawn
    assert not any(source == "RUNNING" for source, _, _ in drawn)


def test_a_workflow_is_drawn_whole() -> None:
    text = workflow_diagram(JOURNEY)
    outcomes = {(s.name, target, outcome) for s in JOURNEY.states for outcome, target in s.then.items()}
    assert _arrows(text) == outcomes | {("[*]", "GATHERING", ""), ("COMPLETE", "[*]", "")}
    assert text.startswith("stateDiagram-v2\n")
    assert 'state "ASKING<br/>adjuster answers, due in 48h" as ASKING' in text
    assert 'state "EXPECTING<br/>waits for letter, at most 14d" as EXPECTING' in text
    assert "FAILED --> [*]" not in text, "an ending that no outcome leads to is not drawn"
