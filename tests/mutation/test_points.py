"""The tool breaks what it says it breaks, and names it so that the name outlives other changes."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from tests.mutation import python, sql
from tests.mutation.points import PROJECT, points
from tests.mutation.results import equivalents
from tests.mutation.scope import FILES


def _broken(text: str) -> set[str]:
    unit = ast.parse(text).body[0]
    return {f"{edit.operator}: {edit.said[0] if edit.said else edit.text}" for edit in python.edits(unit)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "def f(a, b):\n    if a and b:\n        g(a)",
            {"never: False", "always: True", "drop term: (a)", "drop term: (b)", "drop statement: g(a)"},
        ),
        ("def f(a):\n    return a < 1", {"turn: (a <= 1)", "turn: (a >= 1)"}),
        ("def f(a):\n    return g(a, on=not a)", {"drop argument: g(on=not a)", "drop not: (a)"}),
        ("def f(a):\n    logs.event('x', a=a > 1)\n    raise E(f'{a}')", {"drop statement: raise E(f'{a}')"}),
        ("X = {1: a, 2: b}", {"drop entry: 1: a", "drop entry: 2: b"}),
        ("X = [S.A, S.B]", {"drop element: S.A of [S.A, S.B]", "drop element: S.B of [S.A, S.B]"}),
    ],
)
def test_python_is_broken_at_its_guards(text: str, expected: set[str]) -> None:
    assert _broken(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT 1 FROM t WHERE a = 1 AND b IS NULL", {"drop term: a = 1 -> true", "drop term: b IS NULL -> true"}),
        (
            "SELECT 1 FROM t WHERE a AND (b OR c) ORDER BY a",
            {
                "drop term: a -> true",
                "drop term: (b OR c) -> true",
                "drop term: b -> false",
                "drop term: c -> false",
                "drop order: ORDER BY a -> ",
            },
        ),
        (
            "UPDATE t SET a = 1, b = b + 1 WHERE id = 1",
            {
                "drop assignment: a = 1 -> ",
                "drop assignment: b = b + 1 -> ",
                "drop operand: b + 1 -> ",
                "drop term: id = 1 -> true",
            },
        ),
        ("SELECT 1 FROM t WHERE a BETWEEN 1 AND 2", {"drop term: a BETWEEN 1 AND 2 -> true"}),
        (
            "SELECT 1 FROM t WHERE s IN ('A', 'B')",
            {
                "drop term: s IN ('A', 'B') -> true",
                "drop member: 'A' of ('A', 'B') -> ",
                "drop member: 'B' of ('A', 'B') -> ",
            },
        ),
        (
            "SELECT f(secs => 1) FOR NO KEY UPDATE SKIP LOCKED",
            {"drop lock: FOR NO KEY UPDATE SKIP LOCKED -> ", "drop lock: SKIP LOCKED -> "},
        ),
    ],
)
def test_sql_is_broken_at_its_conditions(text: str, expected: set[str]) -> None:
    assert {f"{edit.operator}: {edit.before} -> {edit.text}" for edit in sql.edits(text)} == expected


@pytest.mark.parametrize("file", FILES)
def test_every_point_is_code_again_and_has_a_name_of_its_own(file: str) -> None:
    found, source = points(file), (PROJECT / file).read_bytes()
    assert len({point.id for point in found}) == len(found)
    for point in found:
        broken = point.applied(source)
        assert broken != source
        if file.endswith(".py"):
            ast.parse(broken)


def test_what_counts_as_equivalent_is_there_and_says_why() -> None:
    known = {point.id for file in FILES for point in points(file)}
    for name, reason in equivalents().items():
        assert name in known, f"{name} is no more; take it out of equivalents.txt"
        assert reason, f"{name} stands without a reason"


def test_a_method_that_calls_its_parents_can_be_broken_too() -> None:
    broken = """
from tests.mutation import patch, points
wanted = [p for p in points.points("app/engine/calls/calls.py") if p.unit.name == "Caller.__init__"]
assert any("super()" in p.id for p in wanted)
for point in wanted:
    patch.apply(point)
"""
    done = subprocess.run([sys.executable, "-c", broken], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
