"""Ways that chance takes too rarely, taken every time: the machine's own steps and checks, in an order somebody chose."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conftest import fresh_database
from tests.lifecycle_machine.machine import LifecycleMachine
from tests.lifecycle_machine.maze import DAY, TOOLS
from tests.lifecycle_machine.script import Script
from tests.lifecycle_machine.test_lifecycle_machine import Code
from tests.lifecycle_machine.world import World, world


class Way:
    """What happens to one run and its children, step by step; after each everything is checked."""

    def __init__(self, machine: LifecycleMachine) -> None:
        self.machine, self.deeds = machine, machine.deeds

    def work(self, n: int = 0, **script: object) -> Way:
        self.deeds.work(self.machine.runs[n], Script(**script), self.machine.world.able()[0])  # type: ignore[arg-type]
        return self._look()

    def later(self, seconds: float) -> Way:
        self.deeds.clock(seconds)
        self.deeds.timers()
        return self._look()

    def answer(self, choice: int = 0) -> Way:
        self.deeds.answer(self.machine.runs[0], choice, "ada")
        return self._look()

    def signal(self, name: str, signal_id: str = "a") -> Way:
        self.deeds.signal(self.machine.runs[0], name, signal_id, "the same body")
        return self._look()

    def operate(self, verb: str) -> Way:
        self.deeds.operate(verb, self.machine.runs[0])
        return self._look()

    def fork(self, step: int) -> Way:
        self.deeds.fork(self.machine.runs[0], step)
        return self._look()

    def watch(self) -> Way:
        self.deeds.watch()
        return self._look()

    def pay(self, **script: Any) -> Way:
        return self.work(ending="approve").work().answer(1).work(**script)

    def _look(self) -> Way:
        self.machine.checks.look()
        return self


def _kill(way: Way, at: int) -> Way:
    return way.work(plan=("send",), at=at, deeds=(("kill", 0),))


CANCEL = (("cancel", 0),)
WAYS: dict[str, Callable[[Way], Way]] = {
    "cancelled in its last step": lambda way: way.work(plan=("send",), ending="done", at=3, deeds=CANCEL),
    "cancelled in a step without hope": lambda way: way.work(ending="hopeless", at=3, deeds=CANCEL),
    "cancelled between the decision and the move": lambda way: way.work(at=4, deeds=CANCEL),
    "cancelled in its second try": lambda way: way.work(ending="transient").later(1900).work(at=2, deeds=CANCEL),
    "cancelled and killed for the second time": lambda way: _kill(_kill(way, 4).watch(), 4).operate("cancel").watch(),
    "paused between the decision and the move": lambda way: way.work(at=4, deeds=(("pause", 0),)),
    "signalled between the decision and the move": lambda way: way.work(ending="listen").work(
        at=2, deeds=(("signal", 0),)
    ),
    "another call at a recorded place": lambda way: (
        way.work(plan=("send",), answers=("no answer",)).later(10).work(strays=1)
    ),
    "another call at one place, an open one at the next": lambda way: (
        way.work(plan=("send", "send"), answers=("well", "no answer")).later(10).work(strays=1)
    ),
    "one call less, and that one open": lambda way: (
        way.work(plan=("send",), answers=("no answer",)).later(10).work(fewer=True)
    ),
    "a doubt answered with again": lambda way: way.work(plan=("send", "post"), ending="unsure").answer(0).work(),
    "late retries come to an end": lambda way: (
        way.work(ending="transient")
        .later(1900)
        .work(ending="transient")
        .later(1000)
        .work(ending="transient")
        .later(1900)
        .work(ending="transient")
        .later(1000)
        .work(ending="transient")
        .later(1900)
        .work(ending="transient")
        .later(1000)
    ),
    "it did not happen": lambda way: way.work(plan=("post",), answers=("no trace",)).later(10).work().answer().work(),
    "it had happened": lambda way: way.work(plan=("post",), answers=("no answer",)).later(10).work().answer().work(),
    "asked for, not found, too early to believe": lambda way: (
        way.work(plan=("probe",), answers=("slow",)).later(10).work().later(27).work()
    ),
    "a key that was honoured until a moment ago": lambda way: (
        way.work(plan=("send",), answers=("no answer",)).later(DAY - 20).work()
    ),
    "a key that is honoured for a moment more": lambda way: (
        way.work(plan=("send",), answers=("no answer",)).later(DAY - 40).work()
    ),
    "a second payment refused while the first stands": lambda way: way.pay().pay(answers=("not done",)),
    "a payment nobody knows of, and a cancel": lambda way: way.pay(answers=("no answer",)).operate("cancel"),
    "a payment after an accepted cancel": lambda way: (
        way.work(ending="approve").work().answer(1).work(at=2, deeds=CANCEL)
    ),
    "children of a fan-out that expired": lambda way: (
        way.work(ending="split")
        .work(children=1)
        .later(61 * DAY)
        .work()
        .later(4000)
        .work(ending="split")
        .work(children=2)
        .work(1, ending="done")
    ),
    "the last child is cancelled by hand": lambda way: (
        way.work(ending="split").work(children=2).work(1, ending="done").work(2, ending="hopeless")
    ),
    "a step past its deadline": lambda way: way.work(at=3, deeds=(("oversleep", 0),)),
    "a step whose run another one took": lambda way: way.work(
        plan=("send",), at=6, deeds=(("lose", 0), ("elsewhere", 0))
    ),
    "asleep between intent and send": lambda way: way.work(
        plan=("probe",), at=4, deeds=(("nap", 0), ("lose", 0), ("elsewhere", 0))
    ),
    "unheard between intent and send": lambda way: way.work(plan=("send",), at=4, deeds=(("unheard", 0),)),
    "killed beside another step": lambda way: (
        way.work().fork(1).work(at=2, deeds=(("beside", 1), ("beside", 1))).watch()
    ),
    "one body under one id, by two names": lambda way: way.signal("word").signal("reply"),
    "a signal of another name stays pending": lambda way: (
        way.signal("noise").work(ending="listen").work().signal("word", "b")
    ),
    "a reply that came before it was waited for": lambda way: way.signal("reply").work(
        plan=("send",), ending="suspend"
    ),
}


@pytest.fixture(scope="module")
def machines(admin_url: str, template_database: str) -> Iterator[World]:
    with (
        fresh_database(admin_url, template_database) as url,
        world(url, {tool.name: Code() for tool in TOOLS.values()}) as made,
    ):
        yield made


@pytest.mark.parametrize("name", WAYS)
def test_a_known_way_ends_as_the_design_says(machines: World, name: str) -> None:
    machine: LifecycleMachine = type("Machine", (LifecycleMachine,), {"world": machines})()
    try:
        machine.start()
        WAYS[name](Way(machine))
    finally:
        machine.teardown()
