"""The edits of SQL: a splitter that knows clauses and parentheses, and no more.

Every condition (WHERE, ON, HAVING, WHEN, IF) loses each of its terms: a term of AND becomes true, a term of OR false.
Assignments, locks, orders, NOTs and members of lists are dropped, bounds are turned. Text that is not SQL in here, a
placeholder or a name filled in, is a word like any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.mutation.points import Point

_IS_SQL = re.compile(r"\b(SELECT|INSERT INTO|UPDATE \w+ |DELETE FROM|FROM runs|WHERE)\b")
_TOKEN = re.compile(
    r"--[^\n]*|'(?:[^']|'')*'|\{\{|\}\}|\{[^{}]*\}|%\(\w+\)s|%s|%%|\$\$|[A-Za-z_][\w.]*|\d+(?:\.\d+)?|=>|<=|>=|<>|!=|\|\||::|:=|->>|->|\S"
)
_FUNCTION = re.compile(r"CREATE OR REPLACE FUNCTION (\w+)(.*?)\$\$(.*?)\$\$[^;]*;", re.DOTALL)
_CONDITIONS = frozenset({"WHERE", "ON", "HAVING", "WHEN", "IF"})
_ENDS = frozenset(
    {
        "GROUP",
        "ORDER",
        "RETURNING",
        "LIMIT",
        "FOR",
        "DO",
        "UNION",
        "LEFT",
        "JOIN",
        "INNER",
        "THEN",
        "ELSE",
        "FROM",
        "WHERE",
        "ON",
        "HAVING",
        "WHEN",
        "LOOP",
        ";",
        "SET",
        "SELECT",
        "CONFLICT",
        "OFFSET",
        "WINDOW",
        "CROSS",
        "VALUES",
        ",",
        "END",
    }
)
_TURNED = {"<": ("<=", ">="), "<=": ("<", ">"), ">": (">=", "<="), ">=": (">", "<"), "<>": ("=",)}


@dataclass(frozen=True, slots=True)
class Edit:
    """The characters from `start` to `end` become `text`."""

    operator: str
    start: int
    end: int
    before: str
    text: str


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    start: int
    end: int
    depth: int


def is_sql(text: str) -> bool:
    """Whether a text of the program is SQL."""
    return _IS_SQL.search(text) is not None


def edits(text: str) -> Iterator[Edit]:
    """All edits of a text."""
    words = _words(text)
    for n, word in enumerate(words):
        upper = word.text.upper() if word.text.isupper() else word.text
        if (upper in _CONDITIONS and _next(words, n) not in ("CONFLICT", "NOT")) or (
            word.text == "(" and _is_plain_condition(words, n)
        ):
            yield from _terms(text, words, n + 1)
        elif upper == "SET":
            yield from _assignments(text, words, n + 1)
        elif upper == "IN" and _next(words, n) == "(":
            yield from _members(text, words, n + 2)
        else:
            yield from _single(text, words, n)


def _words(text: str) -> list[_Word]:
    found, depth = list[_Word](), 0
    body = re.match(r"[rRbBfF]*(\"\"\"|'''|\"|')", text)
    quote = body.group(1) if body else ""
    begin, stop = (body.end(), len(text) - len(quote)) if body else (0, len(text))
    for match in _TOKEN.finditer(text, begin, stop):
        word = match.group()
        if word.startswith("--"):
            continue
        if word == ")":
            depth -= 1
        found.append(_Word(word, match.start(), match.end(), depth))
        if word == "(":
            depth += 1
    return found


def _next(words: list[_Word], n: int) -> str:
    return words[n + 1].text if n + 1 < len(words) else ""


def _clause(words: list[_Word], first: int) -> list[_Word]:
    """The words from `first` to the end of their clause, those in parentheses included."""
    if first >= len(words):
        return []
    depth, found = words[first].depth, list[_Word]()
    for word in words[first:]:
        ends = word.text in _ENDS and not (word.text == "FROM" and found and found[-1].text == "DISTINCT")
        if word.depth < depth or (word.depth == depth and ends):
            break
        found.append(word)
    return found


def _is_plain_condition(words: list[_Word], n: int) -> bool:
    """Whether a parenthesis holds a condition: AND or OR at its top, and no statement."""
    depth = words[n].depth + 1
    inside = _clause(words, n + 1) if n + 1 < len(words) and words[n + 1].depth == depth else []
    top = [w.text for w in inside if w.depth == depth]
    return ("AND" in top or "OR" in top) and "SELECT" not in top[:1]


def _terms(text: str, words: list[_Word], first: int) -> Iterator[Edit]:
    clause = _clause(words, first)
    if not clause:
        return
    either = _split(clause, "OR")
    for term in either:
        if len(either) > 1:
            yield _edit("drop term", text, term, "false")
        every = _split(term, "AND")
        for part in every:
            if len(every) > 1 or len(either) == 1:
                yield _edit("drop term", text, part, "true")


def _split(clause: list[_Word], by: str) -> list[list[_Word]]:
    parts, depth, between = [list[_Word]()], clause[0].depth, False
    for word in clause:
        if word.depth == depth and word.text == "BETWEEN":
            between = True
        elif word.depth == depth and word.text == by:
            if by == "AND" and between:
                between = False
            else:
                parts.append([])
                continue
        parts[-1].append(word)
    return [part for part in parts if part]


def _commas(clause: list[_Word]) -> list[list[_Word]]:
    parts, depth = [list[_Word]()], clause[0].depth
    for word in clause:
        parts[-1].append(word)
        if word.depth == depth and word.text == ",":
            parts.append([])
    return [part for part in parts if part]


def _assignments(text: str, words: list[_Word], first: int) -> Iterator[Edit]:
    if first >= len(words):
        return
    depth, clause = words[first].depth, list[_Word]()
    for word in words[first:]:
        if word.depth < depth or (word.depth == depth and word.text in ("FROM", "WHERE", "RETURNING", ";")):
            break
        clause.append(word)
    parts = _commas(clause) if clause else []
    for n, part in enumerate(parts):
        if len(parts) > 1:
            last = n == len(parts) - 1
            start = parts[n - 1][-1].start if last else part[0].start
            said = text[part[0].start : part[-1].end].rstrip(",")
            yield Edit("drop assignment", start, part[-1].end, said, "")


def _members(text: str, words: list[_Word], first: int) -> Iterator[Edit]:
    depth = words[first].depth
    clause = []
    for word in words[first:]:
        if word.depth < depth:
            break
        clause.append(word)
    parts = _commas(clause) if clause and clause[0].text != "SELECT" else []
    for n, part in enumerate(parts):
        if len(parts) > 1:
            start = parts[n - 1][-1].start if n == len(parts) - 1 else part[0].start
            yield Edit(
                "drop member", start, part[-1].end, f"{part[0].text} of ({text[clause[0].start : clause[-1].end]})", ""
            )


def _single(text: str, words: list[_Word], n: int) -> Iterator[Edit]:
    word, after = words[n], _next(words, n)
    if word.text in _TURNED:
        for turned in _TURNED[word.text]:
            around = text[words[max(0, n - 1)].start : words[min(len(words) - 1, n + 1)].end]
            yield Edit("turn", word.start, word.end, around, turned)
    elif (word.text == "NOT" and after in ("EXISTS", "cancel_requested")) or (word.text == "NOT" and after.islower()):
        yield Edit("drop not", word.start, word.end, f"NOT {after}", "")
    elif word.text == "FOR" and after in ("NO", "UPDATE", "SHARE"):
        lock = [
            w
            for w in _clause(words, n + 1)
            if w.text in ("NO", "KEY", "UPDATE", "SHARE", "SKIP", "LOCKED", "NOWAIT", "OF")
        ]
        yield Edit("drop lock", word.start, lock[-1].end, text[word.start : lock[-1].end], "")
    elif word.text == "SKIP" and after == "LOCKED":
        yield Edit("drop lock", word.start, words[n + 1].end, "SKIP LOCKED", "")
    elif word.text == "ORDER" and after == "BY":
        order = list(_order(words, n + 2))
        if order:
            yield Edit("drop order", word.start, order[-1].end, text[word.start : order[-1].end], "")
    elif word.text in ("+", "-") and n and words[n - 1].text != "(" and after not in ("", "("):
        yield Edit("drop operand", word.start, words[n + 1].end, text[words[n - 1].start : words[n + 1].end], "")
    elif word.text == "DISTINCT" and n and words[n - 1].text != "IS":
        yield Edit("drop distinct", word.start, word.end, "DISTINCT", "")


def _order(words: list[_Word], first: int) -> Iterator[_Word]:
    for word in words[first:]:
        if word.depth < words[first].depth or (word.depth == words[first].depth and word.text in _ENDS - {","}):
            return
        yield word


def _edit(operator: str, text: str, part: list[_Word], to: str) -> Edit:
    start, end = part[0].start, part[-1].end
    return Edit(operator, start, end, text[start:end], to)


def function_points(file: str, text: str) -> Iterator[Point]:
    """The points of the functions of a file of `app/store/sql`."""
    from tests.mutation.points import Point, Unit, shortened

    for match in _FUNCTION.finditer(text):
        first = text[: match.start()].count("\n") + 1
        unit = Unit(match[1], first, first + match[0].count("\n"), match[0])
        body = match.start(3)
        for edit in edits(match[3]):
            start, end = body + edit.start, body + edit.end
            begins, ends = len(text[:start].encode()), len(text[:end].encode())
            line = text[:start].count("\n") + 1
            yield Point(
                file,
                unit,
                f"sql {edit.operator}",
                shortened(edit.before),
                shortened(edit.text),
                begins,
                ends,
                edit.text,
                line,
            )
