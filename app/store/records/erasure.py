"""Erasing what a run knows about people, for good: texts, payloads, salts, and the hashes a guess could be tried on.

The law: what remains says that, when, by whom and in which order the run moved, and its chain still verifies; the
ledger of approved actions stays, because money that moved must stay accounted for. Erasing is whole or not at all,
and `run_data` says who erased, when and why. Only the owner role may do this.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.core.canonical import canonical
from app.core.lifecycle import Status
from app.store.database import Connection

MARK = "$erased"
_GONE = "erased"
_SHA256 = re.compile(r"[0-9a-f]{64}")

# `r` is one run. In this order, because the later statements look at what the earlier ones leave.
_ERASE = (
    "UPDATE transitions SET reason = NULL, salt = NULL, payload_hash = NULL WHERE run_id = %(r)s",
    """UPDATE checkpoints SET input = NULL, input_hash = NULL, output = NULL, output_hash = NULL, errors = '[]'
       WHERE run_id = %(r)s""",
    "UPDATE signals SET payload = NULL, body_hash = '' WHERE run_id = %(r)s",
    """UPDATE human_tasks SET title = %(gone)s, note = %(gone)s, defaults = '{}', evidence = '[]', proposals = '[]',
           answer = NULL, answer_hash = NULL, shown_digest = '', snooze_reason = NULL WHERE run_id = %(r)s""",
    "UPDATE human_task_events SET detail = NULL WHERE run_id = %(r)s",
    "UPDATE human_task_comments c SET body = %(gone)s FROM human_tasks t WHERE t.id = c.task_id AND t.run_id = %(r)s",
    "DELETE FROM human_task_drafts d USING human_tasks t WHERE t.id = d.task_id AND t.run_id = %(r)s",
    "DELETE FROM messages WHERE run_id = %(r)s",
    "DELETE FROM run_names WHERE run_id = %(r)s",
    "UPDATE upload_links SET asks = %(gone)s, revoked_at = coalesce(revoked_at, app_now()) WHERE run_id = %(r)s",
    "UPDATE actions SET evidence = '{}', dispute_reason = NULL WHERE run_id = %(r)s",
    "UPDATE dead_letters SET reason = %(gone)s WHERE run_id = %(r)s",
    """UPDATE deliveries d SET body = '{}' FROM alerts a WHERE a.id = d.alert_id AND a.run_id = %(r)s""",
    "UPDATE alerts SET message = %(gone)s, detail = '{}' WHERE run_id = %(r)s",
    "UPDATE run_data SET data = %(mark)s::jsonb, updated_at = app_now() WHERE run_id = %(r)s",
)
_BLOBS = """
SELECT DISTINCT p ->> '$blob' AS sha256 FROM checkpoints c, LATERAL (VALUES (c.input), (c.output)) AS v(p)
WHERE c.run_id = ANY (%(runs)s) AND p ? '$blob'
UNION SELECT m.content ->> '$blob' FROM messages m WHERE m.run_id = ANY (%(runs)s) AND m.content ? '$blob'"""
_UNUSED = """
DELETE FROM blobs b WHERE b.sha256 = ANY (%(blobs)s) AND NOT EXISTS (
    SELECT 1 FROM checkpoints c WHERE c.input ->> '$blob' = b.sha256 OR c.output ->> '$blob' = b.sha256)
  AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.content ->> '$blob' = b.sha256)"""
_DOCUMENTS = "SELECT DISTINCT sha256 FROM documents WHERE run_id = ANY (%(runs)s)"
_DATA = "SELECT data FROM run_data WHERE run_id = ANY (%(runs)s)"
# Reads the data of every other run: a purge is rare, and a document shared by two claims must survive the first.
_OF_NO_OTHER = """
SELECT s.sha256 FROM unnest(%(hashes)s::text[]) AS s(sha256)
WHERE NOT EXISTS (SELECT 1 FROM documents o WHERE o.sha256 = s.sha256 AND o.run_id <> ALL (%(runs)s))
  AND NOT EXISTS (
    SELECT 1 FROM run_data o WHERE o.run_id <> ALL (%(runs)s) AND position(s.sha256 IN o.data::text) > 0)"""
_FORGET_DOCUMENTS = "UPDATE documents SET filename = %(gone)s, sha256 = %(gone)s WHERE run_id = ANY (%(runs)s)"


def is_erased(data: Any) -> bool:
    """Whether a run's data says that it was erased."""
    return isinstance(data, dict) and MARK in data


def erase(db: Connection, runs: Sequence[UUID], *, actor: str, reason: str) -> None:
    """Erase runs whose rows are locked and have ended."""
    now = db.execute("SELECT app_now() AS at").fetchone()
    assert now is not None
    mark = canonical({MARK: {"at": now["at"], "by": actor, "reason": reason}})
    of_all = {"runs": list(runs), "gone": _GONE}
    db.execute("SELECT set_config('longhaul.erasing', 'on', true)")  # or else what was recorded is written once
    blobs = [row["sha256"] for row in db.execute(_BLOBS, of_all).fetchall()]
    for run in runs:
        for statement in _ERASE:
            db.execute(statement, {"r": run, "gone": _GONE, "mark": mark})
    db.execute(_FORGET_DOCUMENTS, of_all)
    if blobs:
        db.execute(_UNUSED, {"blobs": blobs})
    db.execute("SELECT set_config('longhaul.erasing', 'off', true)")


def own_documents(db: Connection, runs: Sequence[UUID]) -> list[str]:
    """The hashes of the documents that these runs name, in their rows or their data, and no other run does."""
    of_all = {"runs": list(runs)}
    named = {row["sha256"] for row in db.execute(_DOCUMENTS, of_all).fetchall()} - {_GONE}
    for row in db.execute(_DATA, of_all).fetchall():
        named |= set(_hashes(row["data"]))
    found = db.execute(_OF_NO_OTHER, of_all | {"hashes": sorted(named)}).fetchall()
    return [row["sha256"] for row in found]


def _hashes(value: Any) -> Iterator[str]:
    """Every document hash that stands under the key `sha256`, however deep."""
    if isinstance(value, dict):
        if isinstance(found := value.get("sha256"), str) and _SHA256.fullmatch(found):
            yield found
        for inner in value.values():
            yield from _hashes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _hashes(inner)


@dataclass(frozen=True, kw_only=True, slots=True)
class Relative:
    """A run that is erased with another, or was."""

    id: UUID
    subject: str
    status: Status
    erased: bool

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Relative:
        return cls(**{**row, "status": Status(row["status"])})


def whole_family(db: Connection, run_id: UUID) -> list[Relative]:
    """The run, its descendants and the forks of all of them, locked by ascending id."""
    rows = db.execute(
        """SELECT r.id, r.subject, r.status, coalesce(d.data ? %s, false) AS erased
           FROM runs r LEFT JOIN run_data d ON d.run_id = r.id WHERE r.id IN (
               WITH RECURSIVE kin AS (SELECT id FROM runs WHERE id = %s
               UNION SELECT r.id FROM runs r JOIN kin ON r.parent_run_id = kin.id OR r.forked_from = kin.id) SELECT id FROM kin)
           ORDER BY r.id FOR NO KEY UPDATE OF r""",
        [MARK, run_id],
    )
    return [Relative.from_row(row) for row in rows]
