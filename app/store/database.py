"""Connections. The law: pools open lazily, after any fork; a session knows its role and its time-outs; time is the database's.

Two doors: `Database.transaction()` gives a raw psycopg connection for writes and guarded statements,
`Database.engine` a SQLAlchemy engine for the read models.
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, TypeVar

import psycopg
import sqlalchemy as sa
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from app.core.errors import BadInput, StoreUnavailable

Connection = psycopg.Connection[DictRow]
DatabaseError = psycopg.Error
DatabaseAway = psycopg.OperationalError
Role = Literal["owner", "worker", "web"]
T = TypeVar("T")

_TIMEOUTS = {  # milliseconds: lock, statement, idle in transaction
    "owner": (5_000, 0, 60_000),
    "worker": (2_000, 10_000, 10_000),
    "web": (2_000, 10_000, 10_000),
}
# What workers and sweeps look for is found by an index. Reading a whole table is cheapest while it has a page, and the
# plan of a prepared statement outlives that; before Postgres 18 what is ruled out counts as costly enough to compile for.
_BY_INDEX = ("enable_seqscan=off", "jit=off")
RETRYABLE = ("40001", "40P01", "55P03")  # serialization failure, deadlock, lock not available


def engine_url(database_url: str) -> str:
    """The same URL with the driver SQLAlchemy shall use."""
    scheme, colon, rest = database_url.partition("://")
    if scheme.split("+")[0] not in ("postgresql", "postgres") or not colon:
        raise BadInput("LONGHAUL_DATABASE_URL must start with postgresql://")
    return f"postgresql+psycopg://{rest}"


def session_options(role: Role) -> str:
    """The `options` of a session: role, time-outs, and for workers that their plans do not depend on statistics."""
    lock, statement, idle = _TIMEOUTS[role]
    switches = [f"lock_timeout={lock}", f"statement_timeout={statement}", f"idle_in_transaction_session_timeout={idle}"]
    if role != "owner":
        switches.append(f"role=longhaul_{role}")
    if role == "worker":
        switches += _BY_INDEX
    return " ".join(f"-c {switch}" for switch in switches)


def connect(database_url: str, role: Role, *, options: str = "", **more: Any) -> Connection:
    """One connection of its own, autocommit. Raises psycopg.OperationalError if the server is away."""
    return psycopg.connect(
        database_url,
        autocommit=True,
        row_factory=dict_row,
        options=f"{session_options(role)} {options}".strip(),
        connect_timeout=5,
        **more,
    )


def is_gone(problem: BaseException) -> bool:
    """Whether an error says that the connection or the server went away, so that the fate of a commit is unknown."""
    if isinstance(problem, (PoolTimeout, StoreUnavailable)):
        return True
    if not isinstance(problem, psycopg.Error):
        return False
    state = problem.sqlstate or ""
    return isinstance(problem, (psycopg.OperationalError, psycopg.InterfaceError)) and (
        not state or state.startswith(("08", "57P")) or state in ("25006", "53300")
    )


@contextmanager
def as_ours(db: psycopg.Connection[Any]) -> Iterator[Connection]:
    """A caller's own connection, its rows as dictionaries for the while."""
    before, db.row_factory = db.row_factory, dict_row
    try:
        yield db
    finally:
        db.row_factory = before


@contextmanager
def all_or_nothing(db: Connection) -> Iterator[None]:
    """What is written inside is written together or, after any error, not at all, whatever the caller does about the error.

    A savepoint in the caller's transaction, which stays theirs to commit; with autocommit a transaction of its own.
    """
    if not db.autocommit and db.info.transaction_status == TransactionStatus.IDLE:
        db.execute("SELECT 1")  # begins the caller's transaction: psycopg would commit one that it began for the block
    with db.transaction():
        yield


class Database:
    """The database as one role sees it. Cheap to make; connects when first used, anew in every process."""

    def __init__(self, url: str, role: Role, *, size: int = 6) -> None:
        engine_url(url)  # refuses a wrong scheme at once
        self.url, self.role, self._size = url, role, size
        self._lock = threading.Lock()
        self._pid = 0
        self._pool: ConnectionPool[Connection] | None = None
        self._engine: sa.Engine | None = None

    def _here(self) -> None:
        """A pool that crossed a fork is forgotten, not closed: its sockets belong to the parent."""
        if self._pid != os.getpid():
            self._pool, self._engine, self._pid = None, None, os.getpid()

    @property
    def pool(self) -> ConnectionPool[Connection]:
        with self._lock:
            self._here()
            if self._pool is None:
                self._pool = ConnectionPool(
                    self.url,
                    min_size=0,
                    max_size=self._size,
                    open=True,
                    timeout=3 if self.role == "web" else 10,  # a person is told soon, a step can wait
                    max_idle=60,
                    check=ConnectionPool.check_connection,
                    connection_class=psycopg.Connection[DictRow],
                    kwargs={"row_factory": dict_row, "options": session_options(self.role), "connect_timeout": 5},
                    name=f"longhaul-{self.role}",
                )
            return self._pool

    @property
    def engine(self) -> sa.Engine:
        with self._lock:
            self._here()
            if self._engine is None:
                self._engine = sa.create_engine(
                    engine_url(self.url),
                    pool_size=self._size,
                    pool_pre_ping=True,
                    connect_args={"options": session_options(self.role), "connect_timeout": 5},
                )
            return self._engine

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction on a pooled connection: commit at the end, roll back on any error."""
        with self.pool.connection() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A SQLAlchemy connection for read models."""
        with self.engine.connect() as connection:
            yield connection

    def transact(self, work: Callable[[Connection], T], *, tries: int = 6) -> T:
        """Run `work` in a transaction of its own; a deadlock or a lost serialization reruns it alone, anew."""
        for attempt in range(tries):
            try:
                with self.transaction() as connection:
                    return work(connection)
            except psycopg.Error as problem:
                if problem.sqlstate not in RETRYABLE or attempt == tries - 1:
                    raise
                threading.Event().wait(random.uniform(0, 0.02 * 2**attempt))
        raise AssertionError("unreachable: the last try returns or raises")

    def close(self) -> None:
        """Close what this process opened."""
        with self._lock:
            if self._pid == os.getpid():
                if self._pool is not None:
                    self._pool.close(timeout=2)
                if self._engine is not None:
                    self._engine.dispose()
            self._pool, self._engine = None, None
