"""Alerts: opens what the rules find wrong, and resolves what has ended.

Every 30 s. Runs in work and the engine itself are judged every time; all other runs, by slices, every half an hour.
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from app.alerts import ledger, rules
from app.alerts.rules import ENGINE_RULES, RUN_RULES, Limits
from app.engine.runtime import Runtime
from app.store.reads import facts, run_facts
from app.store.reads.run_facts import RunFacts
from app.store.records import alerts
from app.store.workers import due
from app.sweeps.schedule import periods

BATCH = 500
THOROUGH_SECONDS = 1800.0
THOROUGH = "alerts, all runs"  # its own row among the sweeps: any sweeper may do it, one does


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
    names = tuple(RUN_RULES)
    standing, found = rt.database.transact(lambda db: (alerts.standing(db, names), run_facts.with_alerts(db, names)))
    return ledger.settle(rt.database, rules.of_runs(found, limits), standing)


def _judge_more(rt: Runtime, limits: Limits) -> dict[str, int]:
    """Runs that have none yet. Whatever looked wrong to the store and not to the rules is looked at again next time."""
    opened = 0
    for found in (*_in_work(rt, limits), *_all(rt, limits)):
        opened += ledger.settle(rt.database, rules.of_runs(found, limits), ())["opened"]
    return {"opened": opened, "resolved": 0}


def _in_work(rt: Runtime, limits: Limits) -> Iterator[list[RunFacts]]:
    yield rt.database.transact(lambda db: run_facts.in_work(db, limits.suspicion(), BATCH))


def _all(rt: Runtime, limits: Limits) -> Iterator[list[RunFacts]]:
    # `begin_sweep` lets a sweep begin after half its period.
    if not rt.database.transact(lambda db: due.begin_sweep(db, THOROUGH, 2 * THOROUGH_SECONDS)):
        return
    after: UUID | None = UUID(int=0)
    while after is not None:
        start = after
        found, after = rt.database.transact(lambda db: run_facts.slice_after(db, limits.suspicion(), start))  # noqa: B023
        yield found
    rt.database.transact(lambda db: due.end_sweep(db, THOROUGH, "{}"))
