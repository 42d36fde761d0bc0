"""Links by which a claimant sends documents: `invite`."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from app.commands.output import emit, say
from app.commands.reading import AsJson
from app.commands.shell import opened, pages_address, run_named
from app.core.errors import BadInput

commands = typer.Typer()


@commands.command()
def invite(
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="A run's id, a unique beginning of it, or its subject.")
    ] = None,
    user: Annotated[str, typer.Option("--as", metavar="USER", help="The person who invites, or ends a link.")] = "",
    days: Annotated[float, typer.Option(help="How many days the link lets in, at most 60.")] = 14.0,
    revoke: Annotated[str | None, typer.Option(metavar="LINK", help="End the link of this id at once.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a link by which a claimant sends documents for a run, shown this once; or end one."""
    if (run is None) == (revoke is None):
        raise BadInput("name either a run to make a link for, or --revoke and the id of a link")
    if not user:
        raise BadInput("--as: say who does it; only adjusters, supervisors and special investigators may invite")
    if revoke is not None:
        _end(revoke, user, as_json)
    elif run is not None:
        _make(run, user, days, as_json)


def _make(run: str, user: str, days: float, as_json: bool) -> None:
    from app.insurance.claimant import claimant_links
    from app.insurance.claimant.view import asked_of
    from app.store.reads import pages

    with opened() as rt:
        run_id = run_named(rt.database, run)
        with pages.snapshot(rt.database) as db:
            asked, unread = asked_of(db, run_id)
        made = claimant_links.make(rt, run_id, by=user, asks="\n".join([*asked, *unread]), days=days)
        url = f"{pages_address(rt.settings)}/c/{made.token}"
    if as_json:
        emit({"id": made.id, "run_id": made.run_id, "url": url, "expires_at": made.expires_at})
    else:
        say(url)
        say(f"lets in until {made.expires_at:%Y-%m-%d %H:%M} UTC; shown this once")
        say(f"end it before: longhaul invite --revoke {made.id} --as {user}")


def _end(link: str, user: str, as_json: bool) -> None:
    from app.insurance.claimant import claimant_links

    try:
        link_id = UUID(link)
    except ValueError:
        raise BadInput(f"--revoke: {link!r} is no id of a link; the run's page lists its links") from None
    with opened() as rt:
        ended = claimant_links.revoke(rt, link_id, by=user)
    if as_json:
        emit(ended)
    else:
        say(f"the link {link_id} lets nobody in any more, since {ended.revoked_at:%Y-%m-%d %H:%M} UTC")
