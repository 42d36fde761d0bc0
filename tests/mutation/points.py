"""Where a file can be broken: every point is one edit of its text, named so that the name outlives other changes.

The law: one edit, one meaning. Conditions lose a term or are always or never true, comparisons are turned, keyword
arguments, entries and statements are dropped. Texts that people read, log lines and the words of errors are left out;
a text that is SQL is split by `tests.mutation.sql`.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from tests.mutation import python, sql

PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Unit:
    """A function, a method or a module's assignment: what a result belongs to. Lines count from 1."""

    name: str
    first: int
    last: int
    source: str


@dataclass(frozen=True, slots=True)
class Point:
    """One edit: the bytes from `start` to `end` of `file` become `text`."""

    file: str
    unit: Unit
    operator: str
    before: str
    after: str
    start: int
    end: int
    text: str
    line: int
    lines: tuple[int, int] = (0, 0)
    number: int = 1

    @property
    def id(self) -> str:
        """Names the point by what it is, never by its line."""
        which = f" #{self.number}" if self.number > 1 else ""
        return f"{self.file}::{self.unit.name}::{self.operator}::{self.before} -> {self.after}{which}"

    def applied(self, source: bytes) -> bytes:
        """The broken file."""
        return source[: self.start] + self.text.encode() + source[self.end :]


def points(file: str) -> list[Point]:
    """All points of a file of the project, in its order."""
    text = (PROJECT / file).read_text()
    found = sql.function_points(file, text) if file.endswith(".sql") else _python_points(file, text)
    seen: Counter[str] = Counter()
    numbered = []
    for point in found:
        if point.before == point.after:
            continue  # a term that is `true` as it stands
        seen[point.id] += 1
        numbered.append(replace(point, number=seen[point.id]))
    return numbered


@lru_cache(maxsize=64)
def units(file: str) -> list[Unit]:
    """The functions, methods and assignments of a Python file."""
    text = (PROJECT / file).read_text()
    return [unit for unit, _ in _units(ast.parse(text), text.splitlines())]


def _units(tree: ast.Module | ast.ClassDef, lines: list[str], prefix: str = "") -> Iterator[tuple[Unit, ast.stmt]]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield from _units(node, lines, f"{prefix}{node.name}.")
            continue
        if isinstance(node, ast.FunctionDef):
            name = node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign) and not prefix:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            name = ast.unparse(target)
        else:
            continue
        last = node.end_lineno or node.lineno
        yield Unit(prefix + name, node.lineno, last, "\n".join(lines[node.lineno - 1 : last])), node


def _python_points(file: str, text: str) -> Iterator[Point]:
    lines = text.splitlines()
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line.encode()))
    source = text.encode()
    for unit, node in _units(ast.parse(text), lines):
        for edit in python.edits(node):
            at = edit.node
            assert at.end_lineno is not None and at.end_col_offset is not None
            start, end = starts[at.lineno - 1] + at.col_offset, starts[at.end_lineno - 1] + at.end_col_offset
            if edit.operator == "sql":
                yield from _sql_points(file, unit, source, start, end, at.lineno)
                continue
            before, after = edit.said or (source[start:end].decode(), edit.text)
            yield Point(
                file,
                unit,
                edit.operator,
                shortened(before),
                shortened(after),
                start,
                end,
                edit.text,
                at.lineno,
                edit.lines,
            )


def _sql_points(file: str, unit: Unit, source: bytes, start: int, end: int, line: int) -> Iterator[Point]:
    """A text of SQL, literal by literal: its parts may be written next to each other."""
    segment = source[start:end].decode()
    offsets = [0]
    for part in f"({segment})".splitlines(keepends=True):
        offsets.append(offsets[-1] + len(part))
    for token in tokenize.generate_tokens(io.StringIO(f"({segment})").readline):
        if token.type != tokenize.STRING:
            continue
        first = offsets[token.start[0] - 1] + token.start[1] - 1
        for edit in sql.edits(token.string):
            begins = start + len(segment[: first + edit.start].encode())
            ends = start + len(segment[: first + edit.end].encode())
            lines_before = segment[: first + edit.start].count("\n")
            yield Point(
                file,
                unit,
                f"sql {edit.operator}",
                shortened(edit.before),
                shortened(edit.text),
                begins,
                ends,
                edit.text,
                line + lines_before,
            )


def shortened(text: str) -> str:
    """On one line, and no longer than a line."""
    plain = " ".join(text.split())
    return plain if len(plain) <= 90 else f"{plain[:60]}…{plain[-28:]}"
