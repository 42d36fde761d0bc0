"""The list of runs: every filter in the address, a page at a time, and the same list as CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.accounts.rights import Right, may, require
from app.core.canonical import canonical
from app.core.errors import BadInput, NotFound
from app.core.lifecycle import Status
from app.engine.runtime import Runtime
from app.store.reads import finding, pages, run_list
from app.store.reads.run_list import RunFilter, RunLine
from app.web.http import cursors
from app.web.http.render import render
from app.web.http.session import Me, Rt

router = APIRouter()
_LISTED = 50
_EXPORTED = 10_000
_COLUMNS = (
    "id",
    "subject",
    "workflow",
    "workflow_version",
    "status",
    "state",
    "waits_for_role",
    "waiting_reason",
    "created_at",
    "updated_at",
    "finished_at",
    "age_seconds",
    "spent_seconds",
    "expected_seconds",
    "tokens_in",
    "tokens_out",
    "cost",
    "unpriced_calls",
    "retries",
    "alerts",
)


class Asked(BaseModel):
    """The filters, as an address states them."""

    status: str = ""
    workflow: str = ""
    version: str = ""
    state: str = ""
    role: str = ""
    alert: str = ""
    text: str = ""
    since: str = ""
    until: str = ""
    least_tokens: str = ""
    retried: str = ""
    late: str = ""
    before: str = ""

    def wanted(self) -> RunFilter:
        """In the store's words. Raises BadInput naming what cannot be read."""
        place = cursors.place(self.before, UUID, name="before")
        return RunFilter(
            status=[self.status] if self.status else (),
            workflow=self.workflow,
            version=_number(self.version, "version"),
            state=self.state.strip().upper(),
            role=self.role,
            alert=self.alert,
            text=self.text.strip(),
            since=_day(self.since, "since"),
            until=_day(self.until, "until"),
            least_tokens=_number(self.least_tokens, "least_tokens"),
            retried=bool(self.retried),
            late=bool(self.late),
            before=place[0] if place else None,
        )

    def address(self, **changed: str) -> str:
        """The query that asks the same, but for what is changed."""
        return urlencode({name: value for name, value in (self.model_dump() | changed).items() if value})


@router.get("/runs")
def list_runs(request: Request, rt: Rt, me: Me, asked: Annotated[Asked, Query()]) -> Response:
    """Runs, newest first, narrowed by what the address says."""
    wanted = asked.wanted()
    with pages.snapshot(rt.database) as db:
        found, names = run_list.page(db, wanted, limit=_LISTED + 1), pages.workflows(db)
        rules = run_list.alert_rules(db)
    narrowed = {n: v for n, v in asked.model_dump().items() if v and n != "before"}
    return render(
        request,
        "runs/runs.html",
        runs=found[:_LISTED],
        asked=asked,
        chips=[(name, value, asked.address(**{name: "", "before": ""})) for name, value in narrowed.items()],
        workflows=names,
        states=_states(rt),
        statuses=[s.value for s in Status],
        roles=rt.roles.names,
        rules=rules,
        exports=may(rt, me, Right.EXPORT),
        same=asked.address(before=""),
        older=asked.address(before=cursors.written([found[_LISTED - 1].id])) if len(found) > _LISTED else None,
    )


@router.get("/runs/export.{kind}")
def export(rt: Rt, me: Me, kind: str, asked: Annotated[Asked, Query()]) -> Response:
    """The list as CSV or JSON, times in UTC; at most 10,000 runs, the newest. Raises NotEntitled."""
    require(rt, me, Right.EXPORT)
    if kind not in ("csv", "json"):
        raise NotFound("the list is given as csv or json; take export.csv or export.json")
    with pages.snapshot(rt.database) as db:
        found = run_list.page(db, asked.wanted(), limit=_EXPORTED)
    body, media = (_csv(found), "text/csv; charset=utf-8") if kind == "csv" else (_json(found), "application/json")
    return Response(body, media_type=media, headers={"Content-Disposition": f'attachment; filename="runs.{kind}"'})


@router.get("/runs/{name:path}")
def find_run(rt: Rt, me: Me, name: str) -> Response:
    """By whatever one has of a run: on to its own page, or to the list of those it may be."""
    with pages.snapshot(rt.database) as db:
        found = finding.find_all(db, name)
    if not found:
        raise NotFound(
            f"no run has the subject, number or document {name!r}, nor an id that begins so; look for it in the list of runs"
        )
    where = f"/runs/{found[0].run_id}" if len(found) == 1 else f"/runs?{urlencode({'text': name})}"
    return RedirectResponse(where, status_code=302)


def _states(rt: Runtime) -> list[str]:
    return sorted({name for workflow in rt.workflows for name in [*workflow.by_name, *workflow.endings]})


def _utc(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def _plain(run: RunLine) -> dict[str, Any]:
    return {"run_id" if name == "id" else name: _utc(getattr(run, name)) for name in _COLUMNS}


def _json(runs: Sequence[RunLine]) -> str:
    return json.dumps(json.loads(canonical([_plain(run) for run in runs])), indent=1, ensure_ascii=False)


def _csv(runs: Sequence[RunLine]) -> str:
    out = io.StringIO()
    sheet = csv.DictWriter(out, ["run_id", *_COLUMNS[1:]])
    sheet.writeheader()
    sheet.writerows(_harmless(_plain(run)) for run in runs)
    return out.getvalue()


def _harmless(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a spreadsheet would take for a formula is text: others wrote it."""
    return {n: f"'{v}" if isinstance(v, str) and v[:1] in "=+-@\t\r" and v else v for n, v in row.items()}


def _number(text: str, name: str) -> int | None:
    if not text.strip():
        return None
    if not text.strip().isascii() or not text.strip().isdigit() or len(text) > 15:
        raise BadInput(f"{name}: {text!r} is no whole number")
    return int(text)


def _day(text: str, name: str) -> datetime | None:
    if not text.strip():
        return None
    try:
        at = datetime.fromisoformat(text.strip().replace(" ", "+"))
    except ValueError:
        raise BadInput(f"{name}: {text!r} is no time; write 2026-03-01 or 2026-03-01T14:05:00Z") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
