"""What every command stands on. The law: a command ends with 0 (done), 1 (refused, or something is wrong) or 2 (asked
wrongly, or nothing to ask), one clear message, and never a traceback for an error we raise on purpose.

Settings come from the environment; what is not set there comes from the stack that runs on the data folder.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

import typer
from pydantic import ValidationError
from typer.core import TyperGroup

from app.commands.output import complain
from app.core.errors import BadInput, LonghaulError, NotFound, StoreUnavailable
from app.settings import Settings, settings
from app.stack.servers.errors import StackNotRunning

if TYPE_CHECKING:
    from app.engine.runtime import Runtime
    from app.store.database import Connection, Database, Role

REFUSED, ASKED_WRONGLY = 1, 2
_SHORTEST = 4  # characters of a subject's beginning
_NO_TABLES, _NOT_ALLOWED = ("42P01", "3F000", "42883"), "42501"  # what Postgres says; 42883: not even our functions
_NOTHING_TO_ASK = (BadInput, NotFound, StackNotRunning, StoreUnavailable)


class Commands(TyperGroup):
    """A group whose commands' errors are messages and exit codes."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except LonghaulError as problem:
            complain(str(problem))
            raise typer.Exit(ASKED_WRONGLY if isinstance(problem, _NOTHING_TO_ASK) else REFUSED) from None
        except Exception as problem:
            if (said := _database_trouble(problem)) is None:
                raise
            complain(said)
            raise typer.Exit(ASKED_WRONGLY) from None


def _database_trouble(problem: Exception) -> str | None:
    """A message for what the database's client raises when there is no database, or not ours."""
    from app.store.database import DatabaseError, is_gone

    if not isinstance(problem, DatabaseError) and not is_gone(problem):
        return None
    said = str(problem).strip().split("\n")[0]
    state = getattr(problem, "sqlstate", None)
    if state in _NO_TABLES:
        return (
            "this database has no tables of ours: run `python -m app.stack.migrate`, or correct LONGHAUL_DATABASE_URL."
        )
    if state == _NOT_ALLOWED:
        return f"this login may not do that: {said}. Use the one that migrates, or GRANT it our roles."
    if is_gone(problem):
        return f"the database does not answer: {said}. Start it, or correct LONGHAUL_DATABASE_URL."
    return None


_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 (compared with, never listened at)


def read_settings() -> Settings:
    """The environment's settings, read anew. Raises BadInput naming each variable that cannot be used."""
    settings.cache_clear()
    try:
        return settings()
    except ValidationError as problem:
        raise BadInput("; ".join(_wrong(e["loc"], e["input"], e["msg"]) for e in problem.errors())) from None


def _wrong(place: tuple[int | str, ...], value: object, said: str) -> str:
    """What is wrong with a variable, or with several together: that says itself which."""
    return f"LONGHAUL_{str(place[0]).upper()}={value!r}: {said}" if place else said.removeprefix("Value error, ")


def configured() -> Settings:
    """The settings of this command: the environment's, and for what it leaves open those of the running stack."""
    found = read_settings()
    if not found.database_url:
        from app.stack.status import stack_environment

        for name, value in stack_environment(found.data_dir).items():
            if not os.environ.get(name):
                os.environ[name] = value
        found = read_settings()
    # A person reads this terminal: the JSON line of every transition belongs into the logs of workers.
    return found if "log_level" in found.model_fields_set else found.model_copy(update={"log_level": "ERROR"})


def pages_address(config: Settings) -> str:
    """Where people open the pages: as the settings say to all, else as the stack here or this machine knows it."""
    from app.stack.status import stack_status

    if config.public_url:
        return config.public_url
    stack = stack_status(config.data_dir.absolute())
    if stack.running and stack.urls.web:
        return stack.urls.web.rstrip("/")
    host = "127.0.0.1" if config.web_host in _EVERYWHERE else config.web_host
    return f"http://{host}:{config.web_port}"


@contextmanager
def opened(role: Role = "web") -> Iterator[Runtime]:
    """A runtime for one command. Raises StackNotRunning if there is no database to ask."""
    config = _with_database()
    from app.application import workflows
    from app.bootstrap import runtime

    rt = runtime(workflows(config), role=role, config=config)
    try:
        # A pool waits and then only knows that it waited; one connection tried by hand says at once what is wrong.
        _try(config.database_url, role)
        yield rt
    finally:
        rt.journal.close()
        rt.database.close()


def _try(url: str, role: Role) -> None:
    """Connect once. Raises BadInput if the URL is none."""
    from app.store.database import DatabaseError, connect, is_gone

    try:
        connect(url, role).close()
    except DatabaseError as problem:
        if problem.sqlstate or is_gone(problem):
            raise
        raise BadInput(f"LONGHAUL_DATABASE_URL: {str(problem).strip()}. Correct it.") from None


@contextmanager
def reading() -> Iterator[Database]:
    """The database, for a command that only reads there: workflows, tools and the broker's client take longer to load than it
    takes. Raises StackNotRunning if there is none, and BadInput for a setting that cannot be used.
    """
    config = _with_database()
    from app.application import besides, installed
    from app.engine.dispatching import check_dispatcher
    from app.store.database import Database
    from app.telemetry import logs

    logs.configure(config.log_level, config.log_payloads)
    installed(config)
    besides(config)
    check_dispatcher(config.dispatcher)
    database = Database(config.database_url, "web")
    try:
        _try(config.database_url, "web")
        yield database
    finally:
        database.close()


def _with_database() -> Settings:
    config = configured()
    if not config.database_url:
        raise StackNotRunning(config.data_dir.absolute())
    return config


def run_named(database: Database, text: str) -> UUID:
    """The run a person means by `text`."""
    return database.transact(lambda db: named(db, text))


def named(db: Connection, text: str) -> UUID:
    """A run by what `glance.find` knows, else by a beginning of its subject that is no other's.

    A claim that named no number has its documents' fingerprint behind its subject, and nobody types that.
    """
    from app.store.reads import glance

    try:
        return glance.find(db, text)
    except NotFound:
        from app.store.reads import run_list

        beginning = text.strip()
        wanted = run_list.RunFilter(subject=beginning)
        found = run_list.page(db, wanted, limit=6) if len(beginning) >= _SHORTEST else []
        if not found:
            raise
        if len(found) > 1:
            could = "; ".join(f"{run.id} ({run.subject}, {run.status})" for run in found[:5])
            raise BadInput(f"{text!r} could be any of these runs, give more of it or an id: {could}") from None
        return found[0].id


def whoever() -> str:
    """The login name of whoever sits here: the actor of a command that is not told another."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def person(username: str | None) -> str:
    """An actor as the journal keeps it."""
    return f"person:{username or whoever()}"
