"""Right, wrong, missed: one extraction against the truth of its document.

The law: stating nothing is never wrong. A stated value is right when it is the truth or a reading the truth tolerates;
anything else that is stated is wrong, also for a field the document does not have. Numbers, days and identifiers are
compared exactly; names without regard to order, case and titles; free text by the words it shares with the page's.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from math import sqrt

from app.insurance.reading.extraction import DocumentFacts, Extracted
from tests.claims.second_generator.paper import Sample

_MONEY = {"amount_claimed", "subtotal", "tax", "total", "deductible"}
_IDENTIFIERS = {"claim_number", "policy_number", "vin", "plate", "police_report_number", "invoice_number"}
_FREE_TEXT = {"place", "description", "damage"}
_TITLES = {"mr", "mrs", "ms", "miss", "dr"}


@dataclass(frozen=True)
class Miss:
    """Something stated that is not so: where, what was stated and the words it was read from, what is true."""

    document: str
    layout: str
    field_name: str
    stated: str
    truth: str
    quote: str

    def __str__(self) -> str:
        return (
            f"{self.document} {self.layout}: {self.field_name} stated {self.stated!r}, "
            f"truth {self.truth}, from {' '.join(self.quote.split())[:110]!r}"
        )


@dataclass
class Tally:
    """Counts for one field. `found` of `wanted` are what the documents plainly state."""

    right: int = 0
    wrong: int = 0
    wanted: int = 0
    found: int = 0

    @property
    def stated(self) -> int:
        """How often a value was stated."""
        return self.right + self.wrong

    def add(self, other: Tally) -> None:
        """Count the other's too."""
        self.right += other.right
        self.wrong += other.wrong
        self.wanted += other.wanted
        self.found += other.found


@dataclass
class Score:
    """The whole set."""

    fields: dict[str, Tally] = field(default_factory=dict)
    lines: Tally = field(default_factory=Tally)
    misses: list[Miss] = field(default_factory=list)
    documents: int = 0
    kinds_right: int = 0
    wrong_kinds: list[Miss] = field(default_factory=list)

    def count(self, sample: Sample, facts: DocumentFacts) -> None:
        """Compare one extraction with its truth; a kind counts as stated from a confidence of 0.8."""
        self.documents += 1
        self._count_kind(sample, facts)
        for name in sorted(sample.states.keys() | facts.fields.keys()):
            self._count_field(sample, name, facts.fields.get(name))
        if sample.lines is not None:
            truth, stated = Counter(map(Decimal, sample.lines)), Counter(line.amount for line in facts.lines)
            shared = (truth & stated).total()
            self.lines.add(Tally(shared, stated.total() - shared, truth.total(), shared))

    def over(self, names: Iterable[str]) -> Tally:
        """The fields together."""
        whole = Tally()
        for name in names:
            whole.add(self.fields.get(name, Tally()))
        return whole

    def _count_kind(self, sample: Sample, facts: DocumentFacts) -> None:
        if facts.kind == sample.kind:
            self.kinds_right += 1
        elif facts.kind_confidence >= 0.8:
            stated = f"{facts.kind} ({facts.kind_confidence:.2f})"
            self.wrong_kinds.append(Miss(sample.name, sample.layout, "kind", stated, sample.kind, ""))

    def _count_field(self, sample: Sample, name: str, fact: Extracted | None) -> None:
        tally = self.fields.setdefault(name, Tally())
        wanted = sample.states.get(name)
        tally.wanted += wanted is not None
        if fact is None or fact.value is None:  # None: stated on the page, and the extractor says it cannot tell which
            return
        stated = fact.value if isinstance(fact.value, str) else ", ".join(fact.value)
        if wanted is not None and agrees(name, stated, wanted):
            tally.right += 1
            tally.found += 1
        elif any(agrees(name, stated, reading) for reading in sample.tolerates.get(name, ())):
            tally.right += 1
        else:
            tally.wrong += 1
            truth = wanted or " or ".join(sorted(sample.tolerates.get(name, ()))) or "not stated"
            self.misses.append(Miss(sample.name, sample.layout, name, stated, truth, fact.quote))


def agrees(name: str, stated: str, truth: str) -> bool:
    """Whether a stated value says what the truth says."""
    if name in _MONEY:
        try:
            return Decimal(stated) == Decimal(truth)
        except InvalidOperation:
            return False
    if name in _IDENTIFIERS:
        return _bare(stated) == _bare(truth)
    if name in _FREE_TEXT:
        said, true = Counter(_words(stated)), Counter(_words(truth))
        return (said & true).total() >= max(0.8 * said.total(), 0.4 * true.total(), 1)
    if name in {"claimant", "insured"}:
        return sorted(_words(stated)) == sorted(_words(truth))
    return _words(stated) == _words(truth)


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share after Wilson; (0, 1) of nothing."""
    if not of:
        return 0.0, 1.0
    z, share = 1.959964, hits / of
    middle = share + z * z / (2 * of)
    reach = z * sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    whole = 1 + z * z / of
    return max(0.0, (middle - reach) / whole), min(1.0, (middle + reach) / whole)


def _bare(text: str) -> str:
    return re.sub(r"[^0-9A-Z]", "", text.upper())


def _words(text: str) -> list[str]:
    return [word for word in re.findall(r"[^\W_]+", text.casefold()) if word not in _TITLES]
