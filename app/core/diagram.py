"""Diagrams drawn from the definitions themselves. The law: pure, and every arrow there is is drawn, once.

Mermaid `stateDiagram-v2` text: what `longhaul diagram` prints and docs/lifecycle.md shows, so no drawing is older than the code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from app.core.lifecycle import ENDED, TABLE, EventKind, Status
from app.core.workflow import Children, Human, State, Step, Timer, Wait, Workflow

_HEAD = "stateDiagram-v2"
_INDENT = "    "
_OWN = str.maketrans('":;#<>{}\n\r', "' , ‹›()  ")
# What Mermaid's parser takes for its own words wherever they stand, in any case; each found by giving it to the parser.
_WORDS = re.compile("STATE|STATEDIAGRAM|NOTE|SCALE|CLASS|CLASSDEF|STYLE|CLICK|HREF|DEFAULT|ACCTITLE|ACCDESCR")
_DIRECTION = re.compile(r"(direction)\s+(?=TB|BT|LR|RL)", re.IGNORECASE)


def workflow_diagram(workflow: Workflow) -> str:
    """The states of a workflow, who or what each waits for, and the outcomes that lead from one to the next."""
    lines = [_HEAD, f"{_INDENT}%% {workflow.name} v{workflow.version}"]
    lines += [
        f'{_INDENT}state "{title}" as {_id(state.name)}'
        for state in workflow.states
        if (title := _title(state)) != _id(state.name)
    ]
    lines.append(f"{_INDENT}[*] --> {_id(workflow.starts_at)}")
    for state in workflow.states:
        lines += _arrows(state.name, ((target, outcome) for outcome, target in state.then.items()))
    reached = {target for state in workflow.states for target in state.then.values()}
    lines += [f"{_INDENT}{_id(ending)} --> [*]" for ending in workflow.endings if ending in reached]
    return "\n".join(lines) + "\n"


def lifecycle_diagram(table: Mapping[tuple[Status, EventKind], frozenset[Status]] = TABLE) -> str:
    """The lifecycle table: every status, and the events that may lead from one to another."""
    lines = [_HEAD, f"{_INDENT}[*] --> {Status.READY.value}: {EventKind.STARTED.value}"]
    for status in Status:
        pairs = [
            (to.value, event.value)
            for (source, event), targets in table.items()
            if source is status
            for to in sorted(targets)
        ]
        lines += _arrows(status.value, pairs)
    lines += [f"{_INDENT}{status.value} --> [*]" for status in Status if status in ENDED]
    return "\n".join(lines) + "\n"


def _arrows(source: str, pairs: Iterable[tuple[str, str]]) -> list[str]:
    """One arrow per target, its label all the ways that lead there."""
    labels: dict[str, list[str]] = {}
    for target, label in pairs:
        labels.setdefault(target, []).append(_plain(label))
    return [f"{_INDENT}{_id(source)} --> {_id(target)}: {', '.join(ways)}" for target, ways in labels.items()]


def _id(name: str) -> str:
    """A state's name, or another where Mermaid has that word itself; it is small, so no state has it as its name."""
    return f"s_{name}" if _WORDS.fullmatch(name) else name


def _title(state: State) -> str:
    waits_for = _waits_for(state)
    return f"{state.name}<br/>{_plain(waits_for)}" if waits_for else state.name


def _waits_for(state: State) -> str:
    """What a state that is no work waits for, in a few words; empty for a plain step."""
    match state:
        case Human():
            return f"{state.role} answers, due in {state.due}"
        case Wait():
            return f"waits for {state.event}" + (f", at most {state.expires}" if state.expires else "")
        case Timer():
            return f"waits {state.lasts}"
        case Children():
            return "waits for its child runs"
        case Step() if state.pool != "steps":
            return f"in the {state.pool} pool"
    return ""


def _plain(label: str) -> str:
    """A label without what Mermaid reads as its own: it would refuse the drawing, or leave out an arrow and say nothing."""
    return _DIRECTION.sub(r"\1-", label.translate(_OWN))
