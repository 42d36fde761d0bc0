"""The ledger of actions: what an irreversible effect is, who allowed exactly that, and what became of it.

The law stands in the database (`app/store/sql/ledger.sql`): nobody writes these tables; its functions do, after they have looked for
themselves. What they refuse comes back here as an error for people.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Self
from uuid import UUID

import psycopg

from app.core.canonical import canonical, digest
from app.core.errors import BadInput, LonghaulError, NotEntitled, Refused
from app.core.ids import new_id
from app.core.lifecycle import AT_REST
from app.core.statuses import ActionStatus
from app.store import rows
from app.store.clock import silence
from app.store.database import Connection
from app.store.rows import columns, literals

VALID_DAYS = 30
NO_APPROVAL, DONE_ALREADY = "LH001", "LH004"  # what the database says of an intent it refuses
WRITTEN_ONCE = "LH006"  # and of whoever would change what was recorded
_REFUSALS: Mapping[str, type[LonghaulError]] = {
    "LH002": NotEntitled,
    "LH003": BadInput,
    DONE_ALREADY: Refused,
    WRITTEN_ONCE: Refused,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """An irreversible effect: what is approved, and what came of it.

    content: what else its call must carry. step_seq, call_seq: the one call that may do it. confirmation: what the service said
    when asked afterwards. A dispute stays one; dispute_reason is what a person found.
    """

    id: UUID
    run_id: UUID
    created_at: datetime
    purpose: str
    claim: str
    payee: str
    amount: Decimal
    currency: str
    coverage: str
    paid_before: Decimal
    content: Mapping[str, str] | None
    evidence: Mapping[str, Any]
    shown_digest: str
    proposed_by: str
    digest: str
    status: ActionStatus
    step_seq: int | None
    call_seq: int | None
    executed_at: datetime | None
    confirmed_at: datetime | None
    confirmation: Any
    dispute_closed_at: datetime | None
    dispute_closed_by: str | None
    dispute_reason: str | None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        return cls(**{**row, "status": ActionStatus(row["status"])})


_ACTION = columns(Action, "a")


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed(Action):
    """An action with who approved it, and what it came to. reference: the other side's own id of it, if it gave one.

    tool: who did it. expires_at: when the last of its approvals ends.
    """

    approvers: Sequence[str]
    expires_at: datetime | None
    tool: str | None
    reference: str | None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        known = {name: value for name, value in row.items() if name != "answer"}
        return cls(**known | {"status": ActionStatus(row["status"]), "reference": _reference(row["answer"])})


def _reference(answer: Any) -> str | None:
    """The id in an answer ("payment_id": "P-1"), or who attested it."""
    if not isinstance(answer, Mapping):
        return None
    if by := answer.get("attested_by"):
        return f"attested by {by}"
    return next((str(value) for name, value in answer.items() if name == "id" or name.endswith("_id")), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing(Action):
    """An action with its last approval, if it has one, and the task that gave it.

    needs: the authority it takes. asks: the role to ask for another approval, that of the last one if somebody in it could give
    it, else one that may sign off. fallen: what has become of the approver since. not_by: who may not give another.
    """

    approver: str | None
    role: str | None
    authority: Decimal | None
    expires_at: datetime | None
    revoked_at: datetime | None
    revoked_because: str | None
    not_by: Sequence[str]
    expired: bool | None
    needs: Decimal
    fallen: str | None
    asks: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Approval:
    """What a person gave to one action, by answering a task. status: the action's."""

    id: UUID
    action_id: UUID
    approver: str
    task_id: UUID
    revoked_at: datetime | None
    run_id: UUID
    status: ActionStatus

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Approval:
        return cls(**{**row, "status": ActionStatus(row["status"])})


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """An action's call, as the other side can be asked about it: the tool, the key it was sent under, what was sent."""

    action: UUID
    run_id: UUID
    step_seq: int
    call_seq: int
    tool: str
    key: str
    input: Mapping[str, Any]
    age_seconds: float


