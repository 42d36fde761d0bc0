"""A dispatcher for tests without a broker; processes load it by its dotted name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from app.core.ports import Bell

SILENT_DISPATCHER = "tests.support.dispatchers:SilentDispatcher"


class SilentDispatcher:
    """Rings nowhere and remembers its bells, which count as rung."""

    def __init__(self) -> None:
        self.rung: list[Bell] = []
        self.answered: Counter[str] = Counter()

    def ring(self, bells: Iterable[Bell]) -> int:
        """Remember them."""
        new = list(bells)
        self.rung += new
        return len(new)

    def lying(self, queue: str) -> int:
        """The bells of a queue, less those that a test says were answered."""
        return sum(bell.queue == queue for bell in self.rung) - self.answered[queue]
