"""Looking often without costing much: what everybody sees alike is read once for all, and rarely where it is dear.

The law: however many people keep the overview open, and however large the database, looks take a small share of its time.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from app.core.lifecycle import Status
from app.store.database import Connection
from app.store.reads import overview
from app.store.reads.overview import BINS_PER_DOUBLING, DAY_SLOTS, SLOT_SECONDS

T = TypeVar("T")
TOO_OLD_SECONDS = 30.0
REST = 19  # times as long as a look took, until the next one: a twentieth of the time at most
_SETTLED_SECONDS = 120  # after so long no transaction that began in a slot can still add to it
_SLICE, _PATIENCE_SECONDS = 24, 0.25  # slots read at once; how long one look may go on filling in the past
Clock = Callable[[], float]
Kind = tuple[str, int, str, str]  # workflow, version, state, status


class Paced(Generic[T]):
    """A value made anew for whoever looks, at most once in `every` seconds; meanwhile everybody gets the last one."""

    def __init__(self, make: Callable[[], T], every: float, clock: Clock = time.monotonic) -> None:
        self._make, self._every, self._clock = make, every, clock
        self._lock = threading.Lock()
        self._made: tuple[T, float] | None = None
        self._due = 0.0

    def get(self) -> tuple[T, float]:
        """The value, and how many seconds old it is. Raises what making it raises; then the next look tries again."""
        if (made := self._made) is None or self._clock() >= self._due:
            # One makes it; the others take the last one, unless there is none, or making one takes far too long: what is
            # shown must not grow old because the database hangs.
            too_old = made is None or self._clock() - self._due > TOO_OLD_SECONDS
            if self._lock.acquire(blocking=too_old):
                try:
                    if self._made is made:
                        self._remake()
                finally:
                    self._lock.release()
        assert self._made is not None
        value, at = self._made
        return value, max(0.0, self._clock() - at)

    def _remake(self) -> None:
        began = self._clock()
        value = self._make()
        ended = self._clock()
        self._made, self._due = (value, began), ended + max(self._every, REST * (ended - began))


@dataclass(slots=True)
class Slot:
    """Five minutes: how many steps of each kind took how long (by class of duration), and what else came about."""

    steps: dict[Kind, dict[int, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))
    started: int = 0
    ended: int = 0
    letters: int = 0

    @property
    def steps_done(self) -> int:
        """Steps that handed their run on; the wait of a step for its children is not counted a second time."""
        return sum(sum(b.values()) for (_, _, _, status), b in self.steps.items() if status == Status.RUNNING)


class History:
    """The last day. A slot that is over is read once; the past is filled in newest first, a little with every look."""

    def __init__(self) -> None:
        self._slots: dict[int, Slot] = {}
        self._open: int | None = None  # from here on slots are read anew
        self.known: int = 0  # from here on everything has been read

    def look(self, db: Connection, at: float) -> None:
        """Read what is new at the time `at` (epoch seconds), and some of what is missing."""
        last, settled = slot_of(at), slot_of(at - _SETTLED_SECONDS)
        if self._open is None or not last - _SLICE <= self._open <= last:
            self._slots, self._open, self.known = {}, settled, settled
        self._read(db, self._open, last + 1)
        self._open = settled
        began, oldest = time.monotonic(), last - DAY_SLOTS + 1
        while self.known > oldest and time.monotonic() - began < _PATIENCE_SECONDS:
            begin = max(oldest, self.known - _SLICE)
            self._read(db, begin, self.known)
            self.known = begin
        self._slots = {number: slot for number, slot in self._slots.items() if number >= oldest}

    def day(self, at: float) -> list[Slot | None]:
        """The slots of the last day, oldest first; None for what has not been read yet."""
        last = slot_of(at)
        return [self._slots.get(n, Slot()) if n >= self.known else None for n in range(last - DAY_SLOTS + 1, last + 1)]

    def durations(self) -> Mapping[Kind, Mapping[int, int]]:
        """How many steps of each kind took how long, over all that is known of the day."""
        found: dict[Kind, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        for slot in self._slots.values():
            for kind, bins in slot.steps.items():
                for number, n in bins.items():
                    found[kind][number] += n
        return found

    def _read(self, db: Connection, begin: int, end: int) -> None:
        steps, flow, letters = overview.slots(db, begin, end)
        fresh = {number: Slot() for number in range(begin, end)}
        for row in steps:
            fresh[row.slot].steps[row.workflow, row.version, row.state, row.status][row.bin] += row.n
        for of_slot in flow:
            fresh[of_slot.slot].started, fresh[of_slot.slot].ended = of_slot.started, of_slot.ended
        for came in letters:
            fresh[came.slot].letters = came.n
        self._slots |= fresh


def slot_of(at: float) -> int:
    """The slot of an epoch time."""
    return int(at // SLOT_SECONDS)


def quantile(bins: Mapping[int, int], share: float) -> float:
    """The duration in seconds that this share of the counted ones does not exceed, to within 5 %."""
    wanted = share * sum(bins.values())
    for number, so_far in _sums(bins):
        if so_far >= wanted:
            return float(2 ** ((number + 0.5) / BINS_PER_DOUBLING))
    return 0.0


def _sums(bins: Mapping[int, int]) -> Iterator[tuple[int, int]]:
    so_far = 0
    for number in sorted(bins):
        so_far += bins[number]
        yield number, so_far
