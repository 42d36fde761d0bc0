"""One connection that sends a batch of statements in one flush, as one transaction, and reads all answers at once.

The law: `run` returns only after the server said that the batch is committed. The statements between two syncs of a
libpq pipeline are one transaction, committed at the sync; so there is no BEGIN, no COMMIT and no idle transaction.
Statements are prepared once per connection with the types the server infers, so that a NULL, or a number of another
size, is no new plan; and their plans are generic from the start, because they name whole primary keys.
"""

from __future__ import annotations

import re
import select
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import Any

import psycopg
from psycopg import pq
from psycopg.adapt import AdaptersMap, Dumper, PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.generators import pipeline_communicate
from psycopg.postgres import types
from psycopg.waiting import Ready

from app.store.database import Connection, Role, connect
from app.store.network import MARGIN_SECONDS
from app.store.runs.moves import Statement

Rows = list[Mapping[str, Any]]
STATEMENT_SECONDS = 5.0
SILENCE_SECONDS = STATEMENT_SECONDS + MARGIN_SECONDS  # no answer for this long: the connection is taken for lost

_PARAMETER = re.compile(r"%\((\w+)\)s|%%")
_NUMBERS = count()
OPTIONS = " ".join(
    f"-c {switch}"
    for switch in (
        "lock_timeout=300",
        "idle_in_transaction_session_timeout=10000",
        "plan_cache_mode=force_generic_plan",
    )
)
_SETTING = "SELECT set_config(%(name)s, %(value)s, true)"


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement's text as the server reads it, under the name it is prepared by, and the order of its parameters."""

    name: bytes
    text: bytes
    order: tuple[str, ...]
    formats: tuple[PyFormat, ...]


@dataclass(frozen=True, slots=True)
class Encoded:
    """A statement with its parameters in wire form; `size` in bytes."""

    compiled: Compiled
    values: Sequence[Any]
    size: int


class _Bytes(Dumper):
    """Bytes as hex. What psycopg writes without a connection at hand is meant for literals, with every quote doubled."""

    oid = types["bytea"].oid

    def dump(self, obj: bytes) -> bytes:
        return b"\\x" + obj.hex().encode()


class _Types:
    """How values are written where no connection is asked for it."""

    adapters, connection = AdaptersMap(psycopg.adapters), None


_Types.adapters.register_dumper(bytes, _Bytes)


class _Own(threading.local):
    """What each thread has one of: it remembers how every type is written, and is not made for two threads at once."""

    def __init__(self) -> None:
        self.transformer = Transformer(_Types())


_own = _Own()


class StatementFailed(Exception):
    """The server refused a statement; the batch was rolled back and the connection is sound. `n`: which, from 0."""

    def __init__(self, n: int, problem: psycopg.Error) -> None:
        super().__init__(f"statement {n}: {problem}")
        self.n, self.problem = n, problem


@lru_cache(maxsize=512)
def _compiled(text: str) -> Compiled:
    order: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        return f"${order.setdefault(found[1], len(order) + 1)}" if found[1] else "%"

    numbered = _PARAMETER.sub(number, text).encode()
    return Compiled(f"longhaul_{next(_NUMBERS)}".encode(), numbered, tuple(order), (PyFormat.TEXT,) * len(order))


def encode(statements: Sequence[Statement]) -> list[Encoded]:
    """Statements in wire form. Raises psycopg.DataError or UnicodeEncodeError for a value that no column can hold."""
    transformer, encoded = _own.transformer, []
    for text, params in statements:
        compiled = _compiled(text)
        values = transformer.dump_sequence([params[name] for name in compiled.order], compiled.formats)
        encoded.append(Encoded(compiled, values, sum(map(len, filter(None, values)))))
    return encoded


def setting(name: str, value: str) -> Encoded:
    """A statement that sets something until the end of its batch."""
    return encode([(_SETTING, {"name": name, "value": value})])[0]


