"""Whether two printed names can be the same person's."""

from __future__ import annotations

import re
import unicodedata

_TITLES = frozenset(
    {"mr", "mrs", "ms", "miss", "dr", "prof", "sir", "madam", "herr", "hr", "frau", "fr", "m", "mme", "mlle"}
    | {"jr", "sr", "ii", "iii", "phd"}
)


def same_name(one: str, other: str) -> bool:
    """True when the names agree but for order, titles, accents, middle names, and initials for given names.

    'Quill, N.' is 'Nora Quill' and 'Dr. Nora Anne Quill'; it is not 'Noel Quillan'. At least one word must agree in
    full: two sets of initials identify nobody.
    """
    shorter, longer = sorted((_words(one), _words(other)), key=len)
    if not shorter:
        return False
    left, in_full = list(longer), 0
    rest = []
    for word in shorter:
        if word in left:
            left.remove(word)
            in_full += len(word) > 1
        else:
            rest.append(word)
    for word in rest:
        match = next((known for known in left if _abbreviates(word, known)), None)
        if match is None:
            return False
        left.remove(match)
    return in_full > 0


def _abbreviates(one: str, other: str) -> bool:
    return one[0] == other[0] and 1 in (len(one), len(other))


def _words(name: str) -> list[str]:
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c)).casefold()
    return [word for word in re.findall(r"\w+", plain.replace("'", "").replace("’", "")) if word not in _TITLES]
