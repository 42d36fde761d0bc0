"""How texts are compared: lower case, no accents, the many signs for one thing as one."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_ALIKE = str.maketrans({"’": "'", "‘": "'", "`": "'", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "º": "°", "−": "-"})


def fold(text: str) -> str:
    """`text` in lower case without accents, every character still at its place."""
    if text.isascii():
        return text.lower().replace("`", "'")
    return "".join(map(_fold_one, text.translate(_ALIKE)))


@lru_cache(maxsize=4096)
def _fold_one(character: str) -> str:
    base = unicodedata.normalize("NFD", character)[0]
    lower = base.lower()
    return lower if len(lower) == 1 else base
