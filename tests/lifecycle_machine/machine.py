"""The machine: Hypothesis draws what happens next, among two runs, their children and a fork, in any order.

After every step everything is checked against the model (`checks`). At the end all faults are over: time moves on, the
sweeps run until nothing moves any more, and whoever is asked answers; then every run must have ended.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.lifecycle_machine.calls import ANSWERS
from tests.lifecycle_machine.checks import Checks
from tests.lifecycle_machine.deeds import OPERATIONS, Deeds
from tests.lifecycle_machine.maze import DAY, STAGE, TROUBLES
from tests.lifecycle_machine.model import Run
from tests.lifecycle_machine.script import Script
from tests.lifecycle_machine.world import World

WAYS = ("listen", "rest", "ask", "split", "approve", "more")
ENDS = ("done", "lost")
DISTURBANCES = (
    "kill",
    "kill",
    "lose",
    "cancel",
    "cancel",
    "cancel parent",
    "pause",
    "resume",
    "signal",
    "nap",
    "oversleep",
    "unheard",
    "timers",
    "shut down",
    "elsewhere",
    "beside",
)
_tools = st.sampled_from(("send", "send", "probe", "post", "read"))
_plans = st.lists(_tools, min_size=0, max_size=3).map(tuple)
_numbers = st.integers(0, 5)
_answers = st.lists(st.sampled_from(ANSWERS), min_size=1, max_size=3).map(tuple)
_gates = st.integers(0, 7) | st.integers(4, 16)  # few attempts have more than eight
_ways = st.sampled_from(WAYS)
_deeds = st.lists(st.tuples(st.sampled_from(DISTURBANCES), _numbers), min_size=1, max_size=3).map(tuple)
_well = st.builds(Script, plan=_plans, ending=_ways, children=st.integers(0, 2))
_ending = st.builds(Script, plan=_plans, ending=st.sampled_from(ENDS))
_badly = st.builds(
    Script,
    plan=_plans.filter(bool),
    answers=_answers,
    ending=st.sampled_from((*TROUBLES, *WAYS, *ENDS)),
    doubled=st.integers(-1, 8),
)
_trouble = st.builds(Script, plan=_plans, ending=st.sampled_from(TROUBLES), doubled=st.integers(-1, 8))
_strange = st.builds(Script, plan=_plans.filter(bool), answers=_answers, strays=st.integers(0, 2), fewer=st.booleans())
_disturbed = st.builds(
    Script,
    plan=_plans,
    answers=_answers | st.just(("well",)),
    ending=st.sampled_from((*WAYS, *ENDS, *ENDS, *TROUBLES)),
    children=st.integers(0, 2),
    at=_gates,
    deeds=_deeds,
    doubled=st.integers(-1, 8),
)
MOST_AT_ONCE, MOST_RUNS = 2, 9


class LifecycleMachine(RuleBasedStateMachine):
    """One example: a fresh world, then rules. `world` is set by the test that runs it."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.world.begin()
        self.deeds = Deeds(self.world)
        for tool, code in self.world.tools.items():
            code.attempts = self.deeds.attempts
            code.name = tool.split(".")[1]
        STAGE.player = [self.deeds.attempts]
        self.checks = Checks(self.world, self.deeds.attempts)

    @property
    def runs(self) -> list[Run]:
        return self.deeds.model.runs

    def those(self, *statuses: str) -> list[Run]:
        return [run for run in self.runs if run.status in statuses]

    @initialize()
    def begin(self) -> None:
        self.start()

    @rule(data=st.data())
    def next(self, data: st.DataObject) -> None:
        """One of what can happen now. One rule for all, as Hypothesis leaves out whole rules for an example: most of ours need others."""
        possible = [name for name, (weight, may, _) in HAPPENINGS.items() if may(self) for _ in range(weight)]
        name = data.draw(st.sampled_from(possible), label="next")
        getattr(self, name)(**data.draw(st.fixed_dictionaries(HAPPENINGS[name][2]), label=name))

    def start(self) -> None:
        self.deeds.start()

    def work(self, n: int, script: Script, worker: int = 0) -> None:
        ready, able = self.those("READY"), self.world.able()
        self.deeds.work(ready[n % len(ready)], script, able[worker % len(able)])

    work_to_an_end = work_while_calls_fail = work_in_vain = work_otherwise = work_disturbed = work

    def ring_in_vain(self, n: int, before: int) -> None:
        run = self.runs[n % len(self.runs)]
        seq = max(1, run.step_seq - before)
        if run.status != "READY" or seq != run.step_seq:
            self.deeds.work(run, Script(), self.world.able()[0], step_seq=seq)

    def signal_what_is_waited_for(self, n: int) -> None:
        waiting = self.those("WAITING_FOR_EVENT")
        run = waiting[n % len(waiting)]
        name = next(name for name in run.routes if name != "expired")
        self.deeds.signal(run, name, f"wanted {len(run.signals)}", "hear")

    def signal(self, n: int, name: str, signal_id: str, body: str) -> None:
        self.deeds.signal(self.runs[n % len(self.runs)], name, signal_id, body)

    def answer(self, n: int, choice: int, by: str) -> None:
        asking = [run for run in self.runs if run.task]
        self.deeds.answer(asking[n % len(asking)], choice, by)

    def operate(self, n: int, verb: str) -> None:
        self.deeds.operate(verb, self.runs[n % len(self.runs)])

    def resume(self, n: int) -> None:
        paused = self.those("PAUSED")
        self.deeds.operate("resume", paused[n % len(paused)])

    def fork(self, n: int, step: int) -> None:
        run = self.runs[n % len(self.runs)]
        self.deeds.fork(run, 1 + step % run.step_seq)

    def clock(self, seconds: float) -> None:
        self.deeds.clock(seconds)

    def timers_about_the_next_deadline(self, by: float) -> None:
        self.deeds.next_deadline(by)
        self.deeds.timers()

    def sweep(self, duty: str) -> None:
        getattr(self.deeds, duty)()

    def watch(self) -> None:
        self.deeds.watch()

    @invariant()
    def everything_holds(self) -> None:
        self.checks.look()

    def teardown(self) -> None:
        try:
            if self.runs:
                self._bring_to_an_end()
        finally:
            STAGE.player = []
            self.world.end()

    def _bring_to_an_end(self) -> None:
        """All faults are over, and whoever is asked answers: every run ends."""
        for turn in range(20):
            self._settle()
            if all(run.ended for run in self.runs):
                return
            self._let_people_decide(patient=turn < 4)
        raise AssertionError(
            f"still under way: {[(run.number, run.state, run.status) for run in self.runs if not run.ended]}"
        )

    def _settle(self) -> None:
        """Until nothing moves by itself: sweeps, and work that goes well. What is left waits for somebody."""
        for _ in range(60):
            for sweep in (self.deeds.ping, self.deeds.watch, self.deeds.heartbeats, self.deeds.timers):
                sweep()
            for run in self.those("READY"):
                if run.status == "READY":
                    self.deeds.work(run, Script(ending="done"), self.world.able()[0])
            if not self.those("READY", "RUNNING", "SUSPECTED_DEAD"):
                if not self.those("WAITING_FOR_TIMER"):
                    break
                self.deeds.next_deadline(3)
        self.checks.look()
        moving = self.those("READY", "RUNNING", "SUSPECTED_DEAD", "WAITING_FOR_TIMER")
        assert not moving, f"never at rest: {[(run.number, run.state, run.status) for run in moving]}"

    def _let_people_decide(self, *, patient: bool) -> None:
        """Whoever is impatient fails what is stopped: a step that asked for something else once does so for ever."""
        for run in self.runs:
            match run.status:
                case "PAUSED":
                    self.deeds.operate("resume", run)
                case "WAITING_FOR_EVENT":
                    name = next(name for name in run.routes if name != "expired")
                    self.deeds.signal(run, name, f"at last {len(run.signals)}", "hear")
                case _ if run.task is not None:
                    self.deeds.answer(run, 1 if run.task == "triage" and patient else 0, "ada")


