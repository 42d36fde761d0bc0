"""The overview: everything at one glance, refreshed in parts. Everybody sees the same, so it is read once for all."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from app.core.declarations import limits
from app.core.lifecycle import Status
from app.core.values.durations import seconds
from app.core.workflow import Children, Human, Wait
from app.engine.runtime import Runtime
from app.store import clock
from app.store.database import is_gone
from app.store.reads import alert_list, facts, overview, pages
from app.store.reads.alert_list import AlertLine
from app.store.reads.overview import MOST, BudgetUse, ModelUse, Now
from app.store.runs import downstreams
from app.store.runs.downstreams import BindingLimit
from app.web.http.render import render
from app.web.http.session import Me, Rt
from app.web.overview import health
from app.web.overview.charts import Chart, chart
from app.web.overview.glancing import History, Paced, quantile, slot_of
from app.web.overview.health import Standing

router = APIRouter()
REFRESH_SECONDS = 5
_LISTED = 6  # of each list: the page is a glance, the lists have pages of their own
_NOW_SECONDS, _SPENT_SECONDS, _COUNT_SECONDS = 2.0, 10.0, 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Duration:
    """How long the steps of a state took, in seconds. expected: as its workflow says; None where it says nothing of use."""

    workflow: str
    state: str
    n: int
    p50: float
    p95: float
    expected: float | None

    @property
    def times_expected(self) -> float | None:
        return self.p95 / self.expected if self.expected else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """One look at everything. binding: the limits of downstreams that hold runs up."""

    at: datetime
    now: Now
    alerts: Sequence[AlertLine]
    sweeps: Sequence[Standing]
    beat: Standing
    workers: Sequence[Standing]
    downstreams: Sequence[downstreams.Standing]
    binding: Sequence[BindingLimit]
    charts: Sequence[Chart]
    durations: Sequence[Duration]


class Overview:
    """What one web process knows for its overview."""

    def __init__(self, rt: Runtime) -> None:
        self._rt, self._history = rt, History()
        self.seen = Paced(self._look, _NOW_SECONDS)
        self.spent = Paced(self._spending, _SPENT_SECONDS)
        self.counts = Paced(self._count, _COUNT_SECONDS)

    def _look(self) -> Seen:
        with pages.snapshot(self._rt.database) as db:
            at, now, engine = clock.now(db), overview.now(db, limit=_LISTED), facts.engine(db)
            self._history.look(db, at.timestamp())
            alerts, standing = alert_list.still_open(db, limit=_LISTED), downstreams.standing(db)
            binding = downstreams.binding(db)
        return Seen(
            at=at,
            now=now,
            alerts=alerts,
            beat=health.beat_of(engine),
            sweeps=health.sweeps_of(engine, self._rt.settings),
            workers=health.workers_of(engine, self._rt.settings, now.busy),
            downstreams=standing,
            binding=binding,
            charts=self._charts(at.timestamp()),
            durations=self._durations(),
        )

    def _spending(self) -> tuple[list[ModelUse], BudgetUse]:
        with pages.snapshot(self._rt.database) as db:
            return overview.spending(db)

    def _count(self) -> tuple[datetime, Mapping[str, int]] | None:
        """Runs by status and when that was, read whole and therefore seldom; None where it takes longer than a page may."""
        try:
            with pages.snapshot(self._rt.database) as db:
                return clock.now(db), overview.counts(db)
        except pages.DATABASE_PROBLEM as problem:
            if is_gone(problem):
                raise
            return None

    def _charts(self, at: float) -> list[Chart]:
        day, last = self._history.day(at), slot_of(at)

        def of(name: str) -> list[int | None]:
            return [None if slot is None else int(getattr(slot, name)) for slot in day]

        return [
            chart("steps", "Steps done", "steps", [("Steps", of("steps_done"))], last),
            chart("flow", "Runs started and ended", "runs", [("Started", of("started")), ("Ended", of("ended"))], last),
            chart("letters", "Dead letters", "dead letters", [("Dead letters", of("letters"))], last),
        ]

    def _durations(self) -> list[Duration]:
        by_state: dict[tuple[str, str], dict[int, int]] = {}
        expected: dict[tuple[str, str], float | None] = {}
        for (workflow, version, state, status), bins in sorted(self._history.durations().items()):
            found = self._rt.state_of(workflow, version, state)
            waits_for_children = found is not None and isinstance(found[1], Children)
            if (status == Status.WAITING_FOR_CHILDREN) != waits_for_children:
                continue  # of a state that starts children, what takes long is their work
            of_state = by_state.setdefault((workflow, state), {})
            for number, n in bins.items():
                of_state[number] = of_state.get(number, 0) + n
            says = found is not None and not isinstance(found[1], Human | Wait)
            expected[workflow, state] = seconds(found[1].expected) if found and says else None
        return sorted(
            (
                Duration(
                    workflow=workflow,
                    state=state,
                    n=sum(bins.values()),
                    p50=quantile(bins, 0.5),
                    p95=quantile(bins, 0.95),
                    expected=expected[workflow, state],
                )
                for (workflow, state), bins in by_state.items()
            ),
            key=lambda d: (-(d.times_expected or 0), d.workflow, d.state),
        )


@router.get("/")
def glance_page(request: Request, rt: Rt, me: Me) -> Response:
    """The whole page."""
    return render(request, "overview/overview.html", **_values(request, rt))


@router.get("/overview/parts")
def parts(request: Request, rt: Rt, me: Me) -> Response:
    """Its parts alone, for the script that puts them in their places; 304 if nothing is new."""
    page: HTMLResponse = render(request, "overview/overview_parts.html", **_values(request, rt))
    tag = f'"{hashlib.sha256(page.body).hexdigest()[:32]}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"ETag": tag, "Cache-Control": "no-cache"})
    page.headers["ETag"], page.headers["Cache-Control"] = tag, "no-cache"
    return page


def _values(request: Request, rt: Runtime) -> dict[str, Any]:
    state = request.app.state.__dict__
    known: Overview = state.get("overview") or state.setdefault("overview", Overview(rt))
    seen, _ = known.seen.get()
    (models, budget), _ = known.spent.get()
    counted, _ = known.counts.get()
    order = [status.value for status in Status]
    return {
        "seen": seen,
        "models": models,
        "budget": budget,
        "most": MOST,
        "refresh_seconds": REFRESH_SECONDS,
        "counts": None if counted is None else [(s, counted[1][s]) for s in order if counted[1].get(s)],
        "counted_at": None if counted is None else counted[0],
        "worst": health.worst,
        "told_limit": limits.told,
    }
