"""The books of the outside payments service: one SQLite file that anybody may open and count.

The law: an effect (a payment, a letter) is one row, unique by its idempotency key, and its commit *is* the effect.
`requests` holds every POST received, before anything is done about it; `answer_status` stays NULL
until the answer is about to be sent, so a request killed in between is told apart from one that was answered.
"""

from __future__ import annotations

import sqlite3
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Ledger:
    """One table of effects: its name, the name and prefix of its ids, and the fields a caller sends."""

    table: Literal["payments", "letters"]
    id_column: str
    id_prefix: str
    fields: tuple[str, ...]

    @property
    def shown(self) -> str:
        """The columns of an answer, as SQL."""
        return ", ".join((self.id_column, "key", *self.fields, "at"))


PAYMENTS: Final = Ledger("payments", "payment_id", "pay", ("claim", "payee", "amount", "currency", "purpose"))
LETTERS: Final = Ledger("letters", "letter_id", "let", ("claim", "kind", "recipient", "sha256", "purpose"))

Answer = dict[str, str]

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS requests (
  id INTEGER PRIMARY KEY, path TEXT NOT NULL, key TEXT, body_hash TEXT NOT NULL, at TEXT NOT NULL, answer_status INTEGER
);
CREATE TABLE IF NOT EXISTS payments (
  payment_id TEXT PRIMARY KEY, key TEXT NOT NULL UNIQUE, body_hash TEXT NOT NULL,
  claim TEXT NOT NULL, payee TEXT NOT NULL, amount TEXT NOT NULL, currency TEXT NOT NULL, purpose TEXT NOT NULL,
  at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS payments_by_claim ON payments (claim);
CREATE TABLE IF NOT EXISTS letters (
  letter_id TEXT PRIMARY KEY, key TEXT NOT NULL UNIQUE, body_hash TEXT NOT NULL,
  claim TEXT NOT NULL, kind TEXT NOT NULL, recipient TEXT NOT NULL, sha256 TEXT NOT NULL, purpose TEXT NOT NULL,
  at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS letters_by_claim ON letters (claim);
"""


class KeyUsedForAnotherBody(Exception):
    """The idempotency key stands for an effect with another body; nothing was done. Send a new key or the old body."""


class PaymentsStore:
    """The books in one SQLite file (WAL, synchronous=FULL). Safe for threads, and for several processes on one file."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # isolation_level=None: transactions are the ones written below, none implied by the driver.
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=30)
        self._lock = threading.Lock()
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file; the store is unusable afterwards."""
        with self._lock:
            self._db.close()

    def received(self, path: str, key: str | None, body_hash: str) -> int:
        """Record that a POST arrived; the id to give to `answered`."""
        with self._lock:
            cursor = self._db.execute(
                "INSERT INTO requests (path, key, body_hash, at) VALUES (?, ?, ?, ?)",
                (path, key, body_hash, _now()),
            )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def answered(self, request_id: int, status: int) -> None:
        """Record the HTTP status about to be sent for a request."""
        with self._lock:
            self._db.execute(
                "UPDATE requests SET answer_status = ? WHERE id = ?",
                (status, request_id),
            )

    def act(self, ledger: Ledger, key: str, body_hash: str, body: Mapping[str, str]) -> tuple[Answer, bool]:
        """Have the effect, or find the one the key already had: `(answer, whether this call had it)`.

        Raises KeyUsedForAnotherBody when the key stands for another body.
        """
        columns = (ledger.id_column, "key", "body_hash", *ledger.fields, "at")
        effect_id = f"{ledger.id_prefix}_{uuid.uuid4().hex}"
        row = (
            effect_id,
            key,
            body_hash,
            *(body[field] for field in ledger.fields),
            _now(),
        )
        # Only names of the two constant ledgers are put into SQL text; values are always parameters.
        insert = f"INSERT INTO {ledger.table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608
        standing = f"SELECT body_hash FROM {ledger.table} WHERE key = ?"  # noqa: S608
        with self._lock:
            # One autocommitted statement: when it returns, the effect is on disk or was there before.
            first = self._db.execute(f"{insert} ON CONFLICT (key) DO NOTHING", row).rowcount == 1
            (stands_for,) = self._db.execute(standing, (key,)).fetchone()
        if stands_for != body_hash:
            raise KeyUsedForAnotherBody(key)
        answer = self.by_key(ledger, key)
        assert answer is not None, "effects are never deleted"
        return answer, first

    def by_key(self, ledger: Ledger, key: str) -> Answer | None:
        """The effect that stands under a key, or None."""
        found = self._select(ledger, "WHERE key = ?", (key,))
        return found[0] if found else None

    def listed(self, ledger: Ledger, claim: str | None, limit: int) -> list[Answer]:
        """The oldest `limit` effects, of one claim or of all."""
        if claim is None:
            return self._select(ledger, "ORDER BY rowid LIMIT ?", (limit,))
        return self._select(ledger, "WHERE claim = ? ORDER BY rowid LIMIT ?", (claim, limit))

    def _select(self, ledger: Ledger, tail: str, parameters: tuple[str | int, ...]) -> list[Answer]:
        with self._lock:
            cursor = self._db.execute(f"SELECT {ledger.shown} FROM {ledger.table} {tail}", parameters)  # noqa: S608
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