May = Callable[[LifecycleMachine], bool]


def _any(*statuses: str) -> May:
    return lambda machine: bool(machine.those(*statuses))


def _always(machine: LifecycleMachine) -> bool:
    return True


def _has_room(machine: LifecycleMachine) -> bool:
    return len(machine.runs) < MOST_RUNS


def _wants_more(machine: LifecycleMachine) -> bool:
    return _has_room(machine) and sum(not run.ended for run in machine.runs) < MOST_AT_ONCE


# By name: how often it happens beside the others, when it can, and what is drawn for it.
HAPPENINGS: dict[str, tuple[int, May, dict[str, st.SearchStrategy[Any]]]] = {
    "start": (6, _wants_more, {}),
    "work": (6, _any("READY"), {"n": _numbers, "script": _well}),
    "work_to_an_end": (1, _any("READY"), {"n": _numbers, "script": _ending}),
    "work_while_calls_fail": (4, _any("READY"), {"n": _numbers, "script": _badly}),
    "work_in_vain": (4, _any("READY"), {"n": _numbers, "script": _trouble}),
    "work_otherwise": (2, _any("READY"), {"n": _numbers, "script": _strange}),
    "work_disturbed": (8, _any("READY"), {"n": _numbers, "script": _disturbed, "worker": _numbers}),
    "ring_in_vain": (1, _always, {"n": _numbers, "before": st.integers(0, 1)}),
    "signal_what_is_waited_for": (3, _any("WAITING_FOR_EVENT"), {"n": _numbers}),
    "signal": (
        2,
        _always,
        {
            "n": _numbers,
            "name": st.sampled_from(("word", "reply", "noise")),
            "signal_id": st.sampled_from("abc"),
            "body": st.sampled_from("xy"),
        },
    ),
    "answer": (
        5,
        lambda machine: any(run.task for run in machine.runs),
        {"n": _numbers, "choice": _numbers, "by": st.sampled_from(("ada", "ben"))},
    ),
    "operate": (2, _always, {"n": _numbers, "verb": st.sampled_from(sorted(OPERATIONS))}),
    "resume": (3, _any("PAUSED"), {"n": _numbers}),
    "fork": (1, _has_room, {"n": _numbers, "step": st.integers(0, 9)}),
    "clock": (1, _always, {"seconds": st.sampled_from((10, 37, 1900, 7000, 23_000, DAY - 20, DAY + 20, 15 * DAY))}),
    "timers_about_the_next_deadline": (
        6,
        _any("WAITING_FOR_TIMER", "FAILED_RETRIABLE", "WAITING_FOR_EVENT", "WAITING_FOR_CHILDREN"),
        {"by": st.sampled_from((3.0, 3.0, 3.0, -3.0))},
    ),
    "sweep": (1, _always, {"duty": st.sampled_from(("timers", "watch", "heartbeats", "ping"))}),
    "watch": (4, _any("RUNNING"), {}),
}
