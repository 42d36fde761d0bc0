"""What a downstream can bear holds for all workers together; who must wait parks, and spends no attempt."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import pytest

from app.core.declarations.limits import Limit
from app.core.errors import BadInput, NotDone, Throttled
from app.core.ids import new_id, new_token
from app.engine import start
from app.engine.runtime import Registry
from app.settings import Settings
from app.stack.assembly import environment_of
from app.store.runs import downstreams
from app.store.runs.steps import Place
from app.sweeps import alerts
from tests.support.journey import Travel, travel
from tests.support.limited import FETCH, FETCHING, THINKING, Work

Deed = Callable[[], Any]


class Register:
    """The registry, which answers as the test says and keeps count."""

    def __init__(self) -> None:
        self.calls = list[str]()
        self.meanwhile: Deed = lambda: None
        self.problem: Exception | None = None

    def __call__(self, key: str, params: Mapping[str, Any]) -> Any:
        self.calls.append(str(params["what"]))
        self.meanwhile()
        if self.problem is not None:
            raise self.problem
        return {"found": True}


def _journey(url: str, limit: dict[str, Any]) -> Any:
    return travel(url, downstreams={"registry": limit} if limit else {})


def _begin(journey: Travel, register: Register, count: int, first: int = 0) -> list[UUID]:
    journey.rt.workflows = Registry((FETCHING,))
    journey.rt.tools = {FETCH.name: register}
    begun = [
        journey.rt.database.transact(
            lambda db, n=n: start.start(db, FETCHING, subject=f"D-{n}", data=Work(), key=None, actor="test")  # type: ignore[misc]
        ).run_id
        for n in range(first, first + count)
    ]
    journey.go()
    return begun


def _wake(journey: Travel) -> None:
    journey.tamper(
        "UPDATE runs SET status = 'READY', ready_at = app_now() WHERE status = 'WAITING_FOR_TIMER' AND wake_at <= app_now()"
    )
    journey.go()


def _elsewhere() -> Place:
    """A call of another run."""
    return Place(run_id=new_id(), step_seq=1, call_seq=1, token=new_token(), attempt=1)


def _statuses(journey: Travel) -> dict[str, int]:
    return {row["status"]: row["n"] for row in journey.rows("SELECT status, count(*) AS n FROM runs GROUP BY 1")}


def _registry(journey: Travel) -> dict[str, Any]:
    return journey.one("SELECT * FROM downstreams WHERE name = 'registry'")


@pytest.fixture
def register() -> Register:
    return Register()


def test_above_the_rate_runs_park_with_a_time_of_their_own_and_spend_no_attempt(
    database_url: str, register: Register
) -> None:
    with _journey(database_url, {"rate": "0.1/s", "burst": 2}) as journey:
        _begin(journey, register, 5)
        assert len(register.calls) == 2
        parked = journey.rows("SELECT * FROM runs WHERE status = 'WAITING_FOR_TIMER' ORDER BY wake_at")
        assert [run["attempt"] for run in parked] == [1, 1, 1]
        assert "registry is called as often as it allows" in parked[0]["waiting_reason"]
        apart = [(b["wake_at"] - a["wake_at"]).total_seconds() for a, b in itertools.pairwise(parked)]
        assert all(gap > 0 for gap in apart) and (parked[2]["wake_at"] - parked[0]["wake_at"]).total_seconds() > 10
        assert not journey.rows("SELECT 1 FROM checkpoints WHERE kind = 'tool' AND status <> 'COMPLETE'"), (
            "nothing was begun"
        )
        for _ in range(4):
            journey.advance_clock(timedelta(seconds=40))
            _wake(journey)
        assert _statuses(journey) == {"COMPLETE": 5}


def test_no_more_calls_are_under_way_than_allowed_and_a_dead_workers_permit_is_given_back(
    database_url: str, register: Register
) -> None:
    with _journey(database_url, {"concurrency": 1}) as journey:
        seen: list[int] = []
        register.meanwhile = lambda: seen.append(journey.one("SELECT count(*) AS n FROM permits")["n"])
        _begin(journey, register, 3)
        assert seen == [1, 1, 1] and _statuses(journey) == {"COMPLETE": 3}
        assert not journey.rows("SELECT 1 FROM permits"), "a permit outlived its call"

        class Killed(BaseException):
            pass

        def die() -> None:
            raise Killed

        register.meanwhile = die
        with pytest.raises(Killed):
            _begin(journey, register, 1, first=10)
        assert len(journey.rows("SELECT 1 FROM permits")) == 1
        register.meanwhile = lambda: None
        (late,) = _begin(journey, register, 1, first=11)
        assert journey.run(late)["status"] == "WAITING_FOR_TIMER", "the dead one's lease still stands"
        journey.tamper("UPDATE runs SET lease_token = NULL, status = 'DEAD_LETTER' WHERE status = 'RUNNING'")
        journey.advance_clock(timedelta(seconds=5))
        _wake(journey)
        assert journey.run(late)["status"] == "COMPLETE"
        assert not journey.rows("SELECT 1 FROM permits")


def test_whoever_waits_for_a_place_comes_again_when_one_may_be_free(database_url: str, register: Register) -> None:
    """Not at the pace of short calls, again and again, while a long one is under way."""
    with _journey(database_url, {"concurrency": 1}) as journey:
        waits = list[float]()

        def others() -> None:
            journey.advance_clock(timedelta(seconds=20))
            limit = journey.rt.settings.downstreams["registry"]
            for longest in (300.0, 300.0, 8.0):
                with journey.rt.database.transaction() as db:
                    answer = downstreams.take(db, _elsewhere(), limit, longest)
                assert (answer.why, answer.granted) == ("concurrency", False)
                waits.append(answer.wait_seconds or 0.0)

        register.meanwhile = others
        _begin(journey, register, 1)
        assert 20 <= waits[0] < 42, "as long as the one under way has lasted, and a place of its own after that"
        assert 40 <= waits[1] < 63
        assert 48 <= waits[2] < 60, "no call lasts beyond its time-out"


def test_a_permit_waits_for_no_disk(database_url: str) -> None:
    with _journey(database_url, {"rate": "1/s"}) as journey, journey.rt.database.transaction() as db:
        limit = journey.rt.settings.downstreams["registry"]
        assert downstreams.take(db, _elsewhere(), limit, 5.0).granted
        assert db.execute("SHOW synchronous_commit").fetchall() == [{"synchronous_commit": "off"}]


def test_what_one_worker_is_asked_for_holds_for_all(database_url: str, register: Register) -> None:
    with _journey(database_url, {"concurrency": 8}) as journey:
        register.problem = Throttled("429", retry_after_seconds=60)
        _begin(journey, register, 4)
        assert len(register.calls) == 1, "the second one did not need to be told"
        assert "asked every caller for patience" in str(journey.rows("SELECT waiting_reason FROM runs"))
        register.problem = None
        journey.advance_clock(timedelta(seconds=59))
        _wake(journey)
        assert len(register.calls) == 1, "earlier than it had asked for"
        journey.advance_clock(timedelta(seconds=30))
        _wake(journey)
        assert _statuses(journey) == {"COMPLETE": 4} and journey.one("SELECT max(attempt) AS n FROM runs")["n"] == 1


@pytest.mark.parametrize("asked", [1e9, float("inf")], ids=["31 years", "for ever"])
def test_a_downstream_that_asks_for_years_is_asked_again_at_the_give_up_age(
    database_url: str, register: Register, asked: float
) -> None:
    with _journey(database_url, {"concurrency": 8}) as journey:
        register.problem = Throttled("429", retry_after_seconds=asked)
        (told, other) = _begin(journey, register, 2)
        for run in (told, other):
            wait = journey.run(run)["wake_at"] - journey.run(run)["updated_at"]
            assert timedelta(hours=5, minutes=59) < wait < timedelta(hours=6, minutes=1), (
                "its own, or that of all callers"
            )
        register.problem = None
        journey.advance_clock(timedelta(hours=6, seconds=5))
        _wake(journey)
        assert _statuses(journey) == {"COMPLETE": 2}


def test_a_probe_that_is_refused_before_it_is_sent_lets_another_probe(database_url: str, register: Register) -> None:
    with travel(database_url, downstreams={"model": {"failures": 1, "cooldown": "1s", "concurrency": 1}}) as journey:
        journey.rt.workflows = Registry((THINKING,))
        journey.enrol("olga", "operator")
        replies: list[Any] = [NotDone("connection refused"), (1, 30, 12, None)]

        def model(step: Any) -> Any:
            reply = replies.pop(0)
            if isinstance(reply, BaseException):
                raise reply
            return reply

        def begin(subject: str) -> UUID:
            return journey.rt.database.transact(
                lambda db: start.start(db, THINKING, subject=subject, data=Work(), key=None, actor="test")
            ).run_id

        journey.rt.provider = cast(Any, model)
        first = begin("B-1")
        journey.go()
        assert journey.one("SELECT breaker FROM downstreams")["breaker"] == "open"
        journey.tamper("UPDATE runs SET tokens_in = 290 WHERE id = %s", first)
        journey.advance_clock(timedelta(minutes=1))
        _wake(journey)
        assert journey.run(first)["status"] == "WAITING_FOR_HUMAN", "its budget has no room for the probe"
        assert not journey.rows("SELECT 1 FROM permits")
        second = begin("B-2")
        journey.go()
        assert journey.run(second)["status"] == "COMPLETE", "it had to wait for a probe that was never sent"


def test_the_breaker_opens_for_all_lets_one_probe_through_and_closes(database_url: str, register: Register) -> None:
    with _journey(
        database_url, {"rate": "2/s", "burst": 9, "failures": 3, "window": "30s", "cooldown": "10s"}
    ) as journey:
        register.problem = NotDone("connection refused")
        _begin(journey, register, 8)
        assert len(register.calls) == 3, "the third failure opens the breaker; nobody else calls"
        assert _registry(journey)["breaker"] == "open"
        alerts.run_once(journey.rt)
        alerts.run_once(journey.rt)
        assert [a["resolved_at"] for a in journey.rows("SELECT * FROM alerts WHERE rule = 'breaker_open'")] == [None]
        # A probe fails: still one alert, and no attempt of the prober is spent.
        before = {run["id"]: run["attempt"] for run in journey.rows("SELECT id, attempt FROM runs")}
        journey.advance_clock(timedelta(seconds=60))
        _wake(journey)
        assert len(register.calls) == 4 and _registry(journey)["breaker"] == "open"
        assert before == {run["id"]: run["attempt"] for run in journey.rows("SELECT id, attempt FROM runs")}
        # It is back: one call finds out, the others follow at the rate.
        register.problem = None
        journey.advance_clock(timedelta(seconds=60))
        _wake(journey)
        assert _registry(journey)["breaker"] == "closed"
        assert len(register.calls) == 5, "after the probe the bucket is empty: no stampede"
        for _ in range(9):
            journey.advance_clock(timedelta(seconds=10))
            _wake(journey)
        assert _statuses(journey) == {"COMPLETE": 8}
        alerts.run_once(journey.rt)
        assert all(a["resolved_at"] for a in journey.rows("SELECT * FROM alerts WHERE rule = 'breaker_open'"))


def test_while_a_probe_is_out_nobody_else_calls(database_url: str, register: Register) -> None:
    with _journey(database_url, {"failures": 1, "cooldown": "1s"}) as journey:
        register.problem = NotDone("connection refused")
        _begin(journey, register, 1)
        journey.advance_clock(timedelta(seconds=30))
        register.problem, inside = None, list[str]()

        def look() -> None:
            register.meanwhile = lambda: None
            _begin(journey, register, 2, first=50)
            inside.extend(register.calls[2:])

        register.meanwhile = look
        _wake(journey)
        assert inside == [], "somebody called while the probe was out"
        assert _registry(journey)["breaker"] == "closed"


def test_a_refusal_of_the_request_itself_says_nothing_of_the_downstream(database_url: str, register: Register) -> None:
    with _journey(database_url, {"failures": 1}) as journey:
        register.problem = NotDone("422: no such policy", retry=False)
        _begin(journey, register, 3)
        assert _registry(journey)["breaker"] == "closed" and len(register.calls) == 3


def test_parking_for_a_downstream_is_bounded_by_the_steps_give_up_age(database_url: str, register: Register) -> None:
    with _journey(database_url, {"rate": "0.00001/s"}) as journey:
        _, held = _begin(journey, register, 2)
        assert journey.run(held)["status"] == "WAITING_FOR_TIMER"
        journey.advance_clock(timedelta(hours=7))
        journey.tamper("UPDATE runs SET status = 'READY', ready_at = app_now() WHERE id = %s", held)
        journey.go()
        assert journey.run(held)["status"] == "FAILED_RETRIABLE"


def test_a_downstream_without_a_limit_costs_no_statement(database_url: str, register: Register) -> None:
    with _journey(database_url, {}) as journey:
        _begin(journey, register, 1)
        assert not journey.rows("SELECT 1 FROM downstreams") and _statuses(journey) == {"COMPLETE": 1}


def test_an_open_breaker_that_nobody_asks_for_any_more_is_no_news(database_url: str) -> None:
    with _journey(database_url, {"failures": 1, "cooldown": "1s"}) as journey:
        limit = journey.rt.settings.downstreams["registry"]
        journey.rt.database.transact(
            lambda db: db.execute("INSERT INTO downstreams (name) VALUES ('registry')").rowcount
        )
        journey.rt.database.transact(lambda db: downstreams.report(db, limit, "failed"))
        alerts.run_once(journey.rt)
        assert len(journey.rows("SELECT 1 FROM alerts WHERE rule = 'breaker_open' AND resolved_at IS NULL")) == 1
        journey.advance_clock(timedelta(hours=1))
        alerts.run_once(journey.rt)
        assert not journey.rows("SELECT 1 FROM alerts WHERE rule = 'breaker_open' AND resolved_at IS NULL")


@pytest.mark.parametrize(
    "text",
    [
        "payments",
        "payments=rate:20/s",
        '["payments"]',
        '{"payments": 20}',
        '{"payments": {"rate": "fast"}}',
        '{"payments": {"rate": "20"}}',
        '{"": {"rate": "1/s"}}',
        '{"payments": {"rate": "0/s"}}',
        '{"payments": {"rate": 1e999}}',
        '{"payments": {"color": "red"}}',
        '{"payments": {"name": "letters"}}',
        '{"payments": {"burst": "5"}}',
        '{"payments": {"failures": 0}}',
        '{"payments": {"window": "soon"}}',
    ],
)
def test_a_limit_that_cannot_be_read_is_refused_naming_it(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("LONGHAUL_DOWNSTREAMS", text)
    with pytest.raises(BadInput, match=r"LONGHAUL_DOWNSTREAMS.* write it like"):
        Settings()


def test_limits_are_read_as_they_are_written_and_as_another_process_is_told_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = (
        '{"payments": {"rate": "20/s", "burst": 5, "concurrency": 8, "failures": 3, "window": "1m", "cooldown": "5s"},'
        ' "model:openai": {"concurrency": 2}}'
    )
    monkeypatch.setenv("LONGHAUL_DOWNSTREAMS", written)
    told = Settings()
    found = told.downstreams
    assert found["payments"] == Limit(
        name="payments", rate=20, burst=5, concurrency=8, failures=3, window=60, cooldown=5
    )
    assert found["model:openai"] == Limit(name="model:openai", concurrency=2)
    monkeypatch.setenv("LONGHAUL_DOWNSTREAMS", environment_of(told)["LONGHAUL_DOWNSTREAMS"])
    assert Settings().downstreams == found
