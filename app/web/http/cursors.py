"""Places in a list as an address carries them: the one form of pages and API alike.

The law: a list goes on behind a place, never after a number of entries. Each form is so narrow that whatever fits it is a
place; everything else is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from app.core.errors import BadInput

NEVER: Final = "never"
MOMENT_OR_NEVER: Final = datetime | None  # the kind of a time that need not be
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _moment(text: str) -> datetime:
    return _EPOCH + timedelta(microseconds=int(text))


_FORMS: Mapping[Any, tuple[str, Callable[[str], Any]]] = {
    datetime: ("[0-9]{1,17}", _moment),
    MOMENT_OR_NEVER: (f"([0-9]{{1,17}}|{NEVER})", lambda text: None if text == NEVER else _moment(text)),
    UUID: ("[0-9a-f]{32}", UUID),
    int: ("[0-9]{1,18}", int),
}


def written(place: Sequence[Any]) -> str:
    """A place as a cursor."""
    return ".".join(_written(value) for value in place)


def _written(value: Any) -> str:
    if value is None:
        return NEVER
    if isinstance(value, datetime):
        return str((value - _EPOCH) // timedelta(microseconds=1))
    return value.hex if isinstance(value, UUID) else str(value)


def pattern(*kinds: Any) -> str:
    """What every cursor of a list with such places looks like, and nothing else; or empty."""
    return f"^({'[.]'.join(_FORMS[kind][0] for kind in kinds)})?$"


def place(cursor: str, *kinds: Any, name: str = "cursor") -> tuple[Any, ...] | None:
    """The place a cursor stands for; None if it is empty. Raises BadInput, by the parameter's `name`, for one that is none."""
    if not cursor:
        return None
    if not re.fullmatch(pattern(*kinds), cursor):
        raise BadInput(f"{name}: follow the link at the end of the list; this is no place in it")
    return tuple(_FORMS[kind][1](text) for kind, text in zip(kinds, cursor.split("."), strict=True))
