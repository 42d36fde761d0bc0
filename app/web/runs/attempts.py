"""What the attempts of one call or step came to, each beside the next: what went wrong, what was answered, what changed."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.statuses import CheckpointStatus
from app.store.reads.timeline import WholeEntry
from app.web.http.show import pretty

MOST_LINES = 2000  # of each side of a comparison
Lines = Sequence[tuple[str, str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """One attempt that failed. changed: its answer against the next attempt's (or the result), if both gave one."""

    attempt: Any
    at: str
    error: str
    more: Mapping[str, Any]
    changed: Lines


def tried(entry: WholeEntry) -> list[Tried]:
    """The failed attempts of an entry of the timeline, in order."""
    errors = [error if isinstance(error, dict) else {"error": str(error)} for error in entry.errors or ()]
    if not errors:
        return []
    answers = [_readable(error.get("output")) for error in errors]
    last = entry.output if entry.status == CheckpointStatus.COMPLETE and entry.output else None
    return [
        Tried(
            attempt=error.get("attempt"),
            at=str(error.get("at") or ""),
            error=str(error.get("error") or ""),
            more={name: value for name, value in error.items() if name not in ("attempt", "at", "error")},
            changed=changes(answer, after) if answer and after else (),
        )
        for error, answer, after in zip(errors, answers, [*answers[1:], last], strict=True)
    ]


def changes(before: str, after: str) -> Lines:
    """How one text became another: lines with their sign (+, -, or blank)."""
    lines = difflib.unified_diff(before.splitlines()[:MOST_LINES], after.splitlines()[:MOST_LINES], lineterm="", n=2)
    return [(line[:1], line[1:]) for line in lines if not line.startswith(("+++", "---", "@@"))]


def _readable(answer: Any) -> str | None:
    """A kept answer with its lines, as the timeline prints one; cut short, it is no JSON any more and stays as it is."""
    if answer is None:
        return None
    try:
        return (
            json.dumps(json.loads(answer), indent=4, ensure_ascii=False) if isinstance(answer, str) else pretty(answer)
        )
    except ValueError:
        return str(answer)
