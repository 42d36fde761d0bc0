"""Messages that were refused, counted by their kind in the process that refused them, until somebody writes them.

The law: counting never waits and holds a bounded number of kinds, whatever a sender varies. A kind is what was
refused, in which queue, for which task or workflow and why; numbers, ids and quoted words of the reason are no part of it.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.core.ids import INTAKE
from app.core.workflow import POOLS
from app.engine.step.persons import fingerprint
from app.store.records.refused import MOST_KINDS, OTHERS, SAMPLES, Refused, What, others
from app.telemetry import logs

_LONGEST, _LONGEST_REASON = 100, 300  # characters of what a message says, and of why it was refused
_VARIES = re.compile(r"'[^']*'|\"[^\"]*\"|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_PLACES = frozenset({*POOLS, "sweeps", INTAKE, "canary"})
_UNSEEN = "\N{REPLACEMENT CHARACTER}"
UNKNOWN = "unknown"


def place(queue: str) -> str:
    """The kind of a queue, of which there are few: its pool, or that it is none of ours."""
    kind = queue.partition(".")[0]
    return kind if kind in _PLACES else UNKNOWN


def refused(what: What, *, queue: Any, name: Any, reason: object, said: Mapping[str, Any]) -> Refused:
    """One message that was refused. said: of the message, what helps to find its sender; what is absent is None."""
    where, asked, why = _queue(queue), _told(name), _readable(str(reason), _LONGEST_REASON)
    alike = fingerprint(what, f"{where}/{asked}", _VARIES.sub("", why))
    sample = {each: _told(value) for each, value in said.items() if value is not None}
    return Refused(fingerprint=alike, what=what, queue=where, name=asked, reason=why, count=1, samples=(sample,))


def _queue(queue: Any) -> str:
    """A queue as people know it: a canary's has a name of its own in every process."""
    text = "" if queue is None else _readable(str(queue), _LONGEST)
    return "canary" if text.startswith("canary.") else text


def _told(value: Any) -> str:
    """What a message says, as a log may show it: a name is a short text, anything else is a payload."""
    if value is None:
        return ""
    return _readable(value if isinstance(value, str) else str(logs.mask(value)), _LONGEST)


def _readable(text: str, longest: int) -> str:
    short = text[:longest]
    return short if short.isprintable() else "".join(c if c.isprintable() else _UNSEEN for c in short)


@dataclass(slots=True)
class _Kind:
    """What came of one kind. Times are monotonic seconds."""

    like: Refused
    first: float
    last: float
    count: int = 0
    samples: list[Mapping[str, str]] = field(default_factory=list)


class Collector:
    """The refusals of one process that are not written yet: `most` kinds of each, and how many there are beyond."""

    def __init__(self, most: int = MOST_KINDS) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._kinds: dict[str, _Kind] = {}

    def count(self, one: Refused) -> None:
        """Keep what came, or came back."""
        now = time.monotonic()
        with self._lock:
            kind = self._kind(one, now)
            kind.count += one.count
            kind.first, kind.last = min(kind.first, now - one.first_age), max(kind.last, now - one.last_age)
            kind.samples = [*one.samples, *kind.samples][:SAMPLES]

    def _kind(self, one: Refused, now: float) -> _Kind:
        known = self._kinds.get(one.fingerprint)
        if known is None and len(self._kinds) >= self._most:
            one = Refused(
                fingerprint=others(one.what), what=one.what, queue="", name=OTHERS, reason=one.reason, count=0
            )
            known = self._kinds.get(one.fingerprint)
        if known is None:
            known = self._kinds[one.fingerprint] = _Kind(one, now, now - one.last_age)
        return known

    def take(self) -> list[Refused]:
        """All that was kept, to be written now; what was not is given back to `keep`."""
        now = time.monotonic()
        with self._lock:
            kinds, self._kinds = self._kinds, {}
        return [
            Refused(
                fingerprint=key,
                what=kind.like.what,
                queue=kind.like.queue,
                name=kind.like.name,
                reason=kind.like.reason,
                count=kind.count,
                samples=kind.samples,
                first_age=now - kind.first,
                last_age=now - kind.last,
            )
            for key, kind in kinds.items()
        ]

    def keep(self, unwritten: Sequence[Refused]) -> None:
        """What could not be written: as if it had come again, at its own time."""
        for one in unwritten:
            self.count(one)
