"""How a session reaches the server, and how long it waits for an answer.

The law: no round trip waits for ever. The server ends a statement at its time-out; whoever hears nothing for a few
seconds more closes the connection, which alone sees a server process that stands still. A network that swallows
everything is noticed by TCP itself, on both sides: so the session of a host that lost its power ends within half a
minute, and with it the locks it holds.
"""

from __future__ import annotations

import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from typing import Any

import psycopg
from psycopg import errors, pq
from psycopg.abc import PQGen
from psycopg.rows import DictRow

CONNECT_SECONDS = 5
MARGIN_SECONDS = 3.0  # beyond a statement's own time-out: its answer's way, on a busy machine
# Idle for 10 s, then asked three times, 5 s apart; what was sent and not confirmed for 20 s breaks the connection.
REACH: dict[str, Any] = {
    "connect_timeout": CONNECT_SECONDS,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
# The same for the server's side of the session. On a unix socket the server takes no notice of them.
SERVERS_REACH = (
    "tcp_keepalives_idle=10",
    "tcp_keepalives_interval=5",
    "tcp_keepalives_count=3",
    "tcp_user_timeout=20000",
)


def patience(statement_seconds: float) -> float | None:
    """How long to wait for an answer, where a statement may take so long; 0 and None: as long as it takes."""
    return statement_seconds + MARGIN_SECONDS if statement_seconds else None


class Session(psycopg.Connection[DictRow]):
    """A connection whose round trips have an end. `patience_seconds`: for how long each waits. `used_at`: see `is_fresh`."""

    patience_seconds: float | None = None
    used_at = -inf

    def wait(self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None) -> Any:
        """As psycopg waits, but not beyond our patience. Raises psycopg.OperationalError, the connection closed."""
        if timeout is not None or self.patience_seconds is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.patience_seconds)
        except errors._WaitTimeout as silence:  # noqa: SLF001 (no public name tells our silence from the server's errors)
            self.close()
            raise psycopg.OperationalError(
                f"the database did not answer for {self.patience_seconds:.0f} s; the connection was closed"
            ) from silence

    @property
    def is_sound(self) -> bool:
        """Whether the next statement could be sent: what went wrong, if anything, was the statement before."""
        return not self.closed and self.pgconn.transaction_status == pq.TransactionStatus.IDLE

    def is_fresh(self, seconds: float) -> bool:
        """Whether the server answered less than `seconds` before now (`used_at`, monotonic), and has said nothing since.

        A server that ends, or ends the session, says so.
        """
        if self.closed or time.monotonic() - self.used_at > seconds:
            return False
        said = select.poll()
        said.register(self.fileno(), select.POLLIN)
        return not said.poll(0)

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Less patience for a while."""
        before, self.patience_seconds = self.patience_seconds, seconds
        try:
            yield
        finally:
            self.patience_seconds = before
