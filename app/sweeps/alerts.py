"""Alerts: opens what the rules find wrong, and resolves what has ended.

Every 30 s. Runs in work and the engine itself are judged every time. All other runs are gone through by slices, from the
beginning every half an hour: a few slices in each turn, so that no turn takes longer because more runs are parked.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from uuid import UUID

from app.alerts import ledger, rules
from app.alerts.rules import ENGINE_RULES, RUN_RULES, Limits
from app.engine.runtime import Runtime
from app.store.database import Connection
from app.store.reads import facts, run_facts
from app.store.reads.run_facts import RunFacts
from app.store.records import alerts
from app.store.records.alerts import Standing
from app.store.workers import due
from app.sweeps.schedule import periods

BATCH = 500  # alerts that are judged or opened at once
STANDING = "alerts, open ones"  # its own row among the sweeps, for a turn that does not come to the end of them
THOROUGH_SECONDS = 1800.0
THOROUGH = "alerts, all runs"  # its own row among the sweeps: any sweeper goes on where the last one stopped
SLICE = 2_000  # runs looked through at once
SLICES_SECONDS = 0.02  # of a turn; a slice takes a few milliseconds, so a million runs take about half an hour


def run_once(rt: Runtime) -> dict[str, int]:
    """Judge everything that can be wrong now; how many alerts were opened and how many resolved."""
    limits = Limits.of(rt.settings, periods(rt.settings))
    counts = {"opened": 0, "resolved": 0}
    for done in (_judge_engine(rt, limits), _judge_standing(rt, limits), _judge_more(rt, limits)):
        counts = {name: counts[name] + done[name] for name in counts}
    return counts


def _judge_engine(rt: Runtime, limits: Limits) -> dict[str, int]:
    found, standing = rt.database.transact(lambda db: (facts.engine(db), alerts.standing(db, tuple(ENGINE_RULES))))
    return ledger.settle(rt.database, rules.of_engine(found, limits), standing)


def _judge_standing(rt: Runtime, limits: Limits) -> dict[str, int]:
    """Runs that have an alert: whether it still holds, and whether something else is wrong by now."""
    standing, found = rt.database.transact(_next_standing)
    return ledger.settle(rt.database, rules.of_runs(found, limits), standing)


def _next_standing(db: Connection) -> tuple[list[Standing], list[RunFacts]]:
    """The open alerts of runs, all if they are few, else the next ones; and their runs."""
    stopped = due.stopped_at(db, STANDING)
    after: tuple[str, str] = tuple(json.loads(stopped)) if stopped else ("", "")
    standing = alerts.standing_after(db, tuple(RUN_RULES), after, BATCH)
    if stopped or len(standing) == BATCH:
        last = standing[-1].alert if len(standing) == BATCH else None
        due.stop_at(db, STANDING, json.dumps([last.rule, last.subject]) if last else "")
    ids = {row.alert.run_id for row in standing if row.alert.run_id is not None}
    return standing, run_facts.not_ended(db, sorted(ids))


def _judge_more(rt: Runtime, limits: Limits) -> dict[str, int]:
    """Runs that have none yet. Whatever looked wrong to the store and not to the rules is looked at again next time."""
    opened = 0
    for found in (*_in_work(rt, limits), *_all(rt, limits)):
        opened += ledger.settle(rt.database, rules.of_runs(found, limits), ())["opened"]
    return {"opened": opened, "resolved": 0}


def _in_work(rt: Runtime, limits: Limits) -> Iterator[list[RunFacts]]:
    yield rt.database.transact(lambda db: run_facts.in_work(db, limits.suspicion(), BATCH))


def _all(rt: Runtime, limits: Limits) -> Iterator[list[RunFacts]]:
    until = time.monotonic() + SLICES_SECONDS
    after = rt.database.transact(_place)
    while after is not None:
        start = after
        found, after = rt.database.transact(lambda db: _slice(db, limits, start))  # noqa: B023
        yield found
        if time.monotonic() >= until:
            return


def _place(db: Connection) -> UUID | None:
    """Where to go on: at the beginning if it is time, where a turn stopped if all have not been seen, else nowhere."""
    if stopped := due.stopped_at(db, THOROUGH):
        return UUID(stopped)
    # `begin_sweep` lets a sweep begin after half its period.
    return UUID(int=0) if due.begin_sweep(db, THOROUGH, 2 * THOROUGH_SECONDS) else None


def _slice(db: Connection, limits: Limits, after: UUID) -> tuple[list[RunFacts], UUID | None]:
    found, last = run_facts.slice_after(db, limits.suspicion(), after, SLICE)
    due.stop_at(db, THOROUGH, str(last)) if last is not None else due.end_sweep(db, THOROUGH, "{}")
    return found, last
