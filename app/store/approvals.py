"""Actions and approvals: what an irreversible effect would be, and who allowed exactly that. Written by the web's role alone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from app.core.canonical import canonical, digest
from app.core.ids import new_id
from app.store.database import Connection

VALID_DAYS = 30


def action_digest(purpose: str, payee: str, amount: Decimal, currency: str, coverage: str, evidence: Any) -> str:
    """What an approval is bound to; any change of it is another action."""
    return digest(canonical([purpose, payee, f"{amount:.2f}", currency, coverage, evidence]))


def propose(
    db: Connection,
    run_id: UUID,
    *,
    purpose: str,
    payee: str,
    amount: Decimal,
    currency: str,
    coverage: str,
    evidence: Any,
    proposed_by: str,
) -> dict[str, Any]:
    """The action of exactly these values: made now, or found. Rivals for the same purpose that were not executed are void."""
    fingerprint = action_digest(purpose, payee, amount, currency, coverage, evidence)
    db.execute(
        "UPDATE actions SET status = 'VOID' WHERE run_id = %s AND purpose = %s AND digest <> %s AND status = 'PROPOSED'",
        [run_id, purpose, fingerprint],
    )
    db.execute(
        """INSERT INTO actions (id, run_id, purpose, payee, amount, currency, coverage, evidence, digest, proposed_by, created_at)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s, app_now())
           ON CONFLICT (run_id, purpose, digest) DO UPDATE
           SET status = CASE WHEN actions.status = 'VOID' THEN 'PROPOSED' ELSE actions.status END""",
        [new_id(), run_id, purpose, payee, amount, currency, coverage, canonical(evidence), fingerprint, proposed_by],
    )
    row = db.execute(
        "SELECT * FROM actions WHERE run_id = %s AND purpose = %s AND digest = %s", [run_id, purpose, fingerprint]
    ).fetchone()
    assert row is not None
    return row


def approve(
    db: Connection, action: dict[str, Any], *, approver: str, role: str, authority: Decimal, task_id: UUID
) -> None:
    """Record that `approver` allows this action, within their authority as it stands now."""
    db.execute(
        """INSERT INTO approvals (id, action_id, approver, role, authority, digest, task_id, created_at, expires_at)
           VALUES (%s, %s, %s, %s, %s, %s, %s, app_now(), app_now() + make_interval(days => %s))
           ON CONFLICT (action_id, approver) DO NOTHING""",
        [new_id(), action["id"], approver, role, authority, action["digest"], task_id, VALID_DAYS],
    )


def of_run(db: Connection, run_id: UUID) -> list[dict[str, Any]]:
    """The actions of a run with who approved them."""
    return db.execute(
        """SELECT a.*, array_remove(array_agg(p.approver ORDER BY p.created_at), NULL) AS approvers
           FROM actions a LEFT JOIN approvals p ON p.action_id = a.id AND p.revoked_at IS NULL
           WHERE a.run_id = %s GROUP BY a.id ORDER BY a.created_at""",
        [run_id],
    ).fetchall()
