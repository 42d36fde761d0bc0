"""`/healthz`, and how the parts of the engine stand. The law: green is only what was seen lately.

`/healthz` is green while the database answers and every sweep has begun within twice its period. Asked on a connection and
a thread of its own, so that neither a full pool nor slow pages make a live server look dead. The overview goes by the same
rules and by those of the alerts: what is older than twice its period is stale, what a rule calls overdue is overdue, and of
what was never seen nothing is known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse

from app.alerts import rules
from app.alerts.rules import LOST_WORKER_SECONDS, Limits
from app.engine.runtime import Runtime
from app.settings import Settings
from app.store.database import connect
from app.store.reads.facts import EngineFacts, SweepFacts, WorkerFacts
from app.store.reads.pages import DATABASE_PROBLEM
from app.store.workers import due
from app.sweeps import periods
from app.web.http.session import runtime_of

router = APIRouter()
_AT_ONCE = 2
Verdict = Literal["ok", "stale", "overdue", "unknown", "leaving"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How a part stands. seen_seconds: since it was last seen; None: never. every: how often it should be."""

    name: str
    verdict: Verdict
    seen_seconds: float | None
    every: float | None
    note: str = ""
    worker: WorkerFacts | None = None


@router.get("/healthz")
async def healthz(request: Request) -> JSONResponse:
    """200 {"status": "ok"} or 503 {"status": "red"}, with the reasons."""
    limiter = request.app.state.__dict__.setdefault("health_limiter", CapacityLimiter(_AT_ONCE))
    found = await to_thread.run_sync(health, runtime_of(request), limiter=limiter)
    return JSONResponse(found, status_code=200 if found["status"] == "ok" else 503)


def health(rt: Runtime) -> dict[str, Any]:
    """What stands well and what does not."""
    try:
        with connect(rt.database.url, "web") as db:
            overdue = sorted(due.overdue_sweeps(db, periods(rt.settings)))
    except DATABASE_PROBLEM:
        return {"status": "red", "database": "does not answer", "overdue_sweeps": []}
    return {"status": "red" if overdue else "ok", "database": "ok", "overdue_sweeps": overdue}


def sweeps_of(facts: EngineFacts, settings: Settings) -> list[Standing]:
    """Every sweep as it stands."""
    every = periods(settings)
    limits = Limits.of(settings, every)
    overdue = dict(rules.sweep_overdue(facts, limits))
    known = {sweep.name: sweep for sweep in facts.sweeps}
    return [_sweep(name, known.get(name), period, overdue.get(name)) for name, period in every.items()]


def _sweep(name: str, found: SweepFacts | None, every: float, overdue: str | None) -> Standing:
    seen = found.begun_seconds if found else None
    ended = found.finished_seconds if found else None
    verdict: Verdict
    if overdue is not None:
        verdict, note = "overdue", "it begins and does not end" if seen is not None and seen <= 2 * every else ""
    elif seen is None or ended is None:
        verdict, note = "unknown", "it has never run to its end here"
    elif max(seen, ended) > 2 * every:
        verdict, note = "stale", ""
    else:
        verdict, note = "ok", ""
    return Standing(name=name, verdict=verdict, seen_seconds=seen, every=every, note=note)


def beat_of(facts: EngineFacts) -> Standing:
    """Beat, by the messages of it that workers took. Without it, workers run overdue sweeps themselves."""
    seen = next((sweep.begun_seconds for sweep in facts.sweeps if sweep.name == due.BEAT), None)
    return Standing(
        name="beat",
        verdict=_by_age(seen, due.BEAT_SECONDS, 6 * due.BEAT_SECONDS),
        seen_seconds=seen,
        every=due.BEAT_SECONDS,
        note="without it, workers run overdue sweeps themselves",
    )


def workers_of(facts: EngineFacts, settings: Settings, busy: Mapping[Any, int]) -> list[Standing]:
    """Worker processes that are thought alive, and those lost not long ago."""
    return [
        _worker(worker, settings, busy.get(worker.id, 0))
        for worker in sorted(facts.workers, key=lambda w: (w.gone_seconds is not None, w.host, w.pid))
        if worker.gone_seconds is None or worker.gone_seconds < LOST_WORKER_SECONDS
    ]


def _worker(worker: WorkerFacts, settings: Settings, busy: int) -> Standing:
    verdict = _by_age(worker.silent_seconds, settings.ping_seconds, settings.silent_seconds)
    note = f"{busy} {'run' if busy == 1 else 'runs'} in work"
    if worker.gone_seconds is not None:
        verdict, note = "overdue", "it was lost; its runs were given to others"
    elif verdict == "ok" and worker.stopping:
        verdict = "leaving"
    return Standing(
        name=f"{worker.host} · process {worker.pid}",
        verdict=verdict,
        seen_seconds=worker.silent_seconds,
        every=settings.ping_seconds,
        note=note,
        worker=worker,
    )


def _by_age(seen: float | None, every: float, overdue: float) -> Verdict:
    if seen is None:
        return "unknown"
    return "overdue" if seen > overdue else "stale" if seen > 2 * every else "ok"


def worst(standings: Sequence[Standing]) -> Verdict:
    """The verdict on several parts together; of none, nothing is known."""
    order: tuple[Verdict, ...] = ("overdue", "stale", "unknown", "leaving", "ok")
    return next((verdict for verdict in order if any(s.verdict == verdict for s in standings)), "unknown")
