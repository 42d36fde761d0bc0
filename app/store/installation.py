"""What the database says about the installation: its version, roles, sweeps, and the versions that runs still need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.lifecycle import ENDED, Status
from app.core.run import Routes
from app.store.clock import silence
from app.store.database import Connection
from app.store.rows import literals

OLDEST_SERVER = 140000  # Postgres 14, as server_version_num counts

_VERSION = "SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS text"
_ROLES = """
SELECT wanted AS role, coalesce(pg_has_role(current_user, r.oid, 'MEMBER'), false) AS held
FROM unnest(ARRAY['longhaul_worker', 'longhaul_web']) AS wanted LEFT JOIN pg_roles r ON r.rolname = wanted"""
_SWEEPS = f"""
SELECT name, {silence("last_started_at")} AS age, last_finished_at, counts
FROM sweeps ORDER BY name"""
_UP = f"SELECT {silence('min(started_at)')} AS up FROM workers WHERE gone_at IS NULL"
_NEEDED = f"""
SELECT r.id, r.subject, r.workflow, r.workflow_version, r.definition_hash, d.definition_hash AS registered, r.state, r.status,
    r.routes
FROM runs r LEFT JOIN workflow_definitions d ON d.workflow = r.workflow AND d.version = r.workflow_version
WHERE r.status NOT IN ({literals(ENDED)}) ORDER BY r.workflow, r.workflow_version, r.state, r.id"""

_VERSIONS = f"""
SELECT DISTINCT workflow, workflow_version FROM runs WHERE status NOT IN ({literals(ENDED)})"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sweep:
    """A sweep that ever ran. age: seconds since its last start."""

    name: str
    age: float
    last_finished_at: datetime | None
    counts: Mapping[str, Any] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Unfinished:
    """A run that has not ended, with the definition it is pinned to, the one registered of its version, and its wait's routes."""

    id: UUID
    subject: str
    workflow: str
    workflow_version: int
    definition_hash: str
    registered: str | None
    state: str
    status: Status
    routes: Routes

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Unfinished:
        return cls(**{**row, "status": Status(row["status"])})


def server_version(db: Connection) -> tuple[int, str]:
    """The server's version as a number to compare and a text to show."""
    row = db.execute(_VERSION).fetchone()
    assert row is not None
    return row["number"], row["text"]


def clock_ahead_seconds(db: Connection, host_clock: float) -> float:
    """How far a clock (Unix) is ahead of the database's."""
    row = db.execute("SELECT (%s - extract(epoch FROM app_now()))::float8 AS ahead", [host_clock]).fetchone()
    return row["ahead"] if row else 0.0


def missing_roles(db: Connection) -> list[str]:
    """The roles of ours that this login may not take on."""
    return [row["role"] for row in db.execute(_ROLES).fetchall() if not row["held"]]


def sweeps(db: Connection) -> dict[str, Sweep]:
    """The sweeps that ever ran, by name."""
    return {row["name"]: Sweep(**row) for row in db.execute(_SWEEPS)}


def up_seconds(db: Connection) -> float | None:
    """How long some living worker has been there; None if there is none."""
    row = db.execute(_UP).fetchone()
    return row["up"] if row else None


def unfinished(db: Connection) -> list[Unfinished]:
    """Every run that has not ended."""
    return [Unfinished.from_row(row) for row in db.execute(_NEEDED)]


def unfinished_versions(db: Connection) -> list[tuple[str, int]]:
    """The workflows, by name and version, of which runs have not ended."""
    return [(row["workflow"], row["workflow_version"]) for row in db.execute(_VERSIONS).fetchall()]
