"""Small charts as the geometry of an SVG, with the sentence and the table that say the same in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from app.store.reads.overview import SLOT_SECONDS

HEIGHT = 48.0  # of one series, in units of the drawing; a slot is 1 wide
_PER_HOUR = 3600 // SLOT_SECONDS


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle of the drawing."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """One thing counted by slots. most, most_at: its highest slot, and when that was. newest: its latest slot."""

    name: str
    bars: Sequence[Bar]
    total: int
    most: int
    most_at: datetime | None
    newest: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """A day. hours: (begin, one sum for each series; None: not read yet), newest first. unread: slots not read yet."""

    id: str
    title: str
    unit: str
    width: int
    height: float
    series: Sequence[Series]
    hours: Sequence[tuple[datetime, Sequence[int | None]]]
    unread: int

    @property
    def sentence(self) -> str:
        """What the drawing shows, in words."""
        span = (
            "the last 24 hours" if not self.unread else f"the last {(self.width - self.unread) / _PER_HOUR:.0f} hours"
        )
        parts = [
            f"{s.name}: {s.total:,} in all"
            + (f", at most {s.most:,} in five minutes, at {s.most_at:%H:%M} UTC" if s.most_at else "")
            for s in self.series
        ]
        return f"{self.title} in {span}. {'; '.join(parts)}."


def chart(name: str, title: str, unit: str, series: Sequence[tuple[str, Sequence[int | None]]], last: int) -> Chart:
    """A chart of series of equal length whose last slot is `last`. Of two, the second hangs below the line."""
    width = len(series[0][1])
    return Chart(
        id=name,
        title=title,
        unit=unit,
        width=width,
        height=HEIGHT * len(series),
        series=[_series(label, values, last, below=n == 1) for n, (label, values) in enumerate(series)],
        hours=_hours([values for _, values in series], last),
        unread=sum(value is None for value in series[0][1]),
    )


def _series(name: str, values: Sequence[int | None], last: int, *, below: bool) -> Series:
    known = [value or 0 for value in values]
    most = max(known, default=0)
    highest = known.index(most) if most else None
    bars = []
    for x, value in enumerate(known):
        if value:
            tall = max(1.5, value / most * (HEIGHT - 2))  # what came about is seen, however small beside the most
            bars.append(Bar(x, HEIGHT if below else HEIGHT - tall, 1, round(tall, 2)))
    return Series(
        name=name,
        bars=bars,
        total=sum(known),
        most=most,
        newest=known[-1],
        most_at=_at(last - len(values) + 1 + highest) if highest is not None else None,
    )


def _hours(series: Sequence[Sequence[int | None]], last: int) -> list[tuple[datetime, list[int | None]]]:
    """Sums by the hour of the clock."""
    first = last - len(series[0]) + 1
    found: dict[int, list[int | None]] = {}
    for n in range(len(series[0])):
        sums = found.setdefault((first + n) // _PER_HOUR, [None] * len(series))
        for which, values in enumerate(series):
            if (value := values[n]) is not None:
                sums[which] = (sums[which] or 0) + value
    return [(_at(hour * _PER_HOUR), sums) for hour, sums in sorted(found.items(), reverse=True)]


def _at(slot: int) -> datetime:
    return datetime.fromtimestamp(slot * SLOT_SECONDS, UTC)
