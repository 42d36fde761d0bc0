"""How soon a run goes on that has waited among a million: after its signal, and when a hundred thousand timers are due at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg

from app import client
from app.bootstrap import runtime
from app.engine.control.signals import signal
from app.settings import settings
from benchmarks.machine import percentile, wait_for
from benchmarks.parked.workflow import DOCUMENT, PARKED, PASSING, Claim

DUE_IN_SECONDS = 3.0
PROBE_SECONDS = 0.25
WARM = 5  # signals that are not counted: the first loads the broker's client
# From all over the table, as they come.
_WAITING = """SELECT id FROM runs WHERE status = 'WAITING_FOR_EVENT' AND parent_run_id IS NULL ORDER BY md5(id::text) LIMIT %s"""
_LEASED = """SELECT run_id, extract(epoch FROM max(created_at))::float8 FROM transitions
    WHERE run_id = ANY (%s) AND event = 'lease taken' GROUP BY run_id"""
_ENDED = "SELECT count(*) FROM runs WHERE id = ANY (%s) AND status = 'COMPLETE'"
# As if their time had been set so from the beginning.
_DUE = """WITH chosen AS (SELECT id FROM runs WHERE status = 'WAITING_FOR_TIMER' ORDER BY id LIMIT %s)
    UPDATE runs SET wake_at = app_now() + make_interval(secs => %s) FROM chosen WHERE runs.id = chosen.id RETURNING runs.id"""
_LEFT = "SELECT count(*) FROM runs WHERE status = 'WAITING_FOR_TIMER' AND least(wake_at, expires_at) <= app_now()"
_WOKEN = """SELECT extract(epoch FROM max(created_at))::float8 FROM transitions WHERE run_id = ANY (%s) AND event = 'timer due'"""

Db = psycopg.Connection[Any]


def signals(url: str, count: int) -> dict[str, float]:
    """From before a signal is sent until a worker has the lease of the step it leads to, in ms; one after the other."""
    rt = runtime((PARKED,), role="web", config=settings().model_copy(update={"log_level": "ERROR"}))
    sent: dict[UUID, float] = {}
    with psycopg.connect(url, autocommit=True) as db:
        for (run_id,) in db.execute(_WAITING, [WARM + count]).fetchall():
            sent[run_id] = time.time()
            signal(rt, run_id, DOCUMENT, {"document": "one"}, signal_id="one", actor="benchmark")
            _wait(lambda: _all_ended(db, [run_id]), "the step after the signal")  # noqa: B023
        leased: dict[UUID, float] = dict(db.execute(_LEASED, [list(sent)]).fetchall())
    rt.database.close()
    return _ms([leased[run_id] - at for run_id, at in list(sent.items())[WARM:]])


def timers(url: str, count: int) -> dict[str, Any]:
    """So many timers due at once: seconds until the last is woken and until all have ended; and how soon a run that is started
    meanwhile gets its first lease, in the woken runs' own queue and in another."""
    with psycopg.connect(url, autocommit=True) as db:
        before = _steady(url)
        ids = [row[0] for row in db.execute(_DUE, [count, DUE_IN_SECONDS]).fetchall()]
        due = time.time() + DUE_IN_SECONDS
        with _probes(url) as meanwhile:
            _wait(lambda: time.time() > due and db.execute(_LEFT).fetchone() == (0,), "the timers", every=0.5)
            (woken,) = db.execute(_WOKEN, [ids]).fetchone() or (0.0,)
            _wait(lambda: _all_ended(db, ids), "the woken runs to end", every=1.0)
            ended = time.time()
        return {
            "timers": len(ids),
            "woken_s": round(woken - due, 1),
            "ended_s": round(ended - due, 1),
            "same_queue": meanwhile["parked"] | {"before": before["parked"]},
            "other_queue": meanwhile["passing"] | {"before": before["passing"]},
        }


def _steady(url: str) -> dict[str, dict[str, float]]:
    with _probes(url) as found:
        threading.Event().wait(20 * PROBE_SECONDS)
    return found


@contextmanager
def _probes(url: str) -> Iterator[dict[str, dict[str, float]]]:
    """Starts a run in each of two queues every quarter of a second; at the end of the block, how soon they got their lease."""
    stop, found = threading.Event(), dict[str, dict[str, float]]()
    started: dict[str, dict[UUID, float]] = {"parked": {}, "passing": {}}

    def probe() -> None:
        with psycopg.connect(url) as db:
            while not stop.wait(PROBE_SECONDS):
                for workflow in (PARKED, PASSING):
                    at = time.time()
                    one = client.start(db, workflow, subject=f"probe {at}", data=Claim(waits_for="nobody"))
                    db.commit()
                    client.ring(one)
                    started[workflow.name][one.run_id] = at

    thread = threading.Thread(target=probe, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join()
    with psycopg.connect(url, autocommit=True) as db:
        for name, each in started.items():
            _wait(lambda: len(db.execute(_LEASED, [list(each)]).fetchall()) == len(each), "the probes", every=0.2)  # noqa: B023
            first = _LEASED.replace("max(", "min(")
            leased: dict[UUID, float] = dict(db.execute(first, [list(each)]).fetchall())
            found[name] = _ms([leased[run_id] - at for run_id, at in each.items()])


def _all_ended(db: Db, ids: Sequence[UUID]) -> bool:
    return db.execute(_ENDED, [list(ids)]).fetchone() == (len(ids),)


def _wait(look: Any, what: str, every: float = 0.005) -> None:
    wait_for(look, what, every, patience_seconds=1200.0)


def _ms(seconds: Sequence[float]) -> dict[str, float]:
    return {
        "n": len(seconds),
        "p50_ms": round(1000 * percentile(seconds, 0.5), 1),
        "p99_ms": round(1000 * percentile(seconds, 0.99), 1),
        "worst_ms": round(1000 * max(seconds), 1),
    }
