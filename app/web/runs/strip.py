"""The state strip: a workflow as its definition has it, the way a run took through it, and where it stands.

The law: drawn from the definition and the transitions alone, in layers from the start down, every way that there is once.
The drawing says nothing that the list beside it does not say in words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.core.workflow import Workflow
from app.web.http.show import words

WIDE, HIGH, GAP_X, GAP_Y, MARGIN = 200, 30, 20, 26, 40
_SIGNS = {"current": "▶", "visited": "✓", "ahead": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A state in the drawing; `look`: current, visited or ahead."""

    name: str
    title: str
    look: str
    sign: str
    x: int
    y: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A way from one state to another; `d`: its line, as SVG writes it."""

    d: str
    taken: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """The drawing, in pixels."""

    width: int
    height: int
    nodes: Sequence[Node]
    edges: Sequence[Edge]


def strip(workflow: Workflow, taken: Iterable[tuple[str, str]], current: str) -> Strip:
    """Draw a workflow with the ways a run took, from a state to a state, and its present state."""
    ways = set(taken)
    visited = {name for way in ways for name in way} | {workflow.starts_at, current}
    defined = [(state.name, target) for state in workflow.states for target in dict.fromkeys(state.then.values())]
    edges = list(dict.fromkeys([*defined, *sorted(ways)]))
    rows = layers(workflow.starts_at, edges, also=visited)
    places = _places(rows)
    nodes = []
    for name, (x, y) in places.items():
        look = "current" if name == current else "visited" if name in visited else "ahead"
        nodes.append(Node(name=name, title=words(name.lower()), look=look, sign=_SIGNS[look], x=x, y=y))
    drawn = [Edge(d=_line(places[a], places[b]), taken=(a, b) in ways) for a, b in edges if a != b]
    widest = max(len(row) for row in rows)
    width = widest * (WIDE + GAP_X) - GAP_X + 2 * MARGIN
    drawn.sort(key=lambda edge: edge.taken)  # the way taken lies on top
    return Strip(width=width, height=len(rows) * (HIGH + GAP_Y) - GAP_Y + 4, nodes=nodes, edges=drawn)


def layers(start: str, edges: Sequence[tuple[str, str]], *, also: Iterable[str] = ()) -> list[list[str]]:
    """Each state one layer below the lowest that leads to it, ways back aside; what nothing leads to comes last."""
    ahead: dict[str, list[str]] = {}
    for source, target in edges:
        ahead.setdefault(source, []).append(target)
    back = _ways_back(start, ahead)
    depth = {start: 0}
    order = [start]
    for _ in range(len(ahead) + 1):  # the longest way is no longer than the states there are
        changed = False
        for source, target in edges:
            if source in depth and (source, target) not in back and depth.get(target, -1) <= depth[source]:
                depth[target] = depth[source] + 1
                changed = True
                if target not in order:
                    order.append(target)
        if not changed:
            break
    last = max(depth.values()) + 1
    for name in sorted({*also, *(name for edge in edges for name in edge)}):
        if name not in depth:
            depth[name] = last
            order.append(name)
    found: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for name in order:
        found[depth[name]].append(name)
    return [row for row in found if row]


def _ways_back(start: str, ahead: Mapping[str, Sequence[str]]) -> set[tuple[str, str]]:
    """The edges that lead to a state the walk is still in."""
    back, done, path = set[tuple[str, str]](), set[str](), list[str]()

    def walk(name: str) -> None:
        path.append(name)
        for target in ahead.get(name, ()):
            if target in path:
                back.add((name, target))
            elif target not in done:
                walk(target)
        path.pop()
        done.add(name)

    walk(start)
    return back


def _places(rows: Sequence[Sequence[str]]) -> dict[str, tuple[int, int]]:
    """The left upper corner of each state, its layer centred."""
    widest = max(len(row) for row in rows)
    whole = widest * (WIDE + GAP_X) - GAP_X
    found = {}
    for level, row in enumerate(rows):
        left = MARGIN + (whole - (len(row) * (WIDE + GAP_X) - GAP_X)) // 2
        for n, name in enumerate(row):
            found[name] = (left + n * (WIDE + GAP_X), 2 + level * (HIGH + GAP_Y))
    return found


def _line(source: tuple[int, int], target: tuple[int, int]) -> str:
    """Down to the next layer straight; past a layer, or back up, around the side."""
    (ax, ay), (bx, by) = source, target
    levels = (by - ay) // (HIGH + GAP_Y)
    if levels == 1:
        x1, y1, x2, y2 = ax + WIDE // 2, ay + HIGH, bx + WIDE // 2, by
        bend = GAP_Y * 2 // 3
        return f"M{x1} {y1}C{x1} {y1 + bend} {x2} {y2 - bend} {x2} {y2 - 2}"
    side = WIDE if levels <= 0 or ax > bx else 0
    out = (1 if side else -1) * (14 + 6 * min(abs(levels), 4))
    x1, y1, x2, y2 = ax + side, ay + HIGH // 2, bx + side, by + HIGH // 2
    return f"M{x1} {y1}C{x1 + out} {y1} {x2 + out} {y2} {x2 + (2 if side else -2)} {y2}"
