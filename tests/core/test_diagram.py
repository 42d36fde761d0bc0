"""A diagram has every arrow there is, and no other."""

from __future__ import annotations

import re
from typing import Any

import pytest

from app.core.diagram import lifecycle_diagram, workflow_diagram
from app.core.lifecycle import ENDED, TABLE, EventKind, Status
from app.core.workflow import Step, Wait, Workflow
from tests.support.journey import JOURNEY, Luggage
from workflows.document_reading import DOCUMENT_READING
from workflows.insurance_claim import INSURANCE_CLAIM

ARROW = re.compile(r"\s+(\S+) --> (\S+?)(?:: (.+))?")
# What Mermaid 11's own parser was seen to read as meant: nothing else may be drawn.
TEXT = r"(?!.*(?i:direction\s+(?:TB|BT|LR|RL)))[^\":;#<>{}\r\n]*"
ID = r"(?!(?:STATE|NOTE|SCALE|CLASS|STYLE|CLASSDEF|CLICK|DEFAULT|HREF|ACCTITLE|ACCDESCR|STATEDIAGRAM)\b)(?:s_)?[A-Z][A-Z0-9_]*"
LINE = re.compile(
    rf"""    (?:%% \w+ v\d+|state "{TEXT}(?:<br/>{TEXT})?" as {ID}|\[\*\] --> {ID}(?:: {TEXT})?|{ID} --> (?:\[\*\]|{ID}: {TEXT}))"""
)


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
    drawn = _arrows(lifecycle_diagram({(Status.READY, EventKind.PAUSED): frozenset({Status.PAUSED})}))
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


def _never(step: Any, data: Luggage) -> str:
    return ""


def _odd(name: str, word: str) -> Workflow:
    """A workflow with a state and an event that Mermaid might take for something else."""
    states = [
        Step("GOING", does=_never, then={word: name}),
        Wait(name, event="news", expires="1d", reason=None, then={"news": "LAST", "expired": "GOING"}),
        Wait("LAST", event=word, then={word: "OVER"}),
        Step("OVER", does=_never, then={word: "COMPLETE"}),
    ]
    return Workflow(name="odd", version=1, data=Luggage, starts_at="GOING", states=states)


NAMES = ["NOTE", "CLASS", "STYLE", "STATE", "CLICK", "DEFAULT", "NOTE_TAKING", "CLASSIFYING", "END"]
WORDS = [
    'say "no"',
    "a: b; c #1",
    "direction LR",
    "see Direction  tb",
    "%%{init}%%",
    "<<choice>>",
    "two\r\nlines",
    "é 🚗",
]


@pytest.mark.parametrize(
    "text",
    [lifecycle_diagram(), *map(workflow_diagram, (INSURANCE_CLAIM, DOCUMENT_READING, JOURNEY))]
    + [workflow_diagram(_odd(name, "on")) for name in NAMES]
    + [workflow_diagram(_odd("SECOND", word)) for word in WORDS],
)
def test_mermaid_can_read_what_is_drawn_whatever_the_names(text: str) -> None:
    head, *lines = text.splitlines()
    assert head == "stateDiagram-v2"
    assert [line for line in lines if not LINE.fullmatch(line)] == []


def test_a_state_with_a_name_of_mermaids_own_is_still_shown_by_its_name() -> None:
    text = workflow_diagram(_odd("NOTE", "on"))
    assert 'state "NOTE<br/>waits for news, at most 1d" as s_NOTE' in text
    assert {("GOING", "s_NOTE", "on"), ("s_NOTE", "LAST", "news")} <= _arrows(text)
