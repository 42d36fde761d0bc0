"""What an operator does to a run: `cancel`, `pause`, `resume`, `retry`, `redrive`, `fail`, `fork`, `close-dispute`, `purge`.

Each names who does it and why; both are kept in the run's history.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Protocol
from uuid import UUID

import typer

from app.commands.output import emit, say, show_table
from app.commands.reading import AsJson, RunName
from app.commands.shell import opened, person, run_named
from app.commands.work import As
from app.core.errors import BadInput
from app.core.lifecycle import Status

if TYPE_CHECKING:
    from app.engine.runtime import Runtime

commands = typer.Typer()
Reason = Annotated[str, typer.Option(help="Why; kept in the run's history.")]


class Verb(Protocol):
    """One of `app.engine.control.operate`."""

    def __call__(self, rt: Runtime, run_id: UUID, *, actor: str, reason: str) -> None: ...


def _do(name: str, run: str, reason: str, user: str | None, *, as_json: bool) -> None:
    from app.engine.control import operate
    from app.store.reads import glance

    if not reason.strip():
        raise BadInput("--reason: say why; whoever reads the run's history will ask")
    verb: Verb = getattr(operate, name)
    with opened() as rt:
        run_id = run_named(rt.database, run)
        verb(rt, run_id, actor=person(user), reason=reason)
        after = rt.database.transact(lambda db: glance.one(db, run_id))
    if as_json:
        asked = {flag: getattr(after, flag) for flag in ("pause_requested", "cancel_requested")}
        emit({"run_id": run_id, "subject": after.subject, "state": after.state, "status": after.status, **asked})
        return
    later = " (it comes about at the end of its step)" if after.cancel_requested and not after.finished_at else ""
    later = " (it pauses when it would next be ready)" if after.pause_requested else later
    say(f"{name}: run {run_id} ({after.subject}) is {after.status} in {after.state}{later}")


@commands.command()
def cancel(run: RunName, reason: Reason, user: As = None, as_json: AsJson = False) -> None:
    """Cancel a run and its children; refused once an irreversible action was begun."""
    _do("cancel", run, reason, user, as_json=as_json)


@commands.command()
def pause(run: RunName, reason: Reason, user: As = None, as_json: AsJson = False) -> None:
    """Hold a run: at once if it is READY, else when it would next be."""
    _do("pause", run, reason, user, as_json=as_json)


@commands.command()
def resume(run: RunName, reason: Reason, user: As = None, as_json: AsJson = False) -> None:
    """Let a paused run go on, or take back a pause that has not come about."""
    _do("resume", run, reason, user, as_json=as_json)


@commands.command()
def retry(run: RunName, reason: Reason, user: As = None, as_json: AsJson = False) -> None:
    """Try a FAILED_RETRIABLE run's step again, with fresh attempts; its completed calls are not repeated."""
    _do("retry", run, reason, user, as_json=as_json)


@commands.command()
def redrive(run: RunName, reason: Reason, user: As = None, as_json: AsJson = False) -> None:
    """Run the step of a DEAD_LETTER run again; its completed calls are not repeated."""
    _do("redrive", run, reason, user, as_json=as_json)


@commands.command()
def fail(run: RunName, reason: Reason, user: As = None, as_json: AsJson = False) -> None:
    """End a stopped run (DEAD_LETTER or FAILED_RETRIABLE) as FAILED."""
    _do("fail", run, reason, user, as_json=as_json)


@commands.command()
def fork(
    run: RunName,
    step: Annotated[
        int, typer.Argument(min=1, help="The number of the step it begins with, as `longhaul trace` lists them.")
    ],
    reason: Reason,
    user: As = None,
    as_json: AsJson = False,
) -> None:
    """Begin a new run where a run entered a step; its completed calls are copied, its actions and approvals are not."""
    from app.engine.control.fork import fork as begin

    with opened() as rt:
        source = run_named(rt.database, run)
        made = begin(rt, source, step, actor=person(user), reason=reason)
    if as_json:
        emit({"run_id": made.run_id, "forked_from": source, "state": made.state, "copied": made.copied})
    else:
        say(f"fork: run {made.run_id} begins in {made.state}, with {made.copied} completed calls of run {source}")


