"""The machine's world: one real Postgres database, worker processes that are objects of this one, and a clock for all.

A worker here has everything a process has but threads: an id of its own, a session that holds its lock, its holdings.
What it would do in its liveness thread it does when told to. Its journal stops at gates, before and after each write.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, TypeVar
from uuid import UUID

from app.accounts import people
from app.engine.process.liveness import Liveness
from app.engine.runtime import Registry, Runtime
from app.settings import Settings
from app.store.database import Connection, Database, connect
from app.store.journal.grouped import GroupedJournal
from app.store.journal.journal import DirectJournal, Journal, Rows
from app.store.runs.moves import Statement
from app.store.workers import workers
from app.sweeps.watch import Observer
from tests.lifecycle_machine.maze import MAZE, TOOLS, TWIG
from tests.lifecycle_machine.model import CRASHES_ALONE, LATE_RETRIES, LATE_RETRY_SECONDS
from tests.support.clock import standing
from tests.support.dispatchers import SilentDispatcher
from tests.support.roles import DECLARED

T = TypeVar("T")
PEOPLE = {"ada": ("adjuster", "operator"), "ben": ("adjuster", "operator"), "olga": ("operator",)}
_FIRST_DAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
PEERS = 8  # workers that only live, so that those that die are not more than half
QUEUES = [f"{pool}.{name}.v1" for pool in ("steps", "isolated") for name in ("maze", "twig")]
_EMPTIED = (
    "approvals",
    "actions",
    "human_task_events",
    "human_tasks",
    "signals",
    "checkpoints",
    "transition_rows",
    "corrected_data",
    "dead_letters",
    "deliveries",
    "alerts",
    "run_names",
    "workers",
    "sweeps",
    "runs",
)

Operation = Callable[["Worker", Callable[[], Any]], Any]


class Gated:
    """A journal whose every write is an operation that somebody stands beside."""

    def __init__(self, inner: Journal, worker: Worker, operation: Operation) -> None:
        self._inner, self._worker, self._operation = inner, worker, operation

    def write(
        self, run_id: UUID, statements: Sequence[Statement], *, until: float, asynchronous: bool = False
    ) -> list[Rows]:
        found: list[Rows] = self._operation(
            self._worker,
            lambda: self._inner.write(run_id, statements, until=until, asynchronous=asynchronous),
        )
        return found

    def transact(self, work: Callable[[Connection], T], *, until: float) -> T:
        found: T = self._operation(self._worker, lambda: self._inner.transact(work, until=until))
        return found

    def close(self) -> None:
        """The journal is everybody's."""


@dataclass(eq=False)
class Worker:
    """A worker process. locked: its session holds its lock. living: its row says that it is not gone. heard: it pinged in time."""

    rt: Runtime
    liveness: Liveness
    alive: bool = True
    locked: bool = False
    living: bool = True
    heard: bool = True
    stopping: bool = False

    def connect(self) -> None:
        """Take the lock on a session of its own, and ping."""
        self.liveness._connect()
        self.locked = self.living = self.heard = True

    def ping(self) -> None:
        """What the liveness thread does every 30 s: ping, and compare what is owned with what is worked on."""
        assert self.liveness._session is not None
        self.liveness._ping(self.liveness._session)
        self.living = self.heard = True

    def break_session(self) -> None:
        """The session ends, as with the process or with its connection; the database drops the lock."""
        if self.liveness._session is not None:
            self.liveness._session.close()
        self.locked = False


@dataclass
class Clock:
    """The time of the database and of every process. It stands still but where it is moved, so that examples can be repeated."""

    at: datetime = _FIRST_DAY

    def _monotonic(self) -> float:
        return (self.at - _FIRST_DAY).total_seconds()

    @contextmanager
    def shown(self) -> Iterator[None]:
        """The engine's monotonic clock moves with the database's: a process that sleeps grows as old as its rows."""
        ours = {"monotonic": self._monotonic, "clock_gettime": lambda _: self._monotonic()}
        shown = SimpleNamespace(**{**vars(time), **ours})
        places = [
            module
            for name, module in sys.modules.items()
            if name.startswith("app.engine.") and getattr(module, "time", None) is time
        ]
        for module in places:
            module.time = shown  # type: ignore[attr-defined]
        try:
            yield
        finally:
            for module in places:
                module.time = time  # type: ignore[attr-defined]


