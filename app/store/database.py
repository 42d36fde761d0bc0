"""Connections. The law: pools open lazily, after any fork; a session knows its role and its time-outs; time is the database's.

A pool connects anew as soon as somebody asks, however long the server was away.

One door: `Database.transaction()` gives a psycopg connection of the one pool. What `app.store.composed` reads, it reads there.
"""

from __future__ import annotations

import os
import random
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any, Literal, TypeVar, cast

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from app.core.errors import BadInput, StoreUnavailable
from app.store.network import REACH, SERVERS_REACH, Session, patience

Connection = psycopg.Connection[DictRow]
DatabaseError = psycopg.Error
DatabaseAway = psycopg.OperationalError
DuplicateRow = psycopg.errors.UniqueViolation
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
FRESH_SECONDS = 0.05  # so soon after its last answer a pooled connection is not asked whether it is sound: its next user asks it anyway
CHECK_SECONDS = 3.0  # for a pooled connection to say that it is sound
ASK_AGAIN_SECONDS = 1.0  # who waits for a connection asks so often that one be made
GIVE_UP_SECONDS = 2.0  # a pool's own attempts back off up to minutes: after these the next one is made when asked for
RETRYABLE = ("40001", "40P01", "55P03")  # serialization failure, deadlock, lock not available
READ_ONLY = "25006"
# Slower than the session's patience, disk full, out of memory, read-only: of the server's state, not of the statement.
PASSING = (*RETRYABLE, "57014", "53100", "53200", READ_ONLY)


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
    switches += SERVERS_REACH
    if role != "owner":
        switches.append(f"role=longhaul_{role}")
    if role == "worker":
        switches += _BY_INDEX
    return " ".join(f"-c {switch}" for switch in switches)


def connect(
    database_url: str, role: Role, *, statement_seconds: float | None = None, options: str = "", **more: Any
) -> Session:
    """One connection of its own, autocommit. Raises psycopg.OperationalError if the server is away.

    statement_seconds: its statement time-out, where that is not the role's.
    """
    if statement_seconds is None:
        statement_seconds = _TIMEOUTS[role][1] / 1000
    else:
        options = f"{options} -c statement_timeout={statement_seconds * 1000:.0f}"
    session = Session.connect(
        database_url,
        autocommit=True,
        row_factory=dict_row,
        options=f"{session_options(role)} {options}".strip(),
        **REACH,
        **more,
    )
    session.patience_seconds = patience(statement_seconds)
    return session


def is_gone(problem: BaseException) -> bool:
    """Whether an error says that the connection or the server went away, so that the fate of a commit is unknown."""
    if isinstance(problem, (PoolTimeout, StoreUnavailable)):
        return True
    if not isinstance(problem, psycopg.Error):
        return False
    state = problem.sqlstate or ""
    return isinstance(problem, (psycopg.OperationalError, psycopg.InterfaceError)) and (
        not state or state.startswith(("08", "57P")) or state in (READ_ONLY, "53300")
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


def in_one_round_trip(db: Connection, statement: str, params: Mapping[str, Any]) -> list[DictRow]:
    """The rows of one statement, `all_or_nothing` as any block of them: its savepoint goes along with it.

    Only the BEGIN of a transaction that it is the first of goes before.
    """
    if db.autocommit and db.info.transaction_status == TransactionStatus.IDLE:
        return db.execute(statement, params).fetchall()  # a transaction of its own
    try:
        with db.pipeline():
            db.execute("SAVEPOINT longhaul_statement")
            cursor = db.execute(statement, params)
            db.execute("RELEASE SAVEPOINT longhaul_statement")
        return cursor.fetchall()
    except BaseException:
        with suppress(psycopg.Error):  # there is none, if the connection or the caller's transaction was lost before
            db.execute("ROLLBACK TO SAVEPOINT longhaul_statement")
            db.execute("RELEASE SAVEPOINT longhaul_statement")
        raise


def execute(db: Connection, statement: tuple[str, Mapping[str, Any]]) -> psycopg.Cursor[DictRow]:
    """Run a statement with those of the parameters that its text names.

    Of one that is given more than fifty psycopg remembers nothing: it would take the text apart each time.
    """
    text, params = statement
    return db.execute(cast("Any", text), {name: params[name] for name in _named(text)})


@lru_cache(maxsize=512)
def _named(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"%\((\w+)\)s", text))


class Database:
    """The database as one role sees it. Cheap to make; connects when first used, anew in every process."""

    def __init__(self, url: str, role: Role, *, size: int = 6) -> None:
        engine_url(url)  # refuses a wrong scheme at once
        self.url, self.role, self._size = url, role, size
        self._lock = threading.Lock()
        self._pid = 0
        self._pool: ConnectionPool[Session] | None = None

    def _here(self) -> None:
        """A pool that crossed a fork is forgotten, not closed: its sockets belong to the parent."""
        if self._pid != os.getpid():
            self._pool, self._pid = None, os.getpid()

    @property
    def pool(self) -> ConnectionPool[Session]:
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
                    reconnect_timeout=GIVE_UP_SECONDS,
                    check=_check,
                    configure=self._configure,
                    connection_class=Session,
                    kwargs={"row_factory": dict_row, "options": session_options(self.role), **REACH},
                    name=f"longhaul-{self.role}",
                )
            return self._pool

    def _configure(self, session: Session) -> None:
        session.patience_seconds = patience(_TIMEOUTS[self.role][1] / 1000)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction on a pooled connection: commit at the end, roll back on any error."""
        pool = self.pool
        connection = _taken(pool)
        try:
            with connection:
                yield connection
            connection.used_at = time.monotonic()
        except psycopg.errors.ReadOnlySqlTransaction:
            connection.close()  # made while the database was read-only, it would stay so
            raise
        finally:
            pool.putconn(connection)

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
            if self._pid == os.getpid() and self._pool is not None:
                self._pool.close(timeout=2)
            self._pool = None


def _check(session: Session) -> None:
    """Whether a pooled connection is sound, before it is handed out: a round trip, but where it was used a moment ago."""
    if session.is_fresh(FRESH_SECONDS):
        return
    with session.within(CHECK_SECONDS):
        ConnectionPool.check_connection(session)


def _taken(pool: ConnectionPool[Session]) -> Session:
    """A connection. The pool makes one only when asked, and forgets whom it made wait: so who waits asks again."""
    until = time.monotonic() + pool.timeout
    while True:
        left = until - time.monotonic()
        try:
            return pool.getconn(timeout=min(ASK_AGAIN_SECONDS, max(0.01, left)))
        except PoolTimeout:
            if left <= ASK_AGAIN_SECONDS:
                raise PoolTimeout(f"the database gave no connection for {pool.timeout:.0f} s") from None
