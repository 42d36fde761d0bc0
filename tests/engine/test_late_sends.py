"""A thread that falls asleep between its intent's commit and the send: what it sends when it wakes, if anything."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel

from app.core.declarations.tools import Tool
from app.core.retry import ONCE
from app.core.workflow import Step, Workflow
from app.engine import start
from app.engine.runtime import Registry
from app.engine.step.step import run_step
from app.store.workers import workers
from app.sweeps import heartbeats, timers
from tests.support.journey import Travel, travel
from tests.support.waiting import wait_for

# Short, because both sides really wait that long: a monotonic clock is nothing a test can move.
ASKED = Tool("payments.pay", reconciles=True, timeout="1s", settle="200ms")
KEYED = Tool("payments.keyed", idempotent_for="24h", timeout="1s")
READS = Tool("payments.look", reads_only=True, timeout="1s")
INTENT = "SELECT * FROM checkpoints WHERE call_seq = 1 AND status = 'INTENT'"


class Bill(BaseModel):
    """What was paid."""

    paid: list[str] = []


def _paying(tool: Tool) -> Workflow:
    def pay(step: Any, data: Bill) -> str:
        data.paid.append(step.call(tool, to="Ada Ferncastle")["payment"])
        return "paid"

    states = [Step("PAYING", does=pay, retry=ONCE, then={"paid": "COMPLETE"})]
    return Workflow(name="paying_once", version=1, data=Bill, starts_at="PAYING", states=states)


@dataclass
class Service:
    """A payments service without keys: it pays as often as it is told, and says honestly what it did."""

    paid: list[tuple[str, str]] = field(default_factory=list)

    def by(self, who: str) -> Any:
        """Its client in one process."""
        service = self

        class Client:
            def __call__(self, key: str, params: Mapping[str, Any]) -> Any:
                service.paid.append((who, key))
                return {"payment": f"P-{len(service.paid)}"}

            def reconcile(self, key: str, params: Mapping[str, Any]) -> Any | None:
                return next(({"payment": "P-1"} for _, known in service.paid if known == key), None)

        return Client()


@dataclass
class Sleeper:
    """A worker whose thread fell asleep right after the intent of a run was committed."""

    journey: Travel
    run_id: UUID
    intent: dict[str, Any]
    wakes: Callable[[], str]

    def a_call_later(self) -> None:
        """Wait until a call begun with the intent would have timed out."""
        over = "SELECT 1 AS one WHERE app_now() > %s + interval '1.1 s'"
        wait_for(lambda: self.journey.rows(over, self.intent["intent_at"]), "the end of a call's time-out")

    def is_given_up(self) -> None:
        """The heartbeats sweep finds its session gone."""
        worker = self.journey.one("SELECT id, pinged_at FROM workers")
        lost = heartbeats.Lost(worker["id"], worker["pinged_at"], "its session is gone")
        heartbeats.give_up(self.journey.rt, lost)


def _left_by_an_earlier_attempt(journey: Travel, run_id: UUID, tool: Tool, status: str) -> None:
    """The attempt before died within the call, of which the journal says `status`."""

    def die(key: str, params: Mapping[str, Any]) -> Any:
        raise KeyboardInterrupt

    client, journey.rt.tools = journey.rt.tools, {tool.name: die}
    with suppress(KeyboardInterrupt):
        run_step(journey.rt, run_id, 1, workflow=journey.run(run_id)["workflow"], state="PAYING")
    journey.rt.tools = client
    journey.tamper("UPDATE checkpoints SET status = %s WHERE call_seq = 1", status)
    journey.tamper("UPDATE runs SET status = 'READY', lease_token = NULL, worker_id = NULL, ready_at = app_now()")


@contextmanager
def _asleep(url: str, service: Service, tool: Tool, *, left: str = "") -> Iterator[Sleeper]:
    """A worker that sleeps on an intent; `wakes` gives the word its step ended with.

    left: what an earlier attempt left of the call.
    """
    asleep, wake, tired = threading.Event(), threading.Event(), threading.Event()

    def look() -> None:
        if (
            tired.is_set()
            and not asleep.is_set()
            and journey.rows(f"{INTENT} AND lease_token = (SELECT lease_token FROM runs)")
        ):
            asleep.set()
            assert wake.wait(60)

    def wakes() -> str:
        wake.set()
        return step.result(60)

    with travel(url, look=look) as journey, ThreadPoolExecutor(1) as pool:
        rt, workflow = journey.rt, _paying(tool)
        rt.workflows, rt.tools = Registry((workflow,)), {tool.name: service.by("the sleeper")}
        queues, worker = ["q"], rt.worker_id
        rt.database.transact(
            lambda db: workers.register(
                db, worker, lock_key=1, liveness="lock", host="h", pid=1, queues=queues, slots=1
            )
        )
        begin = lambda db: start.start(db, workflow, subject="L-1", data=Bill(), key=None, actor="test")  # noqa: E731
        run_id = rt.database.transact(begin).run_id
        if left:
            _left_by_an_earlier_attempt(journey, run_id, tool, left)
        tired.set()
        step = pool.submit(run_step, rt, run_id, 1, workflow=workflow.name, state="PAYING")
        try:
            assert asleep.wait(60)
            yield Sleeper(journey, run_id, journey.one(INTENT), wakes)
        finally:
            wake.set()


def test_a_sender_that_overslept_sends_nothing_once_another_may_believe_it_never_will(database_url: str) -> None:
    service = Service()
    with _asleep(database_url, service, ASKED) as sleeper, travel(database_url) as other:
        other.rt.workflows = Registry((_paying(ASKED),))
        other.rt.tools = {ASKED.name: service.by("the other")}
        sleeper.is_given_up()
        other.go()
        assert other.run(sleeper.run_id)["status"] == "WAITING_FOR_TIMER", "too early to believe that nothing was sent"
        wait_for(lambda: timers.run_once(other.rt)["woken"] or None, "the time at which nothing can be under way")
        other.go()

        assert sleeper.wakes() == "lease lost"
        assert [who for who, _ in service.paid] == ["the other"]
        assert other.run(sleeper.run_id)["status"] == "COMPLETE"


def test_a_sender_that_overslept_and_was_given_up_sends_nothing_though_nobody_took_over_yet(database_url: str) -> None:
    service = Service()
    with _asleep(database_url, service, ASKED) as sleeper:
        sleeper.is_given_up()
        sleeper.a_call_later()
        assert sleeper.wakes() == "lease lost"
        assert not service.paid


@pytest.mark.parametrize("tool", [ASKED, KEYED], ids=lambda tool: tool.name)
def test_a_sender_that_overslept_and_still_has_its_lease_writes_its_intent_anew_and_sends(
    database_url: str, tool: Tool
) -> None:
    service = Service()
    with _asleep(database_url, service, tool) as sleeper:
        sleeper.a_call_later()
        assert sleeper.wakes() == "ended"

        call = sleeper.journey.one("SELECT * FROM checkpoints WHERE call_seq = 1")
        assert (call["status"], len(service.paid)) == ("COMPLETE", 1)
        later = (call["intent_at"] - sleeper.intent["intent_at"]).total_seconds()
        assert later > 1, "who takes over would have counted from the first intent"
        assert sleeper.journey.run(sleeper.run_id)["attempt"] == 1, "to sleep is no failed attempt"


def test_a_repetition_that_overslept_is_judged_anew_as_its_key_may_be_void_by_now(database_url: str) -> None:
    service = Service()
    with _asleep(database_url, service, KEYED, left="INTENT") as sleeper:
        sleeper.a_call_later()
        assert sleeper.wakes() != "ended" and not service.paid
        run = sleeper.journey.run(sleeper.run_id)
        assert (run["status"], run["attempt"]) == ("WAITING_FOR_TIMER", 1), (
            "soon again, and to sleep is no failed attempt"
        )
        call = sleeper.journey.one("SELECT * FROM checkpoints WHERE call_seq = 1")
        assert (call["status"], call["intent_at"]) == ("INTENT", sleeper.intent["intent_at"])


@pytest.mark.parametrize(("tool", "left"), [(KEYED, "FAILED"), (READS, "INTENT")])
def test_a_repetition_that_overslept_is_made_if_nothing_can_have_been_done(
    database_url: str, tool: Tool, left: str
) -> None:
    service = Service()
    with _asleep(database_url, service, tool, left=left) as sleeper:
        sleeper.a_call_later()
        assert sleeper.wakes() == "ended" and len(service.paid) == 1
        call = sleeper.journey.one("SELECT * FROM checkpoints WHERE call_seq = 1")
        assert call["status"] == "COMPLETE" and call["intent_at"] > sleeper.intent["intent_at"]


@pytest.mark.parametrize("tool", [ASKED, KEYED], ids=lambda tool: tool.name)
def test_a_sender_given_up_while_it_is_still_vouched_for_pays_and_nobody_pays_a_second_time(
    database_url: str, tool: Tool
) -> None:
    """Given up within seconds, because its session broke: its last heartbeat lets it send for minutes."""
    service = Service()
    with _asleep(database_url, service, tool) as sleeper, travel(database_url) as other:
        other.rt.workflows = Registry((_paying(tool),))
        other.rt.tools = {tool.name: service.by("the other")}
        sleeper.journey.rt.holdings.vouch(time.monotonic() + 120)
        sleeper.is_given_up()

        assert sleeper.wakes() == "lease lost", "its result would be written under a lease that is gone"
        assert [who for who, _ in service.paid] == ["the sleeper"], "its intent was young: nobody thinks it is not sent"
        other.go()
        assert other.run(sleeper.run_id)["status"] == "COMPLETE"
        assert len({key for _, key in service.paid}) == 1, "the service cannot know the second for the first"
        assert len(service.paid) == (1 if tool is ASKED else 2)
