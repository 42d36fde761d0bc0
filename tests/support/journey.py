"""A workflow that passes through every kind of state, driven in this process: no broker, no worker, real Postgres."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal, TypeVar
from uuid import UUID

import psycopg
from pydantic import BaseModel

from app.accounts import people
from app.core.declarations.tools import Tool
from app.core.errors import NeedsPerson, NotDone, Throttled, Unrecoverable
from app.core.ports import ModelProvider, ToolCode
from app.core.retry import RetryPolicy
from app.core.workflow import Children, ChildRun, Human, Request, Step, Timer, Wait, Workflow
from app.engine import start
from app.engine.runtime import Registry, Runtime
from app.settings import Settings
from app.store.database import Connection, Database, connect
from app.store.journal.journal import DirectJournal
from app.store.ledger.actions import WRITTEN_ONCE
from tests.support.clock import later
from tests.support.dispatchers import SilentDispatcher
from tests.support.roles import DECLARED
from tests.support.working import work_off

T = TypeVar("T")
LOOK_UP = Tool("registry.look_up", reads_only=True)
Mood = Literal["well", "flaky", "throttled", "doubtful", "hopeless"]


class Luggage(BaseModel):
    """What the run carries; `mood` says what GATHERING meets, `bad_child` whether a child dies."""

    mood: Mood = "well"
    bad_child: bool = False
    answers: list[str] = []
    amount: Decimal = Decimal(0)
    findings: list[dict[str, str]] = []


class Form(BaseModel):
    """What the person is asked."""

    amount: Decimal
    comment: str = ""


def _gather(step: Any, data: Luggage) -> str:
    match data.mood:
        case "flaky":
            raise NotDone("the registry refused the connection")
        case "throttled":
            raise Throttled("the registry asks for patience", retry_after_seconds=30)
        case "doubtful":
            raise NeedsPerson("two owners", "the registry and the letter differ")
        case "hopeless":
            raise Unrecoverable("the registry was closed for good")
    data.answers.append(step.call(LOOK_UP, what=step.subject)["found"])
    data.findings.append({"code": "SEEN", "summary": step.keep("stamp", lambda: "stamped")})
    return "gathered"


def _ask(step: Any, data: Luggage) -> Request:
    return Request(title="How much?", note="The registry knows it.", defaults={"amount": "10.00"})


def _split(step: Any, data: Luggage) -> list[ChildRun]:
    moods: list[Mood] = ["well", "hopeless" if data.bad_child else "well"]
    return [
        ChildRun(workflow="leaf", subject=f"{step.subject}/{n}", data=Luggage(mood=mood))
        for n, mood in enumerate(moods)
    ]


def _close(step: Any, data: Luggage) -> str:
    data.amount += Decimal("0.50")
    return "closed"


JOURNEY = Workflow(
    name="journey",
    version=1,
    data=Luggage,
    starts_at="GATHERING",
    states=[
        Step("GATHERING", does=_gather, retry=RetryPolicy(attempts=2), then={"gathered": "ASKING"}),
        Human("ASKING", form=Form, role="adjuster", asks=_ask, due="48h", then={"approved": "EXPECTING"}),
        Wait("EXPECTING", event="letter", expires="14d", then={"letter": "RESTING", "expired": "RESTING"}),
        Timer("RESTING", lasts="1h", then={"due": "SPLITTING"}),
        Children("SPLITTING", starts=_split, then={"ended": "CLOSING"}),
        Step("CLOSING", does=_close, then={"closed": "COMPLETE"}),
    ],
)
LEAF = Workflow(
    name="leaf",
    version=1,
    data=Luggage,
    starts_at="GATHERING",
    states=[Step("GATHERING", does=_gather, then={"gathered": "COMPLETE"})],
)
WORKFLOWS = (JOURNEY, LEAF)


def look_up(key: str, params: Mapping[str, Any]) -> Any:
    """The registry."""
    return {"found": f"about {params['what']}"}


class Watched(DirectJournal):
    """A journal after each of whose commits somebody may look."""

    def __init__(self, database: Database, look: Callable[[], None]) -> None:
        super().__init__(database)
        self._look = look

    def transact(self, work: Callable[[Connection], T], *, until: float) -> T:
        done = super().transact(work, until=until)
        self._look()
        return done


@dataclass
class Travel:
    """A runtime on one database, and what a test does with it."""

    url: str
    rt: Runtime

    def begin(self, subject: str = "J-1", **luggage: Any) -> UUID:
        """Start a journey."""
        data = Luggage(**luggage)
        work = lambda db: start.start(db, JOURNEY, subject=subject, data=data, key=None, actor="test")  # noqa: E731
        return self.rt.database.transact(work).run_id

    def go(self) -> None:
        """Run every READY run until none is."""
        work_off(self.rt)

    def rows(self, query: str, *params: Any) -> list[dict[str, Any]]:
        """What the database says."""
        with connect(self.url, "owner") as db:
            return db.execute(query, params).fetchall()

    def one(self, query: str, *params: Any) -> dict[str, Any]:
        """Its only row."""
        (row,) = self.rows(query, *params)
        return row

    def run(self, run_id: UUID) -> dict[str, Any]:
        """The run's row."""
        return self.one("SELECT * FROM runs WHERE id = %s", run_id)

    def tamper(self, statement: str, *params: Any) -> None:
        """What only somebody with the owner's login could do; who has it can switch the triggers off that would refuse it."""
        with connect(self.url, "owner") as db:
            try:
                db.execute(statement, params)
            except psycopg.Error as problem:
                if problem.sqlstate != WRITTEN_ONCE:
                    raise
                db.execute("SET session_replication_role = replica")
                db.execute(statement, params)

    def advance_clock(self, by: timedelta) -> None:
        """Move the time of the whole product."""
        with connect(self.url, "owner") as db, db.transaction():
            db.execute(later(by))

    def enrol(self, username: str, *roles: str) -> None:
        """Enrol a person."""
        person = people.Person(username, username.title(), roles, Decimal(1000))
        self.rt.database.transact(lambda db: people.enrol(db, person))


@contextmanager
def travel(
    url: str,
    *,
    look: Callable[[], None] | None = None,
    workflows: tuple[Workflow, ...] = WORKFLOWS,
    tools: Mapping[str, ToolCode] | None = None,
    provider: ModelProvider | None = None,
    **settings: Any,
) -> Iterator[Travel]:
    """A runtime for the journey, or for other workflows; closed at the end. `look` is called after every commit of a step."""
    config = Settings(database_url=url, log_level="ERROR", **settings)
    database = Database(url, "owner")  # it plays worker, web and sweep in turn
    journal = Watched(Database(url, "worker"), look or (lambda: None))
    rt = Runtime(
        settings=config,
        database=database,
        journal=journal,
        workflows=Registry(workflows),
        tools={LOOK_UP.name: look_up, **(tools or {})},
        dispatcher=SilentDispatcher(),
        roles=DECLARED,
        provider=provider,
        draw=lambda: 0.5,
    )
    try:
        yield Travel(url, rt)
    finally:
        journal.close()
        database.close()
