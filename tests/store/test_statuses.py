"""The words of kinds and statuses in Python are those the database lets into their columns: no more, no fewer."""

from __future__ import annotations

import re
from enum import StrEnum

import pytest

from app.core.statuses import ActionStatus, CheckpointKind, CheckpointStatus, TaskKind, TaskStatus
from app.store.database import Connection


@pytest.mark.parametrize(
    ("table", "column", "words"),
    [
        ("checkpoints", "kind", CheckpointKind),
        ("checkpoints", "status", CheckpointStatus),
        ("human_tasks", "kind", TaskKind),
        ("human_tasks", "status", TaskStatus),
        ("actions", "status", ActionStatus),
    ],
)
def test_a_column_takes_the_words_of_its_enum(db: Connection, table: str, column: str, words: type[StrEnum]) -> None:
    row = db.execute(
        "SELECT pg_get_constraintdef(oid) AS said FROM pg_constraint WHERE conname = %s", [f"{table}_{column}_check"]
    ).fetchone()
    assert row is not None, f"{table}.{column} is not checked"
    assert set(re.findall(r"'(\w+)'::text", row["said"])) == set(words)
