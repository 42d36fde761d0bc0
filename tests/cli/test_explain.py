"""Every status has its sentence, and the sentence names the cause that was read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from app.core.errors import NotFound
from app.core.ids import new_token
from app.core.lifecycle import EventKind, Status
from app.core.run import Event
from app.core.values.durations import spoken
from app.diagnosis.explain import Explanation, explain
from app.engine.control import operate
from app.engine.control.signals import signal
from app.engine.step import advance
from app.humans.complete import complete
from app.store.database import Connection
from app.store.reads import situation
from app.store.runs import steps
from app.store.workers import workers
from app.sweeps import timers
from tests.support.journey import Travel

OPERATOR = "person:noor"


def said(t: Travel, run_id: UUID, *, broker: str | None = None) -> Explanation:
    """What explain says of a run."""
    seen = t.rt.database.transact(lambda db: situation.read(db, run_id))
    return explain(seen, t.rt.settings, broker=broker)


def register(t: Travel, *queues: str) -> None:
    """This process as a living worker of these queues."""
    t.rt.database.transact(
        lambda db: workers.register(
            db, t.rt.worker_id, lock_key=1, liveness="ping", host="box", pid=77, queues=queues, slots=16
        )
    )


def lease(t: Travel, run_id: UUID) -> None:
    """Take a lease and do nothing."""
    wanted = steps.lease(run_id, 1, token=new_token(), worker=t.rt.worker_id, timeout_seconds=300)
    t.rt.journal.write(run_id, wanted, until=float("inf"))


def answer(t: Travel, run_id: UUID) -> None:
    """Answer the run's open task as Ada."""
    task = t.one("SELECT id FROM human_tasks WHERE status = 'OPEN' AND run_id = %s", run_id)
    complete(t.rt, task["id"], by="ada", outcome="approved", answer={"amount": "12.50"})


def to_the_letter(t: Travel, run_id: UUID) -> None:
    """As far as the wait for a letter."""
    t.enrol("ada", "adjuster")
    t.go()
    answer(t, run_id)
    t.go()


def to_the_rest(t: Travel, run_id: UUID) -> None:
    """As far as the timer."""
    to_the_letter(t, run_id)
    signal(t.rt, run_id, "letter", None, signal_id="s", actor="test")
    t.go()


def past_the_rest(t: Travel, run_id: UUID) -> None:
    """Beyond the timer, as far as it goes."""
    to_the_rest(t, run_id)
    t.advance_clock(timedelta(hours=2))
    timers.run_once(t.rt)
    t.go()


def stand_by(t: Travel, run_id: UUID) -> None:
    """A worker that could."""
    register(t, "steps.journey.v1")


def run_it(t: Travel, run_id: UUID) -> None:
    """A worker that has begun."""
    stand_by(t, run_id)
    lease(t, run_id)


def lose_it(t: Travel, run_id: UUID) -> None:
    """Its worker is gone, the sweep was killed between its two moves."""
    run_it(t, run_id)

    def lose(db: Connection) -> None:
        run = advance.lock_or_refuse(db, run_id)
        advance.apply(db, run, Event(kind=EventKind.LOST, actor="sweep:heartbeats", reason="its session is gone"))

    t.rt.database.transact(lose)


def exhaust(t: Travel, run_id: UUID) -> None:
    """Both tries fail."""
    t.go()
    t.advance_clock(timedelta(minutes=10))
    timers.run_once(t.rt)
    t.go()


def pause(t: Travel, run_id: UUID) -> None:
    """An operator holds it."""
    operate.pause(t.rt, run_id, actor=OPERATOR, reason="audit")


def cancel(t: Travel, run_id: UUID) -> None:
    """An operator ends it."""
    operate.cancel(t.rt, run_id, actor=OPERATOR, reason="withdrawn")


def fail(t: Travel, run_id: UUID) -> None:
    """An operator gives it up."""
    t.go()
    operate.fail(t.rt, run_id, actor=OPERATOR, reason="no use")


