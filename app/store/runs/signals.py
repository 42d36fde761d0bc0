"""Signals: messages from outside, kept until a wait consumes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.canonical import restore
from app.store.database import Connection


@dataclass(frozen=True, kw_only=True, slots=True)
class Signal:
    """A signal as a step is given it."""

    id: str
    name: str
    payload: Any
    actor: str
    at: datetime

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Signal:
        return cls(**{**row, "payload": restore(row["payload"])})


def insert(db: Connection, run_id: UUID, signal_id: str, name: str, payload: str, body_hash: str, actor: str) -> bool:
    """Keep a signal; False if one of this id was kept before. The run's row must be locked."""
    row = db.execute(
        """INSERT INTO signals (run_id, signal_id, name, payload, body_hash, actor, created_at)
           VALUES (%s, %s, %s, %s::jsonb, %s, %s, app_now()) ON CONFLICT DO NOTHING RETURNING seq""",
        [run_id, signal_id, name, payload, body_hash, actor],
    ).fetchone()
    return row is not None


def note(db: Connection, run_id: UUID, name: str, payload: str, actor: str) -> None:
    """Keep what an operator asked of a run, consumed at once: part of its history, never of a wait."""
    db.execute(
        """INSERT INTO signals (run_id, signal_id, name, payload, body_hash, actor, created_at, consumed_step_seq)
           SELECT id, gen_random_uuid()::text, %s, %s::jsonb, '', %s, app_now(), step_seq FROM runs WHERE id = %s""",
        [name, payload, actor, run_id],
    )


def body_hash(db: Connection, run_id: UUID, signal_id: str) -> str | None:
    """The body hash of the signal kept under this id."""
    row = db.execute(
        "SELECT body_hash FROM signals WHERE run_id = %s AND signal_id = %s", [run_id, signal_id]
    ).fetchone()
    return row["body_hash"] if row else None


def of_steps(db: Connection, run_id: UUID, steps: tuple[int, int], name: str) -> list[Signal]:
    """The signals of a name that the steps from one to another consumed, in order."""
    rows = db.execute(
        """SELECT signal_id AS id, name, payload, actor, created_at AS at FROM signals
           WHERE run_id = %s AND name = %s AND consumed_step_seq BETWEEN %s AND %s ORDER BY seq""",
        [run_id, name, *steps],
    )
    return [Signal.from_row(row) for row in rows]