class Pipeline:
    """A connection of its own in libpq's pipeline mode, for one thread.

    Raises psycopg.OperationalError if the server is away.
    """

    def __init__(self, url: str, role: Role) -> None:
        self._connection: Connection = connect(
            url, role, statement_seconds=STATEMENT_SECONDS, options=OPTIONS, application_name="longhaul-journal"
        )
        self._pgconn = self._connection.pgconn
        self._pgconn.enter_pipeline_mode()
        self._transformer = Transformer(self._connection)
        self._prepared: dict[bytes, tuple[str, ...]] = {}  # name -> its columns, () until first answered
        self._poll = select.poll()

    def close(self) -> None:
        """Drop the connection; a batch in flight may or may not have been committed."""
        self._connection.close()

    def run(self, batch: Sequence[Encoded]) -> list[Rows]:
        """The rows of each statement, after one acknowledged commit.

        Raises StatementFailed, or psycopg.OperationalError with the batch's fate unknown and the connection closed.
        """
        try:
            prepares = self._send(batch)
            results, failure = self._receive(batch, prepares)
        except psycopg.Error:
            self.close()
            raise
        if failure is not None:
            raise failure
        return [self._rows(encoded.compiled.name, result) for encoded, result in zip(batch, results, strict=True)]

    def _send(self, batch: Sequence[Encoded]) -> list[bool]:
        """Queue everything and flush once; whether each statement is prepared on the way."""
        pgconn, prepares, sent = self._pgconn, [], set()
        for encoded in batch:
            compiled = encoded.compiled
            new = compiled.name not in self._prepared and compiled.name not in sent
            if new:
                sent.add(compiled.name)
                pgconn.send_prepare(compiled.name, compiled.text)
            pgconn.send_query_prepared(compiled.name, encoded.values)
            prepares.append(new)
        pgconn.pipeline_sync()
        while pgconn.flush():
            # The server may wait for us to read before it reads on.
            if self._wait(select.POLLIN | select.POLLOUT) & ~select.POLLOUT:
                pgconn.consume_input()
        return prepares

    def _receive(
        self, batch: Sequence[Encoded], prepares: Sequence[bool]
    ) -> tuple[list[pq.abc.PGresult], StatementFailed | None]:
        """Every answer up to the sync, the acknowledgement, and the first refusal among them."""
        results, failure, answers = [], None, deque(self._answers())
        if len(answers) < len(batch) + sum(prepares):
            raise psycopg.OperationalError("the server's answers are out of step")
        for n, (encoded, new) in enumerate(zip(batch, prepares, strict=True)):
            if new:
                failure = failure or self._refusal(n, prepared := answers.popleft())
                if prepared.status == pq.ExecStatus.COMMAND_OK:
                    self._prepared[encoded.compiled.name] = ()
            result = answers.popleft()
            failure = failure or self._refusal(n, result)
            results.append(result)
        if answers:  # the commit itself was refused
            failure = failure or self._refusal(len(batch) - 1, answers[0])
        return results, failure

    def _answers(self) -> Iterator[pq.abc.PGresult]:
        """One answer to each command, up to the sync.

        Read by psycopg's own generator: it is compiled, and gives the interpreter away once for an answer, not four
        times. Each time costs a busy worker's journal a turn behind all its other threads.
        """
        while True:
            self._wait(select.POLLIN)
            reading = pipeline_communicate(self._pgconn, deque())
            next(reading)
            try:
                reading.send(Ready.RW)
            except StopIteration as arrived:
                for (answer,) in arrived.value:
                    if answer.status == pq.ExecStatus.PIPELINE_SYNC:
                        return
                    yield answer

    def _wait(self, events: int) -> int:
        self._poll.register(self._pgconn.socket, events)
        ready = self._poll.poll(SILENCE_SECONDS * 1000)
        if not ready:
            raise psycopg.OperationalError(f"the database was silent for {SILENCE_SECONDS:.0f} s")
        return ready[0][1]

    def _refusal(self, n: int, result: pq.abc.PGresult) -> StatementFailed | None:
        """What a result refuses, if it does. Raises the problem itself where it ends the session."""
        if result.status != pq.ExecStatus.FATAL_ERROR:
            return None
        problem = error_from_result(result)
        severity = result.error_field(pq.DiagnosticField.SEVERITY_NONLOCALIZED)
        if severity != b"ERROR":
            raise psycopg.OperationalError(str(problem)) from problem
        return StatementFailed(n, problem)

    def _rows(self, name: bytes, result: pq.abc.PGresult) -> Rows:
        if not result.nfields:
            return []
        columns = self._prepared[name]
        if len(columns) != result.nfields:
            columns = tuple((result.fname(n) or b"").decode() for n in range(result.nfields))
            self._prepared[name] = columns
        self._transformer.set_pgresult(result)
        return self._transformer.load_rows(0, result.ntuples, lambda values: dict(zip(columns, values, strict=True)))