CASES: dict[Status, tuple[str, Callable[[Travel, UUID], None], str, list[str]]] = {
    Status.READY: ("well", stand_by, "ready", ["1 worker can take it"]),
    Status.RUNNING: ("well", run_it, "running", ["under worker", "(box, process 77)", "deadline", "try 1"]),
    Status.WAITING_FOR_HUMAN: (
        "well",
        lambda t, _: t.go(),
        "waiting",
        ["adjuster was asked “How much?”", "due", "nobody who may answer"],
    ),
    Status.WAITING_FOR_EVENT: ("well", to_the_letter, "waiting", ["for the signal letter", "at most until", "in 14 d"]),
    Status.WAITING_FOR_TIMER: ("well", to_the_rest, "waiting", ["waits in RESTING until", "(in 1 h)"]),
    Status.WAITING_FOR_CHILDREN: (
        "well",
        past_the_rest,
        "waiting",
        ["1 of 2 child runs", "J-1/1 is stopped in GATHERING as DEAD_LETTER"],
    ),
    Status.SUSPECTED_DEAD: (
        "well",
        lose_it,
        "being reassigned",
        ["its session is gone", "the heartbeats sweep has never run"],
    ),
    Status.FAILED_RETRIABLE: (
        "flaky",
        exhaust,
        "stopped until a person decides",
        ["refused the connection", "late retry 1 of 3 comes"],
    ),
    Status.DEAD_LETTER: (
        "hopeless",
        lambda t, _: t.go(),
        "stopped until a person decides",
        ["closed for good", "redrive or fail"],
    ),
    Status.PAUSED: ("well", pause, "paused until a person decides", ["by person:noor: audit", "until someone resumes"]),
    Status.COMPLETE: ("well", past_the_rest, "ended", ["ended as COMPLETE", "by worker:", "closed"]),
    Status.CANCELLED: ("well", cancel, "ended", ["ended as CANCELLED", "by person:noor: withdrawn"]),
    Status.FAILED: ("hopeless", fail, "ended", ["ended as FAILED", "by person:noor: no use"]),
}


@pytest.mark.parametrize("status", list(Status))
def test_every_status_is_explained_by_its_cause(journey: Travel, status: Status) -> None:
    mood, bring_there, condition, words = CASES[status]
    run_id = journey.begin(mood=mood, bad_child=status is Status.WAITING_FOR_CHILDREN)
    bring_there(journey, run_id)
    assert journey.run(run_id)["status"] == status
    found = said(journey, run_id)
    assert found.condition == condition
    for word in words:
        assert word in found.sentence
    assert found.sentence.startswith("J-1 ")
    assert found.sentence.endswith(".")
    assert "None" not in found.sentence


def test_ready_but_no_worker_is_alive(journey: Travel) -> None:
    assert "no worker is alive" in said(journey, journey.begin()).sentence


def test_ready_but_no_worker_has_its_version(journey: Travel) -> None:
    run_id = journey.begin()
    register(journey, "steps.journey.v2", "documents.journey.v2", "sweeps")
    sentence = said(journey, run_id).sentence
    assert "no worker subscribes to its queue steps.journey.v1 (there are workers of v2)" in sentence
    assert "start one that has journey v1 in the pool steps" in sentence


def test_ready_but_every_worker_shuts_down_or_is_silent(journey: Travel) -> None:
    run_id = journey.begin()
    register(journey, "steps.journey.v1")
    journey.tamper("UPDATE workers SET stopping = true")
    assert "silent or shutting down" in said(journey, run_id).sentence
    journey.tamper("UPDATE workers SET stopping = false, pinged_at = app_now() - interval '3 minutes'")
    assert "silent or shutting down" in said(journey, run_id).sentence


def test_ready_while_the_broker_is_away(journey: Travel) -> None:
    run_id = journey.begin()
    register(journey, "steps.journey.v1")
    assert "the broker is away (refused)" in said(journey, run_id, broker="refused").sentence


def test_ready_behind_others(journey: Travel) -> None:
    journey.begin("J-0")
    run_id = journey.begin()
    register(journey, "steps.journey.v1")
    journey.advance_clock(timedelta(seconds=40))
    sentence = said(journey, run_id).sentence
    assert "behind 1 older run in its queue steps.journey.v1; 1 worker with 16 slots" in sentence
    assert "the dispatch sweep has never run" in sentence


