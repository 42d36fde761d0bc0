"""What of a payload a log may show. The law: nothing a person could be known by, in a value or in the name of one.

A payload keeps its shape and its numbers' places; each text becomes its length and the beginning of its digest. So does
the name of a value, unless it reads like a field that somebody declared: a short word of letters and underscores, with at
most three digits at its end. An IBAN, an e-mail address, a policy's number or a person's name is none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from app.core.canonical import digest

# Lower case throughout, as our fields and those of a schema are: a name or a number of somebody's is not written so.
_DECLARED = re.compile(r"\$?[a-z][a-z_]{0,39}[0-9]{0,3}")
_DEEPEST = 64  # as deep as a payload may be


def masked(value: Any, depth: int = 0) -> Any:
    """A payload as logs may show it."""
    if isinstance(value, str):
        return _digested(value)
    if depth >= _DEEPEST:
        return "<deeper>"
    if isinstance(value, Mapping):
        return {_name(key): masked(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [masked(item, depth + 1) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return _digested(str(value))


def _name(key: Any) -> str:
    text = str(key)
    return text if _DECLARED.fullmatch(text) else _digested(text)


def _digested(text: str) -> str:
    return f"<{len(text)}:{digest(text)[:8]}>"
