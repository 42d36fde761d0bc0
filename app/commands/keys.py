"""API keys: `keys create`, `list`, `revoke`."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from app.commands.output import emit, say, show_table
from app.commands.reading import AsJson
from app.commands.shell import Commands, opened, person
from app.commands.work import As
from app.core.errors import BadInput

commands = typer.Typer()
keys = typer.Typer(
    cls=Commands, no_args_is_help=True, help="Keys by which programs use the HTTP API in a person's name."
)
commands.add_typer(keys, name="keys")


@keys.command()
def create(
    username: Annotated[str, typer.Argument(metavar="NAME", help="In whose name, such as ada.quillmore.")],
    scope: Annotated[list[str], typer.Option(help="read, submit, work, operate, export or admin; may be repeated.")],
    name: Annotated[str, typer.Option(help="What the key is for.")],
    days: Annotated[float, typer.Option(help="How many days it lets in; 0: until it is revoked.")] = 90.0,
    user: As = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it, this once."""
    from app.accounts import keys as api_keys

    with opened() as rt:
        made = api_keys.create(rt, username, name=name, scopes=scope, days=days or None, by=person(user))
    if as_json:
        emit({"id": made.id, "key": made.secret, "expires_at": made.expires_at})
        return
    say(made.secret)
    until = f"until {made.expires_at:%Y-%m-%d %H:%M} UTC" if made.expires_at else "until it is revoked"
    say(f"lets in {until}; shown this once. End it before: longhaul keys revoke {made.id}")


@keys.command("list")
def list_keys(
    username: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Only those in this person's name.")] = None,
    as_json: AsJson = False,
) -> None:
    """The keys there are, newest first; none can be shown again."""
    from app.accounts import keys as api_keys

    with opened() as rt:
        found = api_keys.listed(rt, username)
    if as_json:
        emit(found)
        return
    rows = [
        (
            str(k.id),
            k.username,
            k.name,
            ", ".join(k.scopes),
            "revoked" if k.revoked_at else f"{k.expires_at:%Y-%m-%d}" if k.expires_at else "never",
            f"{k.used_at:%Y-%m-%d %H:%M}" if k.used_at else "never",
        )
        for k in found
    ]
    show_table(("id", "person", "for", "scopes", "ends", "last used"), rows, empty="there are no keys")


@keys.command()
def revoke(
    key: Annotated[str, typer.Argument(metavar="KEY", help="Its id, as `longhaul keys list` shows it.")],
    user: As = None,
) -> None:
    """End a key at once."""
    from app.accounts import keys as api_keys

    try:
        key_id = UUID(key)
    except ValueError:
        raise BadInput(
            "name the key by its id, as `longhaul keys list` shows it; never write the key itself here"
        ) from None
    with opened() as rt:
        api_keys.revoke(rt, key_id, by=person(user))
    say(f"the key {key_id} lets nobody in any more")
