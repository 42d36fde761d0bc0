"""Conversations with models: each message once, under the hash of itself and of all that went before it.

The law: a message is kept with its predecessor's hash, so one hash, the head in a model call's input, names the whole
prompt. A conversation of n messages is n rows however many requests were made on the way, and a row is never changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.core.canonical import canonical, digest, restore
from app.core.statuses import CheckpointStatus
from app.store.database import Connection
from app.store.runs import payloads
from app.store.runs.moves import Statement
from app.store.runs.steps import STANDING_LEASE, Place

# A message is kept; no call or run changes its status. No row: the lease is lost, or the message is kept already.
_KEEP = f"""
INSERT INTO messages (run_id, sha256, content, created_at)
SELECT %(id)s, %(sha256)s, %(content)s::jsonb, app_now()
FROM {STANDING_LEASE} lease
ON CONFLICT (run_id, sha256) DO NOTHING RETURNING sha256"""
_CALL = """
SELECT name, status, model, prompt_version, input, output, tokens_in, tokens_out, cost, latency_ms, errors, created_at
FROM checkpoints WHERE run_id = %s AND step_seq = %s AND call_seq = %s AND kind = 'model'"""
_MESSAGE = "SELECT content FROM messages WHERE run_id = %s AND sha256 = %s"


@dataclass(frozen=True, slots=True)
class Kept:
    """A message with its place in a conversation: the hash that names it and everything before it."""

    sha256: str
    text: str


def chained(messages: Sequence[Mapping[str, Any]]) -> list[Kept]:
    """The messages of a conversation, each bound to the one before it; the last one's hash is the head."""
    kept: list[Kept] = []
    for message in messages:
        text = canonical({"after": kept[-1].sha256 if kept else None, "message": message})
        kept.append(Kept(digest(text), text))
    return kept


def keep(place: Place, message: Kept, stored: str) -> Statement:
    """Keep a message unless it is kept; `stored` is its text as a payload (a reference if it is large)."""
    return _KEEP, {"id": place.run_id, "token": place.token, "sha256": message.sha256, "content": stored}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a model was given in one call, and what it gave back. `messages` is empty if they were erased."""

    name: str
    status: CheckpointStatus
    model: str | None
    prompt_version: str | None
    messages: list[Any]
    output: Any
    tokens_in: int | None
    tokens_out: int | None
    cost: Any
    latency_ms: float | None
    errors: list[Any]


def seen_by_model(db: Connection, run_id: UUID, step_seq: int, call_seq: int) -> Seen | None:
    """The full prompt of a model call and its answer; None if there is no model call at this place."""
    row = db.execute(_CALL, [run_id, step_seq, call_seq]).fetchone()
    if row is None:
        return None
    head = (row["input"] or {}).get("head") if isinstance(row["input"], dict) else None
    return Seen(
        name=row["name"],
        status=CheckpointStatus(row["status"]),
        model=row["model"],
        prompt_version=row["prompt_version"],
        messages=conversation(db, run_id, head) if head else [],
        output=restore(payloads.load(db, row["output"])),
        tokens_in=row["tokens_in"],
        tokens_out=row["tokens_out"],
        cost=row["cost"],
        latency_ms=row["latency_ms"],
        errors=row["errors"],
    )


def conversation(db: Connection, run_id: UUID, head: str) -> list[Any]:
    """The messages up to and with the head, oldest first."""
    found: list[Any] = []
    after: str | None = head
    while after is not None:
        row = db.execute(_MESSAGE, [run_id, after]).fetchone()
        if row is None:
            return []
        content = payloads.load(db, row["content"])
        content = restore(content) if content is row["content"] else content
        found.append(content["message"])
        after = content["after"]
    return found[::-1]


# An answer with an outcome in it, whether kept as it is or as the text of a model's message.
_WITH_OUTCOME = r'outcome\\*"'


def last_answer_before(db: Connection, run_id: UUID, step_seq: int, *, with_outcome: bool) -> tuple[int, int] | None:
    """The place (step_seq, call_seq) of a run's last model answer before a step, or of the last that names an outcome; None
    if there is none."""
    row = db.execute(
        """SELECT step_seq, call_seq FROM checkpoints WHERE run_id = %s AND step_seq < %s AND kind = 'model' AND status = 'COMPLETE'
             AND output::text ~ %s
           ORDER BY step_seq DESC, call_seq DESC LIMIT 1""",
        [run_id, step_seq, _WITH_OUTCOME if with_outcome else ""],
    ).fetchone()
    return (row["step_seq"], row["call_seq"]) if row else None
