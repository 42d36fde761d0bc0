"""Rules under guard: a text that surprises one of them costs that field, never the document.

The law: whatever a rule raises becomes a note; the other rules go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


def tried(what: str, rule: Callable[[], T], otherwise: T, notes: list[str]) -> T:
    """What `rule` gives; if it raises, `otherwise`, and a note that `what` is left out."""
    try:
        return rule()
    except Exception as problem:  # a rule may fail on text nobody thought of, in ways nobody thought of
        note = f"{what}: left out, the rule for it failed on this text ({type(problem).__name__})."
        if note not in notes:
            notes.append(note)
        return otherwise


def all_tried(what: str, rule: Callable[[], Iterable[T]], notes: list[str]) -> list[T]:
    """Everything `rule` gives, or nothing if it raises."""
    nothing: list[T] = []
    return tried(what, lambda: list(rule()), nothing, notes)