_STANDING = f"""
SELECT {_ACTION}, p.approver, p.role, p.authority, p.expires_at, p.revoked_at, p.revoked_because, coalesce(t.not_by, '{{}}') AS not_by,
    p.expires_at <= app_now() AS expired, needs_authority(a) AS needs, CASE WHEN p.id IS NOT NULL THEN fallen_because(p, a) END AS fallen,
    coalesce((SELECT asked.role FROM (
        SELECT 1, p.role UNION ALL SELECT 2, r.role FROM role_rights r WHERE r.may = 'sign off') AS asked(n, role) WHERE EXISTS (
        SELECT 1 FROM users u WHERE asked.role = ANY (u.roles) AND u.disabled_at IS NULL AND u.username <> a.proposed_by
            AND u.username <> ALL (coalesce(t.not_by, '{{}}')) AND u.username NOT IN (SELECT username FROM took_part(a.run_id))
            AND authority_of(u.username, asked.role, a.coverage, a.currency) >= needs_authority(a))
        ORDER BY asked.n, asked.role LIMIT 1), p.role) AS asks
FROM actions a LEFT JOIN approvals p ON p.action_id = a.id LEFT JOIN human_tasks t ON t.id = p.task_id
WHERE a.id = %s ORDER BY p.created_at DESC NULLS LAST LIMIT 1"""


def authority(db: Connection, person: str, role: str, coverage: str, currency: str) -> Decimal:
    """The largest amount in `currency` a person may approve under a coverage, acting in a role; 0 without any."""
    row = db.execute("SELECT authority_of(%s, %s, %s, %s) AS up_to", [person, role, coverage, currency]).fetchone()
    return row["up_to"] if row else Decimal(0)


def approve(
    db: Connection, task_id: UUID, *, person: str, purpose: str, payee: str, amount: Decimal, days: int = VALID_DAYS
) -> Action:
    """Write the action that a person allows by answering an open task, and their approval, valid for `days`.

    The action's `status` is APPROVED if this approval is enough. Raises NotEntitled, BadInput (not what the task proposes)
    or Refused (the same effect stands in another run).
    """
    with _refusals_in_words():
        row = db.execute(
            f"SELECT {_ACTION} FROM approve_action(%s, %s, %s, %s, %s, %s, %s, %s) a",
            [new_id(), new_id(), task_id, person, purpose, payee, amount, days],
        ).fetchone()
    assert row is not None
    return Action.from_row(row)


@contextmanager
def _refusals_in_words() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as problem:
        if refusal := _REFUSALS.get(problem.sqlstate or ""):
            raise refusal(problem.diag.message_primary) from problem
        raise


def of_run(db: Connection, run_id: UUID) -> list[Listed]:
    """The actions of a run, the oldest first."""
    rows = db.execute(
        f"""SELECT {_ACTION}, p.approvers, p.expires_at, c.output AS answer, c.name AS tool
            FROM actions a
            LEFT JOIN LATERAL (
                SELECT coalesce(array_agg(p.approver ORDER BY p.created_at), '{{}}') AS approvers, max(p.expires_at) AS expires_at
                FROM approvals p WHERE p.action_id = a.id AND p.revoked_at IS NULL) p ON true
            LEFT JOIN checkpoints c ON (c.run_id, c.step_seq, c.call_seq) = (a.run_id, a.step_seq, a.call_seq)
            WHERE a.run_id = %s ORDER BY a.created_at, a.purpose""",
        [run_id],
    )
    return [Listed.from_row(row) for row in rows]


def standing(db: Connection, action_id: UUID) -> Standing | None:
    """An action with its last approval, or None if there is no such action."""
    row = db.execute(_STANDING, [action_id]).fetchone()
    return Standing.from_row(row) if row else None


def unconfirmed(db: Connection, *, limit: int) -> list[Effect]:
    """Executed actions nobody has asked the other side about yet, and those it disputes, the oldest first."""
    asked_for = (
        "(a.status = 'EXECUTED' AND a.confirmation IS NULL OR a.status = 'DISPUTED' AND a.dispute_closed_at IS NULL)"
    )
    return _effects(db, asked_for, "a.executed_at", limit)


