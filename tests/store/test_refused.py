"""Refused messages are rows of few kinds, however a sender varies them; none is lost from the counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from app.engine.process.refusals import refused
from app.store.database import Database
from app.store.records import refused as store
from app.store.records.refused import MOST_KINDS, OTHERS, SAMPLES, SPELL_SECONDS, Refused
from tests.support.journey import Travel


@pytest.fixture
def worker(database_url: str, journey: Travel) -> Iterator[Database]:
    """The database as workers may use it."""
    database = Database(database_url, "worker")
    yield database
    database.close()


Note = Callable[..., None]


@pytest.fixture
def note(worker: Database) -> Note:
    """Write refused messages."""
    return lambda *found: worker.transact(lambda db: store.note(db, found))


def bell(name: Any = "some.STATE", said: str = "", **more: Any) -> Refused:
    return refused("bell", queue="steps.some.v1", name=name, reason="it names no run", said={"id": said} | more)


def rows(journey: Travel) -> list[dict[str, Any]]:
    return journey.rows("SELECT * FROM refused_messages ORDER BY id")


def test_messages_refused_alike_are_one_row_with_their_number_and_the_newest_of_them(
    journey: Travel, note: Note
) -> None:
    for n in range(SAMPLES + 2):
        note(bell(said=f"m{n}"))
    (row,) = rows(journey)
    assert (row["what"], row["queue"], row["name"], row["reason"]) == (
        "bell",
        "steps.some.v1",
        "some.STATE",
        "it names no run",
    )
    assert row["count"] == row["spell_count"] == SAMPLES + 2
    assert [said["id"] for said in row["samples"]] == ["m4", "m3", "m2"]
    assert row["first_at"] < row["last_at"]


def test_a_sender_who_varies_everything_fills_a_bounded_number_of_rows(journey: Travel, worker: Database) -> None:
    """Also where many processes write at once; of the others every single one is counted."""

    def write(n: int) -> None:
        name = "".join(chr(ord("a") + int(digit)) for digit in str(n))
        worker.transact(lambda db: store.note(db, [bell(f"task.{name}"), bell(f"other.{name}")]))

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(write, range(MOST_KINDS)))
    found = rows(journey)
    assert len(found) == MOST_KINDS + 1, "as many rows as the sender can make up"
    assert sum(row["count"] for row in found) == 2 * MOST_KINDS
    (beyond,) = (row for row in found if row["fingerprint"] == store.others("bell"))
    assert (beyond["name"], beyond["queue"], beyond["count"]) == (OTHERS, "", MOST_KINDS)


def test_bells_that_fill_their_rows_leave_those_of_starts_alone(journey: Travel, note: Note) -> None:
    journey.tamper(
        """INSERT INTO refused_messages SELECT 'f' || n, gen_random_uuid(), 'bell', '', '', '', '[]', 1, app_now(), app_now(), 1, app_now()
           FROM generate_series(1, %s) n""",
        MOST_KINDS,
    )
    note(refused("start", queue="intake", name="clam", reason="there is no workflow 'clam'", said={}))
    assert [row["name"] for row in rows(journey) if row["what"] == "start"] == ["clam"]


def test_a_spell_ends_with_an_hour_without_one(journey: Travel, note: Note) -> None:
    note(bell(), bell())
    journey.advance_clock(timedelta(seconds=SPELL_SECONDS - 10))
    note(bell())
    (row,) = rows(journey)
    assert (row["count"], row["spell_count"], row["spell_at"]) == (3, 3, row["first_at"])
    journey.advance_clock(timedelta(seconds=SPELL_SECONDS + 10))
    note(bell())
    (row,) = rows(journey)
    assert (row["count"], row["spell_count"]) == (4, 1)
    assert row["spell_at"] == row["last_at"] > row["first_at"]


def test_what_is_written_late_stands_at_its_own_time(journey: Travel, note: Note) -> None:
    """As after an outage: others may have written newer ones meanwhile."""
    note(bell())
    before = rows(journey)[0]
    kept = Refused(
        **{f: getattr(bell(), f) for f in Refused.__slots__} | {"count": 5, "first_age": 900.0, "last_age": 600.0}
    )
    note(kept)
    (row,) = rows(journey)
    assert (row["count"], row["spell_count"]) == (6, 6)
    assert row["last_at"] == before["last_at"]
    assert timedelta(seconds=899) < before["first_at"] - row["first_at"] < timedelta(seconds=905)


def test_a_clock_set_back_begins_a_new_spell_and_stops_nothing(journey: Travel, note: Note) -> None:
    note(bell())
    journey.tamper(
        "UPDATE refused_messages SET last_at = last_at + interval '1 day', spell_at = spell_at + interval '1 day'"
    )
    note(bell())
    (row,) = rows(journey)
    assert (row["count"], row["spell_count"]) == (2, 1)
    assert row["last_at"] <= journey.one("SELECT app_now() AS at")["at"]


@pytest.mark.parametrize(
    "text",
    ["\0", "\ud800", "\u202egnp", "x" * 10**6, "'; DROP TABLE runs; --", "\ue000", b"\xff", {"a": ["\0"]}, 7, None],
)
def test_whatever_a_message_says_can_be_written(journey: Travel, note: Note, text: Any) -> None:
    note(refused("bell", queue=text, name=text, reason=str(text), said={"task": text, "id": text}))
    (row,) = rows(journey)
    assert max(len(str(row[name])) for name in ("queue", "name", "reason", "samples")) < 1000


def test_the_pages_may_look_and_not_write(database_url: str, journey: Travel, note: Note) -> None:
    note(bell())
    web = Database(database_url, "web")
    assert len(web.transact(store.standing)) == 1
    with pytest.raises(Exception, match="permission denied"):
        web.transact(lambda db: store.note(db, [bell()]))
    web.close()
