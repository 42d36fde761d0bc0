"""Runs whose time has come together are woken together, and one that cannot be woken is in nobody's way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest

from app.engine.start import start
from app.store.database import Connection, Database
from app.store.records.verify import verify
from app.sweeps import timers
from tests.support.journey import Travel, travel
from tests.support.small_workflows import NAPPING, Bill

TOGETHER = 7


@pytest.fixture
def napping(database_url: str) -> Iterator[Travel]:
    """Runs that wait for a timer that is due; by what a worker may do."""
    with travel(database_url, workflows=(NAPPING,)) as found:
        found.rt.database.close()
        found.rt.database = Database(database_url, "worker")
        for n in range(TOGETHER):
            found.rt.database.transact(lambda db, n=n: _start(db, n))  # type: ignore[misc]
        found.go()
        found.advance_clock(timedelta(seconds=3))
        yield found
        found.rt.database.close()


def _start(db: Connection, n: int) -> None:
    start(db, NAPPING, subject=f"T-{n}", data=Bill(), key=None, actor="test")


def _asleep(journey: Travel) -> list[UUID]:
    return [row["id"] for row in journey.rows("SELECT id FROM runs WHERE status = 'WAITING_FOR_TIMER' ORDER BY id")]


def test_all_that_are_due_wake_and_each_is_told_of(napping: Travel) -> None:
    ids = _asleep(napping)
    assert timers.run_once(napping.rt) == {"woken": TOGETHER}
    assert _asleep(napping) == []
    for run_id in ids:
        assert napping.rt.database.transact(lambda db, run_id=run_id: verify(db, run_id)).holds  # type: ignore[misc]
    assert len({bell.run_id for bell in napping.rt.dispatcher.rung} & set(ids)) == TOGETHER  # type: ignore[attr-defined]


BROKEN = {
    "decided": "UPDATE runs SET status = 'WAITING_FOR_EVENT', routes = '{}', expires_at = wake_at, wake_at = NULL WHERE id = '{id}'",
    "written": """CREATE FUNCTION not_this() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN IF new.run_id = '{id}' THEN RAISE EXCEPTION 'not this one'; END IF; RETURN new; END $$;
        CREATE TRIGGER not_this BEFORE INSERT ON transition_rows FOR EACH ROW EXECUTE FUNCTION not_this()""",
}


@pytest.mark.parametrize("broken", BROKEN)
def test_one_that_cannot_be_woken_keeps_no_other_asleep(napping: Travel, broken: str) -> None:
    one = _asleep(napping)[0]
    napping.tamper(BROKEN[broken].replace("{id}", str(one)))
    assert timers.run_once(napping.rt) == {"woken": TOGETHER - 1}
    assert [row["id"] for row in napping.rows("SELECT id FROM runs WHERE status <> 'READY'")] == [one]


def test_a_turn_ends_within_its_period_and_the_next_goes_on(napping: Travel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timers, "BATCH", 3)
    napping.rt.settings = napping.rt.settings.model_copy(update={"timers_seconds": 0.0})
    woken = [timers.run_once(napping.rt)["woken"] for _ in range(4)]
    assert woken == [3, 3, 1, 0]
    napping.rt.settings = napping.rt.settings.model_copy(update={"timers_seconds": 60.0})
    napping.tamper("UPDATE runs SET status = 'WAITING_FOR_TIMER', wake_at = app_now(), routes = '{}'")
    assert timers.run_once(napping.rt) == {"woken": TOGETHER}, "with time left, batch after batch in one turn"
