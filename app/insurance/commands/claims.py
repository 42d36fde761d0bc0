"""Claims coming in: `submit` a folder of documents, `upload` more of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from app.commands.output import emit, say
from app.commands.reading import AsJson, RunName
from app.commands.shell import opened, person, run_named
from app.commands.work import As
from app.core.lifecycle import Status

commands = typer.Typer()


@commands.command()
def submit(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder with the claim's documents.")],
    key: Annotated[
        str | None, typer.Option(help="Idempotency key: the same key and documents are the same run.")
    ] = None,
    user: As = None,
    as_json: AsJson = False,
) -> None:
    """Start a claim from a folder of documents."""
    from app.insurance import intake

    with opened() as rt:
        done = intake.submit_folder(rt, folder, key=key, actor=person(user))
    if as_json:
        emit(done)
    else:
        say(
            f"{'started' if done.new else 'was started before:'} run {done.run_id} for {done.claim} "
            f"with {done.documents} documents"
        )


@commands.command()
def upload(
    run: RunName,
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Documents to add.", exists=True, dir_okay=False, readable=True),
    ],
    user: As = None,
    as_json: AsJson = False,
) -> None:
    """Add documents to a claim; a run that waits for them goes on. The same files again change nothing."""
    from app.insurance import intake

    with opened() as rt:
        run_id = run_named(rt.database, run)
        kept = intake.upload(rt, run_id, [(path.name, intake.content_of(path)) for path in files], actor=person(user))
        later = rt.database.transact(lambda db: _not_yet(db, run_id, intake.SIGNAL))
    if as_json:
        emit({"run_id": run_id, "documents": kept, "not_yet_read": later})
    else:
        for document in kept:
            say(f"kept {document.filename} ({document.size:,} bytes) as {document.sha256}")
        if later:
            say(f"nobody has read them yet: {later}")


def _not_yet(db: Any, run_id: UUID, name: str) -> str:
    """Why what was uploaded lies unread; empty once the run goes on with it."""
    from app.store.reads import glance

    run = glance.one(db, run_id)
    if name not in (run.pending_events or ()):
        return ""
    return f"the run is {run.status} in {run.state} and takes them up when it next waits for documents" + (
        " (a reviewer who wants them read answers more_information)" if run.status == Status.WAITING_FOR_HUMAN else ""
    )
