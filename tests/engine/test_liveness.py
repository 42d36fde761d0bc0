"""A process shows that it lives through whatever hinders it for a while, and takes no lease while it cannot."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
import time_machine

from app.engine.holdings import Holding
from app.engine.process import liveness
from app.engine.process.liveness import Liveness
from app.engine.step.step import run_step
from app.store import database, network
from app.store.database import connect
from app.store.records import verify
from app.store.workers import workers
from app.sweeps import heartbeats
from app.telemetry import logs
from tests.support.journey import JOURNEY, Travel, travel
from tests.support.waiting import wait_for

HOLDERS = """SELECT a.pid FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid AND l.locktype = 'advisory' AND l.granted
JOIN workers w ON (l.objid::bigint & 4294967295) = (w.lock_key & 4294967295) WHERE a.datname = current_database()"""
SESSIONS = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'longhaul-liveness'"
)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time-outs of the same kind, shorter."""
    monkeypatch.setitem(database._TIMEOUTS, "worker", (100, 10_000, 10_000))
    monkeypatch.setattr(liveness, "STATEMENT_SECONDS", 0.5)
    monkeypatch.setattr(network, "MARGIN_SECONDS", 0.5)


@pytest.fixture
def living(database_url: str) -> Iterator[Travel]:
    """A process with its liveness thread."""
    with travel(database_url, probe_seconds=0.05, ping_seconds=0.1) as journey, _liveness(journey):
        yield journey


@contextmanager
def _liveness(journey: Travel) -> Iterator[Liveness]:
    one = Liveness(journey.rt, queues=["q"], slots=1)
    one.start()
    try:
        yield one
    finally:
        one.stop()


@contextmanager
def _row_locked(journey: Travel) -> Iterator[None]:
    with psycopg.connect(journey.url) as other:
        other.execute("SELECT 1 FROM workers FOR UPDATE")
        yield


@contextmanager
def _read_only(journey: Travel) -> Iterator[None]:
    name = psycopg.conninfo.conninfo_to_dict(journey.url)["dbname"]
    journey.tamper(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    try:
        yield
    finally:
        with connect(journey.url, "owner", options="-c default_transaction_read_only=off") as db:
            db.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')


@contextmanager
def _a_bug(journey: Travel) -> Iterator[None]:
    """What is no error of the database's."""

    def fails(*_: Any) -> Any:
        raise RuntimeError("something nobody thought of")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers, "owned", fails)
        yield


