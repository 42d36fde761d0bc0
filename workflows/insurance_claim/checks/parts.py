"""Was every billed part damaged, as far as anybody said?

The law: words decide, so the answer is a question to a person. A part counts as claimed when it shares a noun with
an entry of a damage list and does not contradict its side ('front bumper' is not 'rear bumper').
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from app.insurance.reading.extraction import LineItem
from workflows.insurance_claim.checks.statements import bills, evidence_of
from workflows.insurance_claim.models import ClaimFile, Evidence, Finding

_SAME = {
    "windscreen": "windshield",
    "bonnet": "hood",
    "boot": "trunk",
    "tailgate": "trunk",
    "wing": "fender",
    "light": "lamp",
    "headlight": "headlamp",
    "taillight": "taillamp",
    "tyre": "tire",
    "rim": "wheel",
    "back": "rear",
    "nearside": "left",
    "offside": "right",
    "lh": "left",
    "rh": "right",
    "lhs": "left",
    "rhs": "right",
}
_JOINED = (
    ("head lamp", "headlamp"),
    ("tail lamp", "taillamp"),
    ("rear lamp", "rear taillamp"),
    ("wind shield", "windshield"),
)
_OPPOSITES = ({"front", "rear"}, {"left", "right"})
_SIDES = frozenset({"front", "rear", "left", "right"})
# Words that name no part by themselves, and small hardware that comes with any part.
_EMPTY = frozenset(
    {
        "cover",
        "assembly",
        "assy",
        "panel",
        "set",
        "new",
        "oem",
        "used",
        "the",
        "of",
        "and",
        "unit",
        "kit",
        "side",
        "lower",
    }
    | {
        "upper",
        "inner",
        "outer",
        "complete",
        "genuine",
        "part",
        "replacement",
        "with",
        "for",
        "to",
        "on",
        "in",
        "a",
        "x",
    }
    | {
        "damage",
        "damaged",
        "broken",
        "cracked",
        "scratched",
        "dented",
        "bent",
        "slightly",
        "badly",
        "severely",
        "minor",
    }
    | {"major", "vehicle", "car", "area"}
)
_HARDWARE = frozenset(
    {
        "clip",
        "fastener",
        "screw",
        "bolt",
        "nut",
        "hardware",
        "adhesive",
        "sealant",
        "primer",
        "paint",
        "material",
        "fluid",
    }
    | {"coolant", "consumable", "seal"}
)


@dataclass(frozen=True, slots=True)
class _Thing:
    nouns: frozenset[str]
    sides: frozenset[str]

    def may_be(self, other: _Thing) -> bool:
        """True when both can be the same part."""
        contradicts = any(
            pair & self.sides and pair & other.sides and not pair & self.sides & other.sides for pair in _OPPOSITES
        )
        return bool(self.nouns & other.nouns) and not contradicts


def check_parts_claimed(file: ClaimFile) -> Iterator[Finding]:
    """PART_NOT_CLAIMED, one finding per bill; silent where nobody gave a damage list."""
    damaged, sources = _damage(file)
    if not damaged:
        return
    for ref, facts in bills(file):
        strangers = [line for line in facts.lines if _is_strange(line, damaged)]
        if strangers:
            names = ", ".join(line.description for line in strangers)
            yield Finding(
                code="PART_NOT_CLAIMED",
                severity="warning",
                summary=f"{ref.filename} bills {names}, which no damage list mentions.",
                evidence=[*(evidence_of(ref, line) for line in strangers), *sources],
                why_uncertain="Parts were compared by their words; hidden damage is often found only in the shop.",
            )


def _damage(file: ClaimFile) -> tuple[list[_Thing], list[Evidence]]:
    """Everything a damage list names, with the lists."""
    items: list[str] = []
    sources: list[Evidence] = []
    if file.notice and file.notice.damage:
        items += file.notice.damage
        sources.append(Evidence(document="notice", filename=file.notice.source, quote=", ".join(file.notice.damage)))
    for facts in file.extractions:
        ref, fact = file.document(facts.document_id), facts.fields.get("damage")
        if ref and fact and facts.kind not in ("repair_estimate", "repair_invoice"):
            items += fact.value if isinstance(fact.value, list) else [fact.raw]
            sources.append(evidence_of(ref, fact))
    return [_thing(item) for item in items], sources


def _is_strange(line: LineItem, damaged: list[_Thing]) -> bool:
    billed = _thing(line.description)
    if line.kind != "part" or not billed.nouns or billed.nouns <= _HARDWARE:
        return False
    return not any(billed.may_be(item) for item in damaged)


def _thing(text: str) -> _Thing:
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).casefold()
    words = [_SAME.get(word, word) for word in map(_singular, re.findall(r"[^\W\d_]+", plain))]
    joined = " ".join(words)
    for apart, together in _JOINED:
        joined = joined.replace(apart, together)
    found = frozenset(joined.split())
    return _Thing(found - _SIDES - _EMPTY, found & _SIDES)


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