def test_ready_behind_more_than_all_slots_take_at_once_says_what_takes_more(journey: Travel) -> None:
    for n in range(17):
        journey.begin(f"K-{n}")
    run_id = journey.begin()
    register(journey, "steps.journey.v1")
    assert "another worker of its pool, or a larger -c of one, takes more at once" in said(journey, run_id).sentence


def test_running_under_a_worker_that_fell_silent(journey: Travel) -> None:
    run_id = journey.begin()
    run_it(journey, run_id)
    journey.advance_clock(timedelta(seconds=90))
    assert "it has not pinged for 1 m 30 s" in said(journey, run_id).sentence
    journey.tamper("UPDATE workers SET gone_at = app_now()")
    assert "that worker is gone" in said(journey, run_id).sentence


def test_who_may_answer_and_who_may_not(journey: Travel) -> None:
    run_id = journey.begin()
    journey.enrol("ada", "adjuster")
    journey.enrol("bo", "adjuster")
    journey.go()
    assert "Ada or Bo may answer" in said(journey, run_id).sentence
    journey.tamper("UPDATE human_tasks SET not_by = '{ada}'")
    assert "; Bo may answer" in said(journey, run_id).sentence
    journey.tamper("UPDATE human_tasks SET claimed_by = 'bo'")
    assert "claimed by bo" in said(journey, run_id).sentence


def test_a_wait_whose_task_is_missing_is_not_silent(journey: Travel) -> None:
    run_id = journey.begin()
    journey.go()
    journey.tamper("DELETE FROM human_tasks")
    assert "no human task is open for it: this needs an operator" in said(journey, run_id).sentence


@pytest.mark.parametrize(
    ("mood", "words"), [("flaky", "try 2, until"), ("throttled", "Throttled: the registry asks for patience")]
)
def test_the_next_try_has_a_time_and_a_reason(journey: Travel, mood: str, words: str) -> None:
    run_id = journey.begin(mood=mood)
    journey.go()
    sentence = said(journey, run_id).sentence
    assert "waits to try GATHERING again" in sentence
    assert words in sentence


def test_a_due_timer_that_nobody_wakes(journey: Travel) -> None:
    run_id = journey.begin()
    to_the_rest(journey, run_id)
    journey.advance_clock(timedelta(hours=3))
    sentence = said(journey, run_id).sentence
    assert "due and late by 2 h" in sentence
    assert "the timers sweep has never run, so see whether beat is alive" in sentence


def test_what_was_asked_of_a_run_that_cannot_yet(journey: Travel) -> None:
    run_id = journey.begin()
    run_it(journey, run_id)
    cancel(journey, run_id)
    assert "a cancel is asked for and comes about at the end of its step" in said(journey, run_id).sentence
    other = journey.begin("J-2")
    journey.go()
    pause(journey, other)
    assert "a pause is asked for" in said(journey, other).sentence


def test_of_no_run_nothing_is_said(journey: Travel) -> None:
    with pytest.raises(NotFound):
        said(journey, UUID(int=7))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "0.0 s"),
        (0.42, "0.4 s"),
        (12, "12 s"),
        (59.7, "1 m"),
        (200, "3 m 20 s"),
        (7200, "2 h"),
        (187_200, "2 d 4 h"),
    ],
)
def test_durations_as_people_say_them(seconds: float, words: str) -> None:
    assert spoken(seconds) == words


def test_data_that_does_not_fit_is_explained_in_one_line(journey: Travel) -> None:
    run_id = journey.begin()
    journey.tamper("""UPDATE run_data SET data = '{"mood": "sad", "amount": "much"}' WHERE run_id = %s""", run_id)
    journey.go()
    assert journey.run(run_id)["status"] == Status.DEAD_LETTER
    sentence = said(journey, run_id).sentence
    assert "Luggage: mood: Input should be 'well'" in sentence
    assert "; amount: " in sentence
    assert "\n" not in sentence
    assert "errors.pydantic.dev" not in sentence