def _refusals(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Counts how often liveness said that it could not."""
    said: list[str] = []
    monkeypatch.setattr(logs, "event", lambda kind, **_: said.append(kind))
    return lambda: sum(kind in ("liveness_broken", "liveness_waiting") for kind in said)


@pytest.mark.parametrize("hindered", [_row_locked, _read_only, _a_bug], ids=lambda kind: kind.__name__[1:])
@pytest.mark.parametrize("session", ["standing", "broken"])
def test_a_worker_whose_pings_failed_for_a_while_works_again_with_one_session(
    living: Travel, monkeypatch: pytest.MonkeyPatch, hindered: Any, session: str
) -> None:
    refused = _refusals(monkeypatch)
    with hindered(living):
        if session == "broken" or hindered is _read_only:  # what began before is not read-only
            living.rows(f"SELECT pg_terminate_backend(pid) FROM ({SESSIONS}) AS own")
        wait_for(lambda: refused() >= 4, "pings to fail")
        assert not living.rt.holdings.may_lease()
    wait_for(living.rt.holdings.may_lease, "the worker to work again")
    assert living.rows(SESSIONS) == living.rows(HOLDERS), "a session was left open, or the lock is another's"


def test_a_ping_that_is_refused_leaves_the_lock_where_it_is(living: Travel, monkeypatch: pytest.MonkeyPatch) -> None:
    (holder,) = living.rows(HOLDERS)
    refused = _refusals(monkeypatch)
    with _row_locked(living):
        wait_for(lambda: refused() >= 3, "pings to fail")
    wait_for(living.rt.holdings.may_lease, "the worker to work again")
    assert living.rows(HOLDERS) == [holder]


def test_a_worker_whose_sessions_server_process_stands_still_locks_anew_and_works_on(living: Travel) -> None:
    if "LONGHAUL_TEST_DATABASE_URL" in os.environ:
        pytest.skip("the named database server's processes cannot be stopped")
    (stopped,) = living.rows(HOLDERS)
    os.kill(stopped["pid"], signal.SIGSTOP)
    try:
        wait_for(lambda: living.rows(HOLDERS) not in ([], [stopped]), "another session to hold the worker's lock")
        wait_for(living.rt.holdings.may_lease, "the worker to work again")
        assert stopped in living.rows(SESSIONS), "the old one still holds its own"
    finally:
        os.kill(stopped["pid"], signal.SIGCONT)


def test_a_session_that_breaks_is_noticed_at_once_and_not_only_by_the_next_probe(database_url: str) -> None:
    with travel(database_url, probe_seconds=3600) as journey, _liveness(journey) as one:
        (holder,) = journey.rows(HOLDERS)
        journey.rows(f"SELECT pg_terminate_backend(pid) FROM ({SESSIONS}) AS own")
        wait_for(lambda: journey.rows(HOLDERS) not in ([], [holder]), "the worker to lock again")
        wait_for(journey.rt.holdings.may_lease, "the worker to work again")
        one.stop()
        assert not one.works(), "its pause went on"


@pytest.mark.parametrize("lost", ["DELETE FROM workers", "UPDATE workers SET gone_at = app_now()"])
def test_a_process_that_was_given_up_or_forgotten_is_known_again(living: Travel, lost: str) -> None:
    living.tamper(lost)
    wait_for(lambda: living.rows("SELECT 1 FROM workers WHERE gone_at IS NULL"), "the worker to be known again")
    assert living.one("SELECT id, slots FROM workers") == {"id": living.rt.worker_id, "slots": 1}


def test_a_ping_says_how_far_the_hosts_clock_is_off(database_url: str) -> None:
    ahead = "SELECT clock_ahead_seconds AS by FROM workers WHERE clock_ahead_seconds IS NOT NULL"
    with travel(database_url) as journey:
        with time_machine.travel(time.time() + 600, tick=True), _liveness(journey):
            assert journey.one(ahead)["by"] == pytest.approx(600, abs=30)
        with _liveness(journey):
            assert journey.one(ahead)["by"] == pytest.approx(0, abs=30)


# Who may take a lease.


def _asked(journey: Travel, run_id: UUID) -> str:
    return run_step(journey.rt, run_id, 1, workflow=JOURNEY.name, state="GATHERING")


def test_no_lease_is_given_to_a_worker_that_others_gave_up(journey: Travel) -> None:
    run_id, db = journey.begin(), journey.rt.database
    db.transact(
        lambda db: workers.register(
            db, journey.rt.worker_id, lock_key=1, liveness="lock", host="h", pid=1, queues=[], slots=1
        )
    )
    journey.tamper("UPDATE workers SET gone_at = app_now()")
    assert _asked(journey, run_id) == "not mine"
    assert journey.run(run_id)["status"] == "READY"
    journey.tamper("UPDATE workers SET gone_at = NULL")
    assert _asked(journey, run_id) == "step finished"


def test_no_lease_is_taken_after_the_last_heartbeat_stopped_vouching(journey: Travel) -> None:
    run_id = journey.begin()
    journey.rt.holdings.vouch(time.monotonic() - 0.01)
    assert _asked(journey, run_id) == "not accepting"
    assert journey.run(run_id)["status"] == "READY"


def test_a_lease_that_waits_for_the_database_is_given_up_when_vouching_ends(
    journey: Travel, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = journey.begin()
    vouched = time.monotonic() + 60
    journey.rt.holdings.vouch(vouched)
    untils: list[float] = []
    write = journey.rt.journal.write

    def noted(*args: Any, until: float, **named: Any) -> Any:
        untils.append(until)
        return write(*args, until=until, **named)

    monkeypatch.setattr(journey.rt.journal, "write", noted)
    _asked(journey, run_id)
    assert untils[0] == vouched, "it would be taken when others may have given this process up"
    assert untils[-1] > vouched, "results are written until the step's own deadline"


# Whose silence is a crash, and who may judge it.


@pytest.fixture
def silent(journey: Travel) -> Iterator[Callable[[bool], tuple[UUID, UUID]]]:
    """Two runs leased to a worker that has not pinged for ten minutes, while its session stands or not."""
    with connect(journey.url, "worker") as session:

        def lease(locked: bool) -> tuple[UUID, UUID]:
            rt, key = journey.rt, 4711
            rt.database.transact(
                lambda db: workers.register(
                    db, rt.worker_id, lock_key=key, liveness="lock", host="h", pid=1, queues=[], slots=2
                )
            )
            assert not locked or workers.lock(session, key)
            runs = journey.begin("J-1"), journey.begin("J-2")
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("app.engine.step.step._work", lambda *_: "left in work")
                assert [_asked(journey, run) for run in runs] == ["left in work"] * 2
            journey.tamper("UPDATE workers SET pinged_at = app_now() - interval '10 minutes'")
            return runs

        yield lease


@pytest.mark.parametrize("gone", [False, True], ids=["silent", "given up before"])
@pytest.mark.parametrize("locked", [True, False], ids=["session stands", "session gone"])
def test_what_a_silent_worker_held_counts_as_a_crash_only_if_its_session_is_gone(
    journey: Travel, silent: Any, locked: bool, gone: bool
) -> None:
    runs = silent(locked)
    if gone:
        journey.tamper("UPDATE workers SET gone_at = app_now()")
    assert heartbeats.run_once(journey.rt)["reassigned"] == 2
    for run in map(journey.run, runs):
        assert (run["status"], run["crash_attempts"]) == ("READY", 0)  # none was alone
        assert run["queue"].startswith("steps." if locked else "isolated."), "two at once: which one was it?"


def test_a_run_is_never_dead_lettered_because_its_workers_were_cut_off(journey: Travel, silent: Any) -> None:
    run_id, other = silent(True)
    journey.tamper("UPDATE runs SET status = 'READY', lease_token = NULL, worker_id = NULL WHERE id = %s", other)
    for _ in range(journey.rt.settings.crashes_alone + 1):
        heartbeats.run_once(journey.rt)
        assert journey.run(run_id)["status"] == "READY"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("app.engine.step.step._work", lambda *_: "left in work")
            journey.tamper("UPDATE workers SET gone_at = NULL")
            assert _asked(journey, run_id) == "left in work"
        journey.tamper("UPDATE workers SET pinged_at = app_now() - interval '10 minutes'")
    assert journey.run(run_id)["crash_attempts"] == 1, "the lease that stands, and no other"


@pytest.mark.parametrize("since", ["nothing yet", "an attempt that ended in order", "another crash"])
def test_a_cut_that_was_counted_as_a_crash_is_counted_no_more_once_the_worker_is_back(
    journey: Travel, silent: Any, since: str
) -> None:
    run_id, other = silent(False)
    journey.tamper("UPDATE runs SET status = 'READY', lease_token = NULL, worker_id = NULL WHERE id = %s", other)
    token = journey.run(run_id)["lease_token"]
    heartbeats.run_once(journey.rt)
    assert journey.run(run_id)["crash_attempts"] == 1, "its worker's session was gone, and nobody knew why"
    if since != "nothing yet":
        journey.tamper("UPDATE workers SET gone_at = NULL")
        with pytest.MonkeyPatch.context() as patch:
            if since == "another crash":
                patch.setattr("app.engine.step.step._work", lambda *_: "left in work")
            _asked(journey, run_id)
        journey.tamper("UPDATE workers SET pinged_at = app_now() - interval '10 minutes'")
        heartbeats.run_once(journey.rt)
    before = journey.run(run_id)["crash_attempts"]
    journey.rt.settings.ping_seconds = journey.rt.settings.probe_seconds = 0.05
    with _liveness(journey), journey.rt.holdings.hold(Holding(run_id, 1, token, time.monotonic() + 60)) as holding:
        holding.leased = True
        journey.tamper("UPDATE workers SET gone_at = app_now()")
        wait_for(lambda: holding.lost, "the worker to be back and to see what was taken from it")
    expected = {"nothing yet": (1, 0), "an attempt that ended in order": (0, 0), "another crash": (2, 1)}
    assert (before, journey.run(run_id)["crash_attempts"]) == expected[since]
    assert journey.rt.database.transact(lambda db: verify.verify(db, run_id)).holds


def test_who_has_just_come_back_to_the_database_judges_nobody(journey: Travel, silent: Any) -> None:
    runs = silent(False)
    journey.advance_clock(timedelta(days=1))  # its step is past its deadline as well
    holdings = journey.rt.holdings
    for come_back in (holdings.lost_touch, holdings.in_touch):
        come_back()
        counts = heartbeats.run_once(journey.rt)
        assert (counts["gone"], counts["overdue"]) == (0, 0)
        assert {journey.run(run)["status"] for run in runs} == {"RUNNING"}
    journey.rt.settings.observer_age_seconds = 0.0
    assert heartbeats.run_once(journey.rt)["gone"] == 1
