"""A step never waits for the broker, and no bell is forgotten by the thread that rings for all of them."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from app.core.ids import new_id
from app.core.ports import Bell
from tasks.ringer import END_SECONDS, Ringer
from tests.support.waiting import wait_for


def bell() -> Bell:
    return Bell(new_id(), 1, "some", "STATE", "steps.some.v1")


class Broker:
    """A dispatcher that hangs until it is let go."""

    def __init__(self) -> None:
        self.asked: list[list[Bell]] = []
        self.goes_on = threading.Event()

    def ring(self, bells: Iterable[Bell]) -> int:
        self.asked.append(list(bells))
        assert self.goes_on.wait(60)
        if len(self.asked) == 1:
            raise RuntimeError("no dispatcher should, but this one raises")
        return len(self.asked[-1])

    def lying(self, queue: str) -> int:
        return 0


def test_bells_that_come_while_the_broker_hangs_wait_and_go_together() -> None:
    broker = Broker()
    ringer = Ringer(broker, list[Bell]().extend)
    first, later = bell(), [bell() for _ in range(5)]
    assert ringer.ring([first]) == 1
    wait_for(lambda: broker.asked == [[first]], "the first bell to be rung alone and at once")
    assert [ringer.ring([one]) for one in later] == [1] * 5, "whoever rings was held up, or told another number"
    broker.goes_on.set()
    wait_for(lambda: broker.asked == [[first], later], "the others to be rung in one go, though the first one raised")
    ringer.end()


def test_bells_that_the_broker_did_not_take_are_told_of() -> None:
    class Full(Broker):
        def ring(self, bells: Iterable[Bell]) -> int:
            super().ring(bells)
            return 1

    broker, untold, bells = Full(), list[Bell](), [bell() for _ in range(3)]
    broker.asked.append([])
    broker.goes_on.set()
    ringer = Ringer(broker, untold.extend)
    ringer.ring(bells)
    ringer.end()
    assert [one for together in broker.asked for one in together] == bells
    assert untold == [one for together in broker.asked for one in together[1:]]


def test_what_was_rung_before_the_end_is_rung_at_the_end() -> None:
    broker = Broker()
    broker.goes_on.set()
    ringer, bells = Ringer(broker, list[Bell]().extend), [bell() for _ in range(450)]
    ringer.ring(bells)
    ringer.end()
    assert [one for together in broker.asked for one in together] == bells
    assert max(map(len, broker.asked)) <= 200


def test_a_worker_that_ends_waits_for_no_hung_broker_for_ever() -> None:
    broker = Broker()
    ringer = Ringer(broker, list[Bell]().extend)
    ringer.ring([bell()])
    wait_for(lambda: bool(broker.asked), "the bell to be rung")
    ended = threading.Thread(target=ringer.end, daemon=True)
    ended.start()
    ended.join(END_SECONDS + 60)
    assert not ended.is_alive()
    broker.goes_on.set()
