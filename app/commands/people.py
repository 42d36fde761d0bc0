"""Who may sign in: `people list`, `first-admin`, `add`, `change`, `link`, `password`, `shut-out`, `let-in`."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import Annotated

import typer

from app.commands.output import emit, say, show_table
from app.commands.reading import AsJson
from app.commands.shell import Commands, configured, opened, pages_address, person, reading
from app.commands.work import As
from app.core.errors import BadInput
from app.core.values.typed_amount import typed_amount

commands = typer.Typer()
people = typer.Typer(
    cls=Commands, no_args_is_help=True, help="The people who may sign in: enrol them, let them in, shut them out."
)
commands.add_typer(people, name="people")

Username = Annotated[str, typer.Argument(metavar="NAME", help="A username, such as ada.quillmore.")]
Roles = Annotated[
    list[str] | None,
    typer.Option("--role", help="operator, auditor, admin or one of the application's; may be repeated."),
]
Authority = Annotated[str, typer.Option(help="The largest amount in US dollars they may approve.")]


@people.command("list")
def list_people(as_json: AsJson = False) -> None:
    """Everybody, with roles and authority."""
    from app.store.accounts.users import everyone

    with reading() as database:
        found = database.transact(everyone)
    if as_json:
        emit([{name: value for name, value in asdict(p).items() if name != "oidc_subject"} for p in found])
        return
    rows = [
        (
            p.username,
            p.display_name,
            ", ".join(p.roles),
            f"{p.authority:,.2f}",
            "shut out" if p.disabled_at else "password" if p.has_password else "by link",
        )
        for p in found
    ]
    show_table(("username", "name", "roles", "may approve", "signs in"), rows, empty="nobody is enrolled")


@people.command("first-admin")
def first_admin(
    username: Username, name: Annotated[str, typer.Option(help="Their name, as others read it.")] = "", user: As = None
) -> None:
    """Enrol the first administrator and print the link that lets them in once."""
    from app.accounts import administer

    with opened() as rt:
        path = administer.first_administrator(rt, username, name or username, by=person(user))
    say(_address(path))


@people.command()
def add(
    username: Username,
    name: Annotated[str, typer.Option(help="Their name, as others read it.")],
    role: Roles = None,
    authority: Authority = "0",
    user: As = None,
) -> None:
    """Enrol somebody and print the link that lets them in once."""
    from app.accounts import administer
    from app.accounts.people import Person

    new = Person(username, name, tuple(role or ()), _amount(authority))
    with opened() as rt:
        administer.enrol(rt, new, by=person(user))
        path = administer.link(rt, username, by=person(user))
    say(_address(path))


@people.command()
def change(username: Username, role: Roles = None, authority: Authority = "0", user: As = None) -> None:
    """Give somebody these roles and this authority, in place of what they have."""
    from app.accounts import administer

    with opened() as rt:
        administer.change(rt, username, roles=role or (), authority=_amount(authority), by=person(user))
    say(f"{username} is {', '.join(role or ()) or 'without a role'} and may approve up to {authority}")


@people.command()
def link(username: Username, user: As = None, as_json: AsJson = False) -> None:
    """Print a link that lets somebody in once, within a day."""
    from app.accounts import administer

    with opened() as rt:
        path = administer.link(rt, username, by=person(user))
    if as_json:
        emit({"username": username, "url": _address(path)})
    else:
        say(_address(path))


@people.command()
def password(
    username: Username,
    new: Annotated[
        str,
        typer.Option(prompt="New password", hide_input=True, confirmation_prompt=True, help="Asked for if not given."),
    ],
) -> None:
    """Give somebody a password; all their sessions end."""
    from app.accounts import passwords

    with opened() as rt:
        passwords.change(rt, username, new)
    say(f"{username} has a new password, and no session any more")


@people.command("shut-out")
def shut_out(username: Username, user: As = None) -> None:
    """End somebody's sessions and let them in no more."""
    from app.accounts import administer

    with opened() as rt:
        ended = administer.shut_out(rt, username, by=person(user))
    say(f"{username} is shut out; {ended} sessions ended")


@people.command("let-in")
def let_in(username: Username, user: As = None) -> None:
    """Take a shutting out back."""
    from app.accounts import administer

    with opened() as rt:
        administer.let_in(rt, username, by=person(user))
    say(f"{username} may sign in again")


def _amount(text: str) -> Decimal:
    try:
        return typed_amount(text, currency="USD")
    except BadInput as problem:
        raise BadInput(f"--authority: {text!r} cannot be taken. {problem}") from None


def _address(path: str) -> str:
    return f"{pages_address(configured())}{path}"
