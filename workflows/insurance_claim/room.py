"""How much of what was read a claim file can hold.

The law: what does not fit is said, never dropped in silence, and never stops the claim. Billed lines go first (their
document then counts as read without them), then whole documents, the last ones first; a person reads those.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.insurance.reading.extraction import DocumentFacts
from workflows.document_reading import without_lines
from workflows.insurance_claim.models import Finding

ROOM = 120_000  # characters of all that was extracted; a run's data holds 262,144 with findings and the rest
PLACES = 25  # of evidence that one finding lists


def fitting(facts: Sequence[DocumentFacts]) -> tuple[list[DocumentFacts], list[str]]:
    """(what fits, in its order; the ids of the documents that do not)."""
    kept = {found.document_id: found for found in facts}
    by_lines = sorted(kept.values(), key=lambda found: len(found.lines), reverse=True)
    for found in by_lines:
        if _size(kept) <= ROOM or not found.lines:
            break
        kept[found.document_id] = without_lines(found)
    left_out: list[str] = []
    while kept and _size(kept) > ROOM:
        left_out.append(kept.popitem()[0])
    return list(kept.values()), left_out[::-1]


def with_fewer_places(finding: Finding) -> Finding:
    """The finding with as much evidence as a person looks at, and the number of the rest."""
    more = len(finding.evidence) - PLACES
    if more <= 0:
        return finding
    said = f"{finding.why_uncertain} {more} more places are not listed here."
    return finding.model_copy(update={"evidence": finding.evidence[:PLACES], "why_uncertain": said})


def _size(kept: dict[str, DocumentFacts]) -> int:
    return sum(len(found.model_dump_json()) for found in kept.values())
