"""Looking at runs: `runs`, `show`, `trace`, `explain`; and at `refused` messages. None of them writes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.commands.output import emit, pretty, say, show_pairs, show_table
from app.commands.shell import named, opened, reading, run_named
from app.core.errors import BadInput, InvalidDefinition, NotFound
from app.core.lifecycle import Status
from app.core.values.durations import seconds, spoken

if TYPE_CHECKING:
    from app.store.database import Database

commands = typer.Typer()
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="A run's id or subject, or a unique beginning of either.")]

_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2})?")
_SHORT = 60  # characters of a text in a table
_TRACED = (  # of an entry, in JSON
    "at",
    "kind",
    "seq",
    "step",
    "step_seq",
    "name",
    "status",
    "actor",
    "detail",
    "input",
    "output",
    "latency_ms",
    "tokens_in",
    "tokens_out",
)


@commands.command()
def runs(
    status: Annotated[list[Status] | None, typer.Option(help="Only these statuses; may be repeated.")] = None,
    state: Annotated[str | None, typer.Option(help="Only this state.")] = None,
    workflow: Annotated[str | None, typer.Option(help="Only this workflow.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only subjects that begin like this.")] = None,
    parent: Annotated[str | None, typer.Option(metavar="RUN", help="The child runs of this run instead.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most this many.")] = 50,
    before: Annotated[
        str | None, typer.Option(metavar="RUN", help="Only runs older than this one: the next page.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List runs, newest first."""
    from app.store.reads import run_list

    with reading() as database:
        wanted = run_list.RunFilter(
            status=status or (),
            state=state or "",
            workflow=workflow or "",
            subject=subject or "",
            parent=run_named(database, parent) if parent else None,
            before=run_named(database, before) if before else None,
        )
        found = database.transact(lambda db: run_list.page(db, wanted, limit=limit))
    if as_json:
        emit([_renamed(asdict(run)) for run in found])
        return
    rows = [
        (
            r.id,
            r.subject,
            f"{r.workflow} v{r.workflow_version}",
            r.state,
            r.status,
            spoken(r.age_seconds),
            _cut(r.waiting_reason),
        )
        for r in found
    ]
    show_table(("run", "subject", "workflow", "state", "status", "age", "waits for"), rows, empty="no such runs")