def in_doubt(db: Connection, *, limit: int) -> list[Effect]:
    """Actions that may have happened, of runs nobody works on: whoever stopped them left the question open."""
    stopped = f"r.status IN ({literals(AT_REST)}) AND c.status IN ('INTENT', 'UNKNOWN')"
    return _effects(db, f"a.status IN ('EXECUTING', 'UNKNOWN') AND {stopped}", "c.intent_at", limit)


def _effects(db: Connection, condition: str, since: str, limit: int) -> list[Effect]:
    return rows.every(
        db,
        Effect,
        f"""SELECT a.id AS action, a.run_id, a.step_seq, a.call_seq, c.name AS tool, c.idempotency_key AS key, c.input,
               {silence(since)} AS age_seconds
            FROM actions a JOIN runs r ON r.id = a.run_id
            JOIN checkpoints c ON (c.run_id, c.step_seq, c.call_seq) = (a.run_id, a.step_seq, a.call_seq)
            WHERE {condition} ORDER BY {since}, a.id LIMIT %s""",
        [limit],
    )


def confirm(db: Connection, action_id: UUID, *, agrees: bool | None, said: Any) -> bool:
    """What the other side says of an executed action: CONFIRMED or DISPUTED; `agrees` None: it cannot be asked."""
    row = db.execute(
        "SELECT confirm_action(%s, %s, %s::jsonb) AS done", [action_id, agrees, canonical(said)]
    ).fetchone()
    return bool(row and row["done"])


def close_dispute(db: Connection, action_id: UUID, *, person: str, reason: str) -> bool:
    """Keep what a person found about a disputed action. False if it is not disputed, or not any more.

    Raises NotEntitled (in no role that may sign off with authority for it, or one who proposed or approved it) or BadInput.
    """
    with _refusals_in_words():
        row = db.execute("SELECT close_dispute(%s, %s, %s) AS done", [action_id, person, reason]).fetchone()
    return bool(row and row["done"])


def settle(db: Connection, effect: Effect, output: Any) -> bool:
    """Complete the open call of a stopped run with what the other side knows of it. False if the run goes on or was settled."""
    text = canonical(output)
    row = db.execute(
        f"""UPDATE checkpoints c SET status = 'COMPLETE', output = %(output)s::jsonb, output_hash = %(hash)s, completed_at = app_now()
           FROM (SELECT id FROM runs WHERE id = %(id)s AND lease_token IS NULL AND status IN ({literals(AT_REST)})
                 FOR NO KEY UPDATE) r
           WHERE c.run_id = r.id AND c.step_seq = %(step)s AND c.call_seq = %(call)s AND c.status IN ('INTENT', 'UNKNOWN')
           RETURNING c.call_seq""",
        {"id": effect.run_id, "step": effect.step_seq, "call": effect.call_seq, "output": text, "hash": digest(text)},
    ).fetchone()
    return row is not None


def void_of_ended(db: Connection) -> int:
    """Void what was allowed and never begun by runs that have ended; how many."""
    row = db.execute("SELECT void_actions_of_ended() AS n").fetchone()
    return int(row["n"]) if row else 0


def approval(db: Connection, approval_id: UUID) -> Approval | None:
    """An approval with its task, its run, and the status of its action."""
    row = db.execute(
        """SELECT p.id, p.action_id, p.approver, p.task_id, p.revoked_at, a.run_id, a.status
           FROM approvals p JOIN actions a ON a.id = p.action_id WHERE p.id = %s""",
        [approval_id],
    ).fetchone()
    return Approval.from_row(row) if row else None


def revoke(db: Connection, approval_id: UUID) -> bool:
    """Take an approval back; False if it was before. The database takes the action's own approval along.

    Raises Refused once its action was done.
    """
    taken_back = "UPDATE approvals SET revoked_at = app_now() WHERE id = %s AND revoked_at IS NULL RETURNING id"
    with _refusals_in_words():
        row = db.execute(taken_back, [approval_id]).fetchone()
    return row is not None
