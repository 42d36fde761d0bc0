"""Whether what is kept of a run holds: `verify` of a run, or of an evidence pack with nothing but its file; `evidence` makes one."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from app.commands.output import emit, say
from app.commands.reading import AsJson, RunName
from app.commands.shell import REFUSED, opened, person, reading, run_named
from app.core.errors import BadInput

commands = typer.Typer()


@commands.command()
def evidence(
    run: RunName,
    out: Annotated[Path, typer.Option("-o", "--out", metavar="FILE", help="Where to write it.")],
    user: Annotated[str | None, typer.Option("--as", metavar="USER", help="Who makes it; you if not given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write everything of a run and its children into one signed zip; `longhaul verify FILE` checks it anywhere."""
    from app.evidence.pack import evidence_pack

    if not out.parent.is_dir():
        raise BadInput(f"-o: there is no folder {out.parent}; make it, or name another file")
    with opened() as rt:
        run_id = run_named(rt.database, run)
        open_document = rt.documents.opened
        with evidence_pack(rt, run_id, by=person(user), open_document=open_document) as pack:
            _keep(pack.file, out)
            size, fingerprint = pack.size, pack.fingerprint
    if as_json:
        emit({"run_id": run_id, "file": out, "size": size, "fingerprint": fingerprint})
    else:
        say(f"{out}: {size:,} bytes, signed by the key {fingerprint}")


def _keep(file: Any, out: Path) -> None:
    """Whole or not at all: a file of this name is either the one from before or the new one."""
    try:
        descriptor, part = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name[:40]}-")
    except OSError as problem:
        raise BadInput(f"-o: {out.parent} cannot be written: {problem.strerror}; name another file") from problem
    try:
        with os.fdopen(descriptor, "wb") as written:
            shutil.copyfileobj(file, written)
            written.flush()
            os.fsync(written.fileno())
        Path(part).replace(out)
    except OSError as problem:
        Path(part).unlink(missing_ok=True)
        raise BadInput(f"-o: {out} cannot be written: {problem.strerror}; name another file") from problem


@commands.command()
def verify(
    run: Annotated[
        str, typer.Argument(metavar="RUN|FILE", help="A run as elsewhere, or the file of an evidence pack.")
    ],
    key: Annotated[
        str | None,
        typer.Option(
            metavar="FINGERPRINT|FILE", help="Of a pack: hold only if this key signed it (or the public key in FILE)."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Recompute a run's hash chain and every output's hash; of an evidence pack also its signature and every file, offline.

    Exit code 1 at the first thing that does not hold.
    """
    if _is_pack(run):
        _verify_pack(Path(run), key, as_json)
        return
    if key:
        raise BadInput("--key: it is for evidence packs; name the file of one")
    from app.store.records import verify as store

    with reading() as database:
        run_id = run_named(database, run)
        verdict = database.transact(lambda db: store.verify(db, run_id))
    if as_json:
        names = ("run_id", "holds", "transitions", "checkpoints", "erased", "head", "broken")
        emit({name: getattr(verdict, name) for name in names})
    elif verdict.broken:
        say(f"BROKEN at {verdict.broken.where}: {verdict.broken.what}")
    else:
        gone = f", {verdict.erased} of the transitions without their erased texts" if verdict.erased else ""
        say(
            f"holds: {verdict.transitions} transitions and {verdict.checkpoints} checkpoints{gone}; "
            f"head {verdict.head[:16]}…"
        )
    if verdict.broken:
        raise typer.Exit(REFUSED)


def _is_pack(text: str) -> bool:
    """Whether a person means a file, and not a run."""
    return text.endswith(".zip") or Path(text).is_file()


def _verify_pack(file: Path, key: str | None, as_json: bool) -> None:
    """Check a pack offline. Exit code 1 at the first thing that does not hold. Raises BadInput if it cannot be read."""
    from app.evidence.check import check_pack, wanted_fingerprint

    fingerprint = wanted_fingerprint(key) if key else None
    try:
        verdict = check_pack(file, fingerprint=fingerprint)
    except OSError as problem:
        raise BadInput(f"{file} cannot be read: {problem.strerror}") from problem
    if as_json:
        names = (
            "holds",
            "broken",
            "fingerprint",
            "trusted",
            "run_id",
            "subject",
            "made_at",
            "made_by",
            "checked",
            "documents",
        )
        emit({name: getattr(verdict, name) for name in names})
    elif verdict.broken:
        say(_line(f"BROKEN at {verdict.broken.where}: {verdict.broken.what}", most=600))
    else:
        say(_told(verdict))
    if verdict.broken:
        raise typer.Exit(REFUSED)


def _told(verdict: Any) -> str:
    """One line. What the pack says of itself comes last, on the same line: whoever made it must not write what we say of it."""
    n = verdict.checked
    children = f" of {n.runs} runs" if n.runs > 1 else ""
    less = f" ({n.gone} entries more have no bytes here)" if n.gone else ""
    less += f", {n.erased} of {n.runs} runs erased" if n.erased else ""
    whose = (
        "the key you named"
        if verdict.trusted
        else "compare it with the one you were told: the pack cannot say whose it is"
    )
    return (
        f"OK: signed by the key {verdict.fingerprint} ({whose}); {n.transitions} transitions{children}, {n.calls} calls, "
        f"{verdict.documents} documents{less}; run {verdict.run_id}, "
        f"by its own words {_line(verdict.subject)}, made {_line(verdict.made_at)} by {_line(verdict.made_by)}"
    )


def _line(text: str, most: int = 200) -> str:
    return " ".join(text.split())[:most]