@dataclass
class World:
    """The database and what runs on it. `operation` stands beside every write of a step."""

    url: str
    database: Database
    journal: Journal
    db: Connection
    clock: Clock = field(default_factory=Clock)
    workers: list[Worker] = field(default_factory=list)
    operation: Operation = field(default=lambda _, op: op())
    tools: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.settings = Settings(
            database_url=self.url,
            log_level="ERROR",
            crashes_alone=CRASHES_ALONE,
            late_retries=LATE_RETRIES,
            late_retry_seconds=LATE_RETRY_SECONDS,
            observer_age_seconds=0,
            looks_apart_seconds=0,
            heartbeats_seconds=0,
            downstreams={},
        )
        self.office = self._runtime(self.journal)  # it plays people and sweeps
        for name, roles in PEOPLE.items():
            person = people.Person(name, name.title(), roles, Decimal(1000))
            self.database.transact(lambda db: people.enrol(db, person))  # noqa: B023
        self.peers = connect(self.url, "owner")

    def begin(self) -> None:
        """An empty database, the first day, two workers and their peers."""
        self.end()
        with self.db.transaction():
            self.db.execute("SET LOCAL session_replication_role = replica")
            for table in _EMPTIED:
                self.db.execute(f"DELETE FROM {table}")
            self.clock.at = _FIRST_DAY
            self.db.execute(standing(self.clock.at))
        self.observer = Observer(self.office)
        self.peers.execute("SELECT pg_advisory_unlock_all()")
        for n in range(PEERS):
            key = n + 1
            worker_id = UUID(int=key)
            workers.register(
                self.peers, worker_id, lock_key=key, liveness="lock", host="here", pid=key, queues=QUEUES, slots=1
            )
            workers.lock(self.peers, key)
        for _ in range(2):
            self.hire()

    def end(self) -> None:
        """Nothing of an example is left open."""
        for worker in self.workers:
            worker.break_session()
        self.workers.clear()
        if hasattr(self, "observer"):
            self.observer.close()

    def hire(self) -> Worker:
        """A new worker process."""
        rt = self._runtime(self.journal)
        worker = Worker(rt, Liveness(rt, queues=QUEUES, slots=4))
        rt.journal = Gated(self.journal, worker, self._stand_beside)
        workers.register(
            self.db,
            rt.worker_id,
            lock_key=worker.liveness._lock_key,
            liveness="lock",
            host="here",
            pid=1,
            queues=QUEUES,
            slots=4,
        )
        worker.connect()
        self.workers.append(worker)
        return worker

    def _stand_beside(self, worker: Worker, op: Callable[[], Any]) -> Any:
        return self.operation(worker, op)

    def able(self) -> list[Worker]:
        """The workers that may take a lease, in the order they were hired."""
        return [w for w in self.workers if w.alive and w.locked and w.living and not w.stopping]

    def move_clock(self, seconds: float) -> None:
        """It becomes later, for the database and for every process; the peers ping."""
        with self.db.transaction():
            self.clock.at += timedelta(seconds=seconds)
            self.db.execute(standing(self.clock.at))
        self.db.execute("UPDATE workers SET pinged_at = app_now() WHERE id = ANY (%s)", [self._peers()])

    def now(self) -> datetime:
        return self.clock.at

    def rows(self, query: str, *params: Any) -> list[dict[str, Any]]:
        """What the database says."""
        return self.db.execute(query, params).fetchall()

    def one(self, query: str, *params: Any) -> dict[str, Any]:
        (row,) = self.rows(query, *params)
        return row

    def _peers(self) -> list[UUID]:
        return [UUID(int=n + 1) for n in range(PEERS)]

    def _runtime(self, journal: Journal) -> Runtime:
        return Runtime(
            settings=self.settings,
            database=self.database,
            journal=journal,
            workflows=Registry((MAZE, TWIG)),
            tools=self.tools,
            dispatcher=SilentDispatcher(),
            roles=DECLARED,
            draw=lambda: 0.5,
        )


@contextmanager
def world(url: str, tools: dict[str, Any], *, grouped: bool = False) -> Iterator[World]:
    """A world on a migrated database of its own. Nobody crashes the server here, so nobody waits for its disk."""
    assert set(tools) == {tool.name for tool in TOOLS.values()}
    with connect(url, "owner") as db:
        name = db.execute("SELECT current_database() AS name").fetchone()
        assert name is not None
        db.execute(f'ALTER DATABASE "{name["name"]}" SET synchronous_commit = off')
    database = Database(url, "owner")
    pool = Database(url, "worker")
    journal: Journal = GroupedJournal(pool) if grouped else DirectJournal(pool)
    try:
        with connect(url, "owner") as db:
            made = World(url, database, journal, db, tools=tools)
            with made.clock.shown():
                yield made
            made.end()
            made.peers.close()
    finally:
        journal.close()
        database.close()
        pool.close()
