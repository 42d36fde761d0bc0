"""An alert that a move opens or resolves is a row and a log line, once, in the form of the alerts sweep's lines."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from uuid import UUID

import pytest

from app.engine.control import operate
from app.humans.complete import complete
from app.store.database import Connection, Database
from app.store.journal.journal import DirectJournal
from app.telemetry import logs
from tests.support.journey import Travel, travel

T = TypeVar("T")
Lines = Callable[[], list[tuple[str, str, str]]]


class Forgetful(DirectJournal):
    """A journal that never hears the answer of a commit, and so writes everything twice."""

    def transact(self, work: Callable[[Connection], T], *, until: float) -> T:
        super().transact(work, until=until)
        return super().transact(work, until=until)


@pytest.fixture
def journey(database_url: str) -> Iterator[Travel]:
    with travel(database_url, late_retries=0) as found:
        found.enrol("olga", "operator")
        yield found


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Lines:
    """The log lines of alerts so far: what, rule, subject."""
    caplog.set_level(logging.INFO, logs.LOGGER.name)

    def read() -> list[tuple[str, str, str]]:
        said = [json.loads(logs.JsonLine().format(r)) for r in caplog.records if r.message == "alert"]
        return [(line["alert"], line["rule"], line["run_id"]) for line in said if line["subject"] == line["run_id"]]

    return read


def _fails(journey: Travel) -> UUID:
    run_id = journey.begin(mood="flaky")
    journey.go()
    journey.tamper("UPDATE runs SET status = 'READY', ready_at = app_now() WHERE status = 'WAITING_FOR_TIMER'")
    journey.go()
    assert journey.run(run_id)["status"] == "FAILED_RETRIABLE"
    return run_id


def _answer(journey: Travel, outcome: str) -> None:
    task = journey.one("SELECT id FROM human_tasks WHERE status = 'OPEN'")
    complete(journey.rt, task["id"], by="olga", outcome=outcome, answer={"comment": "seen"})


def _as_rows(journey: Travel) -> list[tuple[str, str, str]]:
    rows = journey.rows("SELECT rule, subject, resolved_at FROM alerts ORDER BY opened_at")
    return [("resolved" if row["resolved_at"] else "opened", row["rule"], row["subject"]) for row in rows]


def test_a_run_that_failed_says_so_and_says_when_an_operator_goes_on_with_it(journey: Travel, lines: Lines) -> None:
    run_id = _fails(journey)
    assert lines() == _as_rows(journey) == [("opened", "failed_retriable", str(run_id))]
    _answer(journey, "retry")
    assert lines()[1:] == _as_rows(journey) == [("resolved", "failed_retriable", str(run_id))]


def test_a_dead_letter_says_so_and_says_when_it_is_closed(journey: Travel, lines: Lines) -> None:
    run_id = journey.begin(mood="hopeless")
    journey.go()
    assert lines() == _as_rows(journey) == [("opened", "dead_letter", str(run_id))]
    _answer(journey, "fail")
    assert lines()[1:] == _as_rows(journey) == [("resolved", "dead_letter", str(run_id))]


def test_a_cancel_says_which_alerts_it_resolved(journey: Travel, lines: Lines) -> None:
    run_id = _fails(journey)
    operate.cancel(journey.rt, run_id, actor="person:olga", reason="withdrawn")
    assert lines()[1:] == _as_rows(journey) == [("resolved", "failed_retriable", str(run_id))]


def test_an_alert_open_already_is_not_said_to_be_opened(journey: Travel, lines: Lines) -> None:
    run_id = journey.begin(mood="hopeless")
    journey.tamper(
        "INSERT INTO alerts (id, rule, subject, run_id, message, opened_at) "
        "VALUES (gen_random_uuid(), 'dead_letter', %s, %s, 'by the sweep', app_now())",
        str(run_id),
        run_id,
    )
    journey.go()
    assert journey.run(run_id)["status"] == "DEAD_LETTER" and lines() == []


def test_a_lost_answer_of_the_commit_loses_no_line(journey: Travel, lines: Lines) -> None:
    journey.rt.journal.close()
    journey.rt.journal = Forgetful(Database(journey.url, "worker"))
    run_id = journey.begin(mood="hopeless")
    journey.go()
    journey.rt.journal.close()
    assert lines() == _as_rows(journey) == [("opened", "dead_letter", str(run_id))]


def test_what_a_run_died_of_is_masked_like_in_its_transition(journey: Travel, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logs.LOGGER.name)
    journey.begin(mood="hopeless")
    journey.go()
    message: dict[str, Any] = journey.one("SELECT message FROM alerts")
    (line,) = [json.loads(logs.JsonLine().format(r)) for r in caplog.records if r.message == "alert"]
    assert line["reason"] == logs.mask(message["message"]) != message["message"]
