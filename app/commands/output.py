"""What commands print: JSON for programs, tables and sentences for people. The law: what came from outside is text.

No markup of ours is read in it, and no control character reaches the terminal.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table
from rich.text import Text

_WIDE = 200  # columns where the output is no terminal: nobody is there to see lines wrap
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def console(*, stderr: bool = False) -> Console:
    """A console on the stream as it is now."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else _WIDE, highlight=False, soft_wrap=False)


def complain(message: str) -> None:
    """One message on standard error."""
    sys.stderr.write(f"longhaul: {safe(message)}\n")


def say(text: str) -> None:
    """One line on standard output."""
    sys.stdout.write(f"{safe(text)}\n")


def emit(value: Any) -> None:
    """JSON on standard output."""
    sys.stdout.write(json.dumps(value, indent=2, default=_plain) + "\n")


def _plain(value: Any) -> Any:
    """The JSON shape of what rows and results hold."""
    match value:
        case BaseModel():
            return value.model_dump(mode="json")
        case datetime():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case UUID() | Decimal() | Path():
            return str(value)
        case Enum():
            return value.value
        case bytes() | memoryview():
            return bytes(value).hex()
        case set() | frozenset():
            return sorted(value)
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} has no JSON shape")


def show_table(headings: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """A table; the sentence `empty` if there are no rows. The first column is never cut."""
    found = [[cell(value) for value in row] for row in rows]
    if not found:
        say(empty)
        return
    shown = Table(box=None, pad_edge=False)
    for n, heading in enumerate(headings):
        shown.add_column(heading, no_wrap=n == 0, overflow="fold")
    for row in found:
        shown.add_row(*row)
    console().print(shown)


def show_pairs(pairs: Mapping[str, Any]) -> None:
    """Names and values, one line each; those without a value are left out."""
    shown = Table(box=None, pad_edge=False, show_header=False)
    shown.add_column(style="bold", no_wrap=True)
    shown.add_column(overflow="fold")
    for name, value in pairs.items():
        if value not in (None, "", [], {}):
            shown.add_row(name, cell(value))
    console().print(shown)


def cell(value: Any) -> Text:
    """A value as text of a table."""
    match value:
        case None:
            return Text("")
        case datetime():
            return Text(f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}")
        case dict() | list():
            return Text(safe(json.dumps(value, default=_plain, ensure_ascii=False)))
    return Text(safe(str(value)))


def pretty(value: Any) -> str:
    """A payload to be read by a person."""
    return json.dumps(value, indent=2, default=_plain, ensure_ascii=False)


def safe(text: str) -> str:
    """Text from anywhere, without what would command the terminal or turn its direction."""
    return _CONTROL.sub("\ufffd", text).encode("utf-8", "replace").decode("utf-8")