@commands.command()
def show(
    run: RunName,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="As it stood then: 2026-03-01T14:05:00Z (UTC if no zone is named), 14:05 (the last time it was), or '90m ago'.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """A run as it is, or as it stood at any past moment."""
    with reading() as database:
        shown = _present(database, run) if at is None else _past(database, run, at)
    if as_json:
        emit(shown)
        return
    show_pairs(
        {
            name: value
            for name, value in shown.items()
            if name not in ("data", "findings", "human_tasks", "actions", "alerts", "children")
        }
    )
    say(pretty(shown["data"]))
    for finding in (f for f in shown["findings"] if isinstance(f, Mapping)):
        say(f"finding {finding.get('severity', '')} {finding.get('code')}: {finding.get('summary')}")
    for task in shown.get("human_tasks", ()):
        say(f"task {task.id} {task.status} for {task.role}: {task.title}")
    for action in shown.get("actions", ()):
        by = ", ".join(action.approvers) or "nobody"
        say(
            f"action {action.purpose} {action.status}: {action.amount} {action.currency} to {action.payee}, "
            f"approved by {by}{', ' + action.reference if action.reference else ''}"
        )
    for child in shown.get("children", ()):
        say(f"child {child['run_id']} {child['subject']} {child['state']} {child['status']}")
    for alert in shown.get("alerts", ()):
        say(f"alert {alert['rule']} {'resolved' if alert['resolved_at'] else 'open'}: {alert['message']}")


def _present(database: Database, name: str) -> dict[str, Any]:
    """The run with all that belongs to it, read in one transaction."""
    from app.store.human_tasks import task_list
    from app.store.ledger import actions
    from app.store.reads import alert_list, glance, run_list
    from app.store.runs import runs

    def read(db: Any) -> dict[str, Any]:
        run_id = named(db, name)
        row = _renamed(asdict(glance.one(db, run_id))) | {"data": runs.data_of(db, run_id)}
        row["findings"] = _findings(row["data"])
        row["human_tasks"] = task_list.whole(db, task_list.TaskFilter(status=None, run=run_id))
        row["actions"] = actions.of_run(db, run_id)
        row["alerts"] = [asdict(alert) for alert in alert_list.of_run(db, run_id)[::-1]]
        row["children"] = [_renamed(asdict(child)) for child in run_list.children(db, run_id)]
        return row

    shown: dict[str, Any] = database.transact(read)
    return shown


def _past(database: Database, name: str, moment: str) -> dict[str, Any]:
    """The run as it stood, from its history alone."""
    from app.store import clock
    from app.store.reads import glance, history

    def read(db: Any) -> dict[str, Any]:
        run_id = named(db, name)
        now = clock.now(db)
        at = parse_moment(moment, now=now)
        if at > now:
            raise BadInput(f"--at: {at.isoformat()} is still to come; now it is {now.isoformat()}")
        run, stood = glance.one(db, run_id), history.stood_at(db, run_id, at)
        if stood is None:
            raise NotFound(f"the run had not begun at {at.isoformat()}; it began at {run.created_at.isoformat()}")
        fixed = {
            "run_id": run_id,
            **{n: getattr(run, n) for n in ("workflow", "workflow_version", "subject", "parent_run_id", "created_at")},
        }
        then = {n: getattr(stood, n) for n in stood.__dataclass_fields__ if n != "run_id"}
        return fixed | then | {"findings": _findings(stood.data)}

    shown: dict[str, Any] = database.transact(read)
    return shown


def parse_moment(text: str, *, now: datetime) -> datetime:
    """A moment as people write it: ISO 8601 (UTC without a zone), "14:05" (the last time it was), "now", or "90m ago". Raises BadInput."""
    words = text.strip()
    if words == "now":
        return now
    try:
        if words.endswith(" ago"):
            return now - timedelta(seconds=seconds(words.removesuffix(" ago")))
        if _CLOCK.fullmatch(words):
            today = datetime.combine(now.astimezone(UTC), time.fromisoformat(words.zfill(5)), UTC)
            return today if today <= now else today - timedelta(days=1)
        moment = datetime.fromisoformat(words)
    except (ValueError, InvalidDefinition, OverflowError):
        raise BadInput(f"--at: {text!r} is no time; write 2026-03-01T14:05:00Z, 14:05 or '90m ago'") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@commands.command()
def trace(run: RunName, as_json: AsJson = False) -> None:
    """Everything a run did, saw and was told, in order."""
    from app.store.reads import trace as store

    with reading() as database:
        run_id = run_named(database, run)
        entries = database.transact(lambda db: store.of_run(db, run_id))
    if as_json:
        emit([{name: getattr(entry, name) for name in _TRACED} for entry in entries])
        return
    rows = [
        (
            e.at.astimezone(UTC).isoformat(" ", "milliseconds")[:-6] + "Z",
            e.kind,
            e.step,
            e.name,
            e.status,
            e.actor,
            f"{e.latency_ms:.0f} ms" if e.latency_ms is not None else "",
            _cut(e.detail),
        )
        for e in entries
    ]
    show_table(("at", "kind", "step", "name", "status", "actor", "took", "detail"), rows, empty="no history")


@commands.command()
def explain(run: RunName, as_json: AsJson = False) -> None:
    """Say in one sentence where a run stands and why it is not moving."""
    from app import doctor
    from app.diagnosis import explain as engine
    from app.store.reads import situation

    with opened() as rt:
        run_id = run_named(rt.database, run)
        seen = rt.database.transact(lambda db: situation.read(db, run_id))
        broker = doctor.broker_problem() if seen.run.status == Status.READY else None
        found = engine.explain(seen, rt.settings, broker=broker)
    if as_json:
        row = {name: getattr(seen.run, name) for name in ("workflow", "workflow_version", "subject", "state", "status")}
        emit({"run_id": run_id, **row, "condition": found.condition, "explanation": found.sentence})
    else:
        say(found.sentence)


@commands.command()
def refused(as_json: AsJson = False) -> None:
    """List the messages that were refused, a line for each kind, the last seen first."""
    from app.store.records import refused as store

    with reading() as database:
        found = database.transact(store.standing)
    if as_json:
        emit(found)
        return
    rows = [
        (
            k.what,
            k.queue,
            k.name,
            f"{k.count:,}",
            f"{spoken(k.seconds)} ago",
            k.reason,
            "; ".join(f"{word} {value}" for word, value in k.samples[0].items()) if k.samples else "",
        )
        for k in found
    ]
    headings = ("refused", "in", "asks for", "how many", "last", "why", "the newest said")
    show_table(headings, rows, empty="no message was refused")


def _renamed(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of `runs` with its id called what everything else calls it."""
    return {"run_id" if name == "id" else name: value for name, value in row.items()}


def _findings(data: Any) -> list[Any]:
    found = data.get("findings") if isinstance(data, dict) else None
    return found if isinstance(found, list) else []


def _cut(text: str | None) -> str:
    line = " ".join((text or "").split())
    return line if len(line) <= _SHORT else line[: _SHORT - 1] + "…"