@commands.command("bulk")
def on_many(
    verb: Annotated[str, typer.Argument(metavar="VERB", help="retry, redrive, fail, pause, resume or cancel.")],
    reason: Reason,
    run: Annotated[list[str] | None, typer.Option("--run", metavar="RUN", help="A run; may be repeated.")] = None,
    status: Annotated[list[Status] | None, typer.Option(help="All runs in these statuses; may be repeated.")] = None,
    workflow: Annotated[str | None, typer.Option(help="Of them only this workflow's.")] = None,
    alike: Annotated[
        str | None,
        typer.Option(
            metavar="FINGERPRINT", help="The runs that stopped alike; to retry or redrive, one of them first."
        ),
    ] = None,
    rest: Annotated[
        bool, typer.Option("--rest", help="With --alike: the others, once one has passed its step.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most this many.")] = 100,
    for_good: Annotated[
        bool, typer.Option("--for-good", help="Do it; else it is a trial that says what would be done.")
    ] = False,
    user: As = None,
    as_json: AsJson = False,
) -> None:
    """Do one of the verbs to many runs: a trial first, that changes nothing."""
    from app.engine.control import bulk
    from app.store.reads import run_list

    if not run and not status and not alike:
        raise BadInput("name runs by --run, their --status, or --alike; `bulk` never means all there are")
    with opened() as rt:
        chosen = [run_named(rt.database, one) for one in run or ()]
        if alike:
            chosen += bulk.of_a_kind(rt, verb, alike, the_rest=rest)
        if status:
            wanted = run_list.RunFilter(status=status, workflow=workflow or "")
            chosen += [run.id for run in rt.database.transact(lambda db: run_list.page(db, wanted, limit=limit))]
        done = bulk.apply(rt, verb, chosen[:limit], actor=person(user), reason=reason, dry_run=not for_good)
    if as_json:
        emit(done)
        return
    yes = "done" if for_good else "would be done"
    show_table(
        ("run", "subject", "status", verb),
        [(one.run_id, one.subject, one.status, one.refusal or yes) for one in done],
        empty="no such runs",
    )


@commands.command("close-dispute")
def close_dispute(
    action: Annotated[
        UUID, typer.Argument(metavar="ACTION", help="The action's id, as `longhaul show RUN --json` lists it.")
    ],
    reason: Annotated[str, typer.Option(help="What was found, and how it was settled; kept in the ledger.")],
    user: Annotated[str, typer.Option("--as", metavar="USER", help="Who closes it: somebody who may sign off.")],
    as_json: AsJson = False,
) -> None:
    """Say what was found about an action that its service disputes; nothing is sent, and its effect stays taken."""
    from app.actions import disputes

    with opened() as rt:
        run_id = disputes.close(rt, action, by=user, reason=reason)
    if as_json:
        emit({"action": action, "run_id": run_id, "closed_by": user})
    else:
        say(f"the dispute of action {action} of run {run_id} is closed by {user}")


@commands.command()
def purge(
    run: RunName,
    reason: Reason,
    user: As = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase an ended run's texts, payloads, documents and salts, its children's too; its chain still verifies."""
    from app.engine.control.purge import purge as erase

    with opened("owner") as rt:
        run_id = run_named(rt.database, run)
        if not yes:
            typer.confirm(f"Erase what run {run_id} and its children know, for good?", abort=True, err=True)
        store = rt.documents
        done = erase(rt.database, run_id, actor=person(user), reason=reason, forget_document=store.erase)
    if as_json:
        emit(done)
    else:
        say(f"erased {done.runs} runs and {done.documents} documents" if done.runs else "nothing was left to erase")
