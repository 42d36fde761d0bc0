"""A move whose commit was not seen is known again: that it was written, by whom, and what was opened and resolved with it."""

from __future__ import annotations

from app.core.canonical import canonical
from app.core.ids import new_id
from app.core.lifecycle import EventKind, Status
from app.store.database import Connection
from app.store.runs.moves import Beside, move, was_mine
from tests.support.bench import A, B, seen, to, write


def _alert() -> str:
    return canonical({"id": str(new_id()), "rule": "dead_letter", "subject": "s", "message": "m"})


def test_a_move_is_known_again_by_its_run_its_number_and_its_id(db: Connection) -> None:
    run, beside = seen(db), Beside()
    assert write(db, was_mine(run, beside)) == []
    write(db, move(run, to(), beside=beside))
    assert [row["transition_seq"] for row in write(db, was_mine(run, beside))] == [4]
    assert write(db, was_mine(run, Beside())) == []
    assert write(db, was_mine(seen(db, B), beside)) == []
    assert write(db, was_mine(seen(db), beside)) == []


def test_what_was_opened_and_resolved_with_a_move_is_told_again_and_nothing_else(db: Connection) -> None:
    run, stops = seen(db), Beside(alert=_alert())
    write(db, move(run, to(Status.DEAD_LETTER), beside=stops))
    # At the same moment of another run, and at another moment of this one.
    db.execute(
        """INSERT INTO alerts (id, rule, run_id, subject, message, opened_at, resolved_at)
                  SELECT gen_random_uuid(), 'other', %s, 'x', 'x', opened_at, opened_at FROM alerts UNION ALL
                  SELECT gen_random_uuid(), 'older', %s, 'y', 'y', opened_at - interval '1 hour',
                         opened_at - interval '1 minute' FROM alerts""",
        [B, A],
    )
    said = [{"rule": "dead_letter", "subject": "s", "message": "m"}]
    (told,) = write(db, was_mine(run, stops))
    assert (told["opened"], told["resolved"]) == (said, None)

    stopped, goes_on = seen(db), Beside()
    (moved,) = write(db, move(stopped, to(Status.READY, event=EventKind.REDRIVEN, closes_tasks=True), beside=goes_on))
    (told,) = write(db, was_mine(stopped, goes_on))
    assert (told["opened"], told["resolved"]) == (None, said) == (None, moved["resolved"])
