"""Bars of time say the same as their words, and a long wait does not hide the work."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from app.store.reads.timeline import Stand
from app.web.runs import bars

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def stood(*pieces: tuple[str, float, int, int]) -> list[Stand]:
    """Where a run stood: status, seconds, step, attempt; it still does where it stood last."""
    at, found = NOW - timedelta(seconds=sum(each[1] for each in pieces)), list[Stand]()
    for seq, (status, seconds, step, attempt) in enumerate(pieces):
        until = at + timedelta(seconds=seconds)
        found.append(
            Stand(
                seq=seq,
                event="e",
                from_status=None,
                from_state=None,
                to_status=status,
                to_state=f"S{step}",
                step_seq=step,
                attempt=attempt,
                actor="x",
                reason=None,
                at=at,
                until=None if seq == len(pieces) - 1 else until,
            )
        )
        at = until
    return found


def test_an_attempt_is_split_by_what_its_time_went_to() -> None:
    found = bars.attempts(
        stood(("READY", 2, 1, 1), ("RUNNING", 3, 1, 1), ("WAITING_FOR_TIMER", 4, 1, 2), ("RUNNING", 5, 1, 2)), NOW
    )
    assert [(each.step_seq, each.attempt, dict(each.spent)) for each in found] == [
        (1, 1, {"queue": 2.0, "running": 3.0}),
        (1, 2, {"backoff": 4.0, "running": 5.0}),
    ]
    assert found[0].said == "2.0 s in the queue, 3.0 s running"


def test_two_days_for_a_person_are_drawn_short_and_said_whole() -> None:
    two_days = 2 * 86400 + 4 * 3600
    (attempt,) = bars.attempts(stood(("RUNNING", 4, 1, 1), ("WAITING_FOR_HUMAN", two_days, 1, 1)), NOW)
    work, wait = attempt.pieces
    assert wait.broken
    assert not work.broken
    assert work.width > wait.width
    assert attempt.said == "4.0 s running, 2 d 4 h waiting for a person"
    assert wait.x + wait.width <= bars.WIDTH + 1


def test_a_thousand_pieces_still_fit() -> None:
    found = bars.attempts(stood(*[("RUNNING", 1, n, 1) for n in range(1000)]), NOW)
    assert found[-1].pieces[-1].x <= bars.WIDTH
