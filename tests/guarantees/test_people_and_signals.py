"""A human task is completed once; a signal is heard once, whenever it comes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from app.core.errors import AlreadyAnswered, KeyReused, NotEntitled, Refused
from app.engine.control.signals import signal
from app.humans.complete import complete
from app.store.human_tasks import human_tasks
from tests.support.faults import Point
from tests.support.stack import MakeStack, Stack
from tests.support.workflows_that_wait import HEARING, LONG_AWAY

pytestmark = pytest.mark.guarantee

PEOPLE = 8


def test_a_human_task_completed_by_many_at_once_has_one_winner_and_the_others_are_told(make_stack: MakeStack) -> None:
    stack = make_stack("workflows_that_wait:LONG_AWAY")
    stack.workers(1)
    stack.enrol("stranger", "operator")
    for n in range(PEOPLE):
        stack.enrol(f"person{n}", "adjuster")
    runs = [stack.start(LONG_AWAY, f"away {n}") for n in range(5)]
    web = [stack.web(LONG_AWAY) for _ in range(2)]  # two web processes behind a balancer

    for run_id in runs:
        stack.until_status(run_id, "WAITING_FOR_HUMAN")
        (task,) = stack.all("SELECT id FROM human_tasks WHERE run_id = %s", run_id)
        with pytest.raises(NotEntitled):
            complete(web[0], task["id"], by="stranger", outcome="go on", answer={})

        def answer(n: int, task_id: UUID = task["id"]) -> Any:
            outcome = ("go on", "stop")[n % 2]
            try:
                return complete(web[n % 2], task_id, by=f"person{n}", outcome=outcome, answer={"remark": f"{n}"})
            except AlreadyAnswered as too_late:
                return too_late

        with ThreadPoolExecutor(PEOPLE) as threads:
            said = list(threads.map(answer, range(PEOPLE)))
        losers = [str(refusal) for refusal in said if isinstance(refusal, AlreadyAnswered)]
        (winner,) = [done for done in said if not isinstance(done, AlreadyAnswered)]
        assert len(losers) == PEOPLE - 1
        when = winner.completed_at.strftime("%Y-%m-%d %H:%M:%S")
        assert all(winner.completed_by in told and when in told for told in losers), (
            "the others were not told who and when"
        )
        stack.until_complete(run_id)
        assert stack.events(run_id).count("person answered") == 1
        data = stack.all("SELECT data FROM run_data WHERE run_id = %s", run_id)[0]["data"]
        assert data["answer"] == {
            "outcome": winner.outcome,
            "by": winner.completed_by,
            "values": {"remark": winner.completed_by[-1]},
        }
        with web[0].database.transaction() as db:
            events = [event.event for event in human_tasks.events_of(db, task["id"])]
        assert events == ["opened", "completed"]


def _words(stack: Stack, run_id: UUID) -> list[Any]:
    words: list[Any] = stack.all("SELECT data -> 'words' AS words FROM run_data WHERE run_id = %s", run_id)[0]["words"]
    return words


def test_a_signal_that_comes_before_the_wait_or_during_the_advance_is_not_lost(make_stack: MakeStack) -> None:
    # No sweep helps: whoever moves the run must see the signal.
    stack = make_stack("workflows_that_wait:HEARING", timers_seconds=600)
    (worker,) = stack.workers(1)
    web = stack.web(HEARING)
    moments: list[tuple[str, Point, str]] = [
        ("in the step before", "in_step", "in the step before"),
        ("before the move into the wait", "before_move", "PREPARING"),
        ("after the move into the wait", "after_move", "PREPARING"),
        ("when the wait's step has its lease", "after_lease", "2"),
        ("before the move that waits", "before_move", "LISTENING"),
        ("after the move that waits", "after_move", "LISTENING"),
    ]
    for moment, point, where in moments:
        if point == "after_lease" and stack.delivers_locally:
            continue  # it has its lease with the move into the wait
        stack.faults.arm(point, where, "hold")
        run_id = stack.start(HEARING, moment)
        stack.until_done(point, where)
        # Before the words: after "enough" the run may have ended.
        signal(web, run_id, "rumour", "nobody waits for this", signal_id="rumour", actor="test")
        for word in ("first", "second", "enough"):
            assert signal(web, run_id, "word", word, signal_id=word, actor="test")
            assert not signal(web, run_id, "word", word, signal_id=word, actor="test"), "kept twice"
        with pytest.raises(KeyReused):
            signal(web, run_id, "word", "other", signal_id="first", actor="test")
        stack.faults.release(point, where)
        stack.until_complete(run_id)
        assert _words(stack, run_id) == ["first", "second", "enough"], moment
        with pytest.raises(Refused, match="has ended as COMPLETE"):
            signal(web, run_id, "word", "late", signal_id="late", actor="test")
    assert worker.alive


def test_of_many_signals_from_many_senders_each_is_heard_once_and_in_order(make_stack: MakeStack) -> None:
    stack = make_stack("workflows_that_wait:HEARING")
    stack.workers(2)
    stack.beat()
    run_id = stack.start(HEARING, "crowd")
    senders = [stack.web(HEARING) for _ in range(4)]

    def speak(n: int) -> None:
        for word in range(25):
            assert signal(senders[n], run_id, "word", [n, word], signal_id=f"{n}.{word}", actor=f"sender {n}")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(speak, range(4)))
    signal(senders[0], run_id, "word", "enough", signal_id="enough", actor="test")
    stack.until_complete(run_id)
    words = [word for word in _words(stack, run_id) if word != "enough"]
    for n in range(4):
        assert [word for sender, word in words if sender == n] == list(range(25)), (
            f"sender {n} was not heard as they spoke"
        )
    assert len(words) == 100
    assert stack.all("SELECT 1 FROM signals WHERE consumed_step_seq IS NULL") == []
