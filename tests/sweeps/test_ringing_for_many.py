"""When many runs become ready at once, few of their bells lie in the broker, and the others follow as those are answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from uuid import UUID

import pytest

from app.core.ports import Bell
from app.engine.start import start
from app.store.database import Connection, Database
from app.sweeps import dispatch, timers
from tests.support.dispatchers import SilentDispatcher
from tests.support.journey import Travel, travel
from tests.support.small_workflows import NAPPING, TWO, Bill

FEW, MANY = 3, 9


@pytest.fixture
def many(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Travel]:
    """As many timers that are due at once, for sweeps that take three for many; and beside them what a worker may do."""
    monkeypatch.setattr(dispatch, "AHEAD", FEW)
    monkeypatch.setattr(dispatch, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(timers, "BATCH", FEW)
    with travel(database_url, workflows=(NAPPING, TWO), dispatch_seconds=60.0) as found:
        found.rt.database.close()
        found.rt.database = Database(database_url, "worker")
        for n in range(MANY):
            found.rt.database.transact(lambda db, n=n: _start(db, n))  # type: ignore[misc]
        found.go()
        found.advance_clock(timedelta(seconds=3))
        found.rt.dispatcher = SilentDispatcher()
        yield found
        found.rt.database.close()


def _start(db: Connection, n: int) -> None:
    start(db, NAPPING, subject=f"R-{n}", data=Bill(), key=None, actor="test")


def _ready(journey: Travel) -> list[UUID]:
    return [row["id"] for row in journey.rows("SELECT id FROM runs WHERE status = 'READY' ORDER BY ready_at")]


class Answering(SilentDispatcher):
    """Each bell is answered as soon as it is rung."""

    def __init__(self, answer: Callable[[UUID], None]) -> None:
        super().__init__()
        self._answer, self.together = answer, list[int]()

    def ring(self, bells: Iterable[Bell]) -> int:
        rung = list(bells)
        self.together.append(len(rung))
        for bell in rung:
            self.answered[bell.queue] += 1
            self._answer(bell.run_id)
        return super().ring(rung)


def test_all_wake_and_a_few_bells_are_rung(many: Travel) -> None:
    assert timers.run_once(many.rt) == {"woken": MANY}
    assert len(_ready(many)) == MANY
    assert len(many.rt.dispatcher.rung) == FEW  # type: ignore[attr-defined]


def test_the_others_are_rung_for_as_those_before_them_are_answered(many: Travel) -> None:
    timers.run_once(many.rt)
    many.rt.dispatcher = answering = Answering(
        lambda run_id: many.tamper("UPDATE runs SET status = 'PAUSED', ready_at = NULL WHERE id = %s", run_id)
    )
    many.rt.settings = many.rt.settings.model_copy(update={"dispatch_seconds": 3600.0})
    assert dispatch.run_once(many.rt)["rung"] == MANY
    assert answering.together == [FEW] * (MANY // FEW)


def test_those_whose_bells_lie_there_are_passed_over(many: Travel) -> None:
    timers.run_once(many.rt)
    lying, rung = many.rt.dispatcher, SilentDispatcher()
    assert isinstance(lying, SilentDispatcher)
    rung.rung, first = lying.rung[: FEW - 1], _ready(many)
    many.rt.dispatcher = rung
    many.rt.settings = many.rt.settings.model_copy(update={"dispatch_seconds": 3600.0})
    bells, again = dispatch._behind(many.rt)
    assert ([bell.run_id for bell in bells], again) == ([first[FEW - 1]], True)


def test_where_others_have_rung_for_far_more_the_turn_ends(many: Travel) -> None:
    timers.run_once(many.rt)
    rung = many.rt.dispatcher.rung  # type: ignore[attr-defined]
    rung += rung
    assert dispatch._behind(many.rt) == ([], False)
