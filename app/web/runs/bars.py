"""Bars of time: each attempt of a step as the queue it stood in, the work, the waits and the pauses before another try.

The law: the text beside a bar says the same as the bar. A long wait is drawn short, with a mark where it is broken, so
that two days for a person do not hide a second of work.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from app.core.lifecycle import ENDED, SPENT_AS, SpentAs, Status
from app.store.reads.timeline import Stand
from app.web.http.show import duration

WIDTH = 1000.0
_THINNEST = 3.0
_SHARE = 0.25  # of all other time: as long as a wait is drawn at most
SPOKEN: Mapping[str, str] = {
    SpentAs.QUEUE: "in the queue",
    SpentAs.RUNNING: "running",
    SpentAs.PERSON: "waiting for a person",
    SpentAs.SIGNAL: "waiting for a signal",
    SpentAs.CHILDREN: "waiting for child runs",
    SpentAs.BACKOFF: "waiting for its time",
    SpentAs.STOPPED: "stopped",
}
_WORK = (SpentAs.QUEUE, SpentAs.RUNNING)


@dataclass(slots=True, kw_only=True)
class Piece:
    """A stretch of time of one kind; `x` and `width` of a whole of WIDTH; `broken`: drawn shorter than it is."""

    kind: str
    seconds: float
    x: float = 0.0
    width: float = 0.0
    broken: bool = False


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One attempt of a step: when it began, its pieces, how it ended."""

    state: str
    step_seq: int
    attempt: int
    at: datetime
    ended: str = ""
    reason: str = ""
    pieces: list[Piece] = field(default_factory=list)

    @property
    def spent(self) -> Mapping[str, float]:
        """Seconds by kind."""
        found: dict[str, float] = {}
        for piece in self.pieces:
            found[piece.kind] = found.get(piece.kind, 0.0) + piece.seconds
        return found

    @property
    def said(self) -> str:
        """The bar in words: "0.2 s in the queue, 1.4 s running"."""
        return ", ".join(f"{duration(seconds)} {SPOKEN[kind]}" for kind, seconds in self.spent.items())


def attempts(standings: Iterable[Stand], now: datetime) -> list[Attempt]:
    """A run's transitions (with `until`) as attempts of steps with their bars, the oldest first."""
    found: list[Attempt] = []
    for stood in standings:
        if stood.to_status in ENDED:
            if found:
                found[-1].ended, found[-1].reason = stood.event, stood.reason or ""
            continue
        last = found[-1] if found else None
        if last is None or (last.step_seq, last.attempt) != (stood.step_seq, stood.attempt):
            if last is not None:
                last.ended, last.reason = stood.event, stood.reason or ""
            last = Attempt(state=stood.to_state, step_seq=stood.step_seq, attempt=stood.attempt, at=stood.at)
            found.append(last)
        seconds = max(0.0, ((stood.until or now) - stood.at).total_seconds())
        last.pieces.append(Piece(kind=SPENT_AS[Status(stood.to_status)], seconds=seconds))
    _lay_out([piece for attempt in found for piece in attempt.pieces])
    return found


def _lay_out(pieces: Sequence[Piece]) -> None:
    """Place every piece on one line from 0 to WIDTH, long waits broken."""
    work = sum(piece.seconds for piece in pieces if piece.kind in _WORK)
    most = max(work * _SHARE, 0.5)
    drawn = [min(p.seconds, most) if p.kind not in _WORK else p.seconds for p in pieces]
    scale = (WIDTH - _THINNEST * len(pieces)) / (sum(drawn) or 1.0) if len(pieces) * _THINNEST < WIDTH else 0.0
    x = 0.0
    for piece, seconds in zip(pieces, drawn, strict=True):
        piece.x, piece.width = round(x, 1), round(seconds * scale + min(_THINNEST, WIDTH / max(1, len(pieces))), 1)
        piece.broken = seconds < piece.seconds
        x += piece.width
