"""Who else claims the same loss, and what the ledger paid for it: by names that runs are found by, by claim, and by payee and amount.

The law: every look is by an index and bounded. What may have been paid counts as paid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.core.statuses import ActionStatus
from app.store import rows
from app.store.database import Connection
from app.store.records.documents import WITH_STANDING

NEARBY_DAYS = 90  # a payment of nearly the same amount to the same payee is no coincidence within so many
_BEGAN = "a.status IN ('EXECUTING', 'UNKNOWN', 'EXECUTED', 'CONFIRMED', 'DISPUTED')"
_PAYMENT = "a.claim, a.payee, a.amount::text, a.currency, a.status, a.executed_at AS at"
# OFFSET 0: the names first, by their index, then their runs, each by its key.
_NAMED = f"""
WITH shared AS MATERIALIZED (
    SELECT r.subject, array_agg(DISTINCT r.id) AS runs, array_agg(DISTINCT n.name) AS shares
    FROM run_names n CROSS JOIN LATERAL (SELECT * FROM runs WHERE id = n.run_id OFFSET 0) r
    WHERE n.name = ANY (%(names)s) AND n.kind = ANY (%(kinds)s)
      AND r.workflow = %(workflow)s AND r.subject <> %(subject)s AND r.parent_run_id IS NULL
    GROUP BY r.subject)
SELECT s.subject, s.shares, {WITH_STANDING}"""
_OF_CLAIM = f"""
SELECT {_PAYMENT} FROM actions a
WHERE payee_key(a.claim) = payee_key(%(claim)s) AND a.purpose = %(purpose)s AND {_BEGAN} ORDER BY a.created_at LIMIT %(most)s"""
_ALIKE = f"""
SELECT {_PAYMENT} FROM actions a
WHERE payee_key(a.payee) = payee_key(%(payee)s) AND a.currency = %(currency)s AND a.amount BETWEEN %(low)s AND %(high)s
  AND a.purpose = %(purpose)s AND payee_key(a.claim) <> payee_key(%(claim)s) AND {_BEGAN}
  AND coalesce(a.executed_at, a.created_at) > (SELECT app_now()) - make_interval(days => %(days)s)
ORDER BY a.created_at DESC LIMIT %(most)s"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """Another subject that shares some names, and where it stands. of: how many such subjects there are.

    action: as `documents.SentElsewhere` tells it.
    """

    subject: str
    shares: Sequence[str]
    state: str
    status: str
    since: datetime
    action: Mapping[str, Any] | None
    of: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Paid:
    """What was paid, or may have been. amount: as written."""

    claim: str
    payee: str
    amount: str
    currency: str
    status: ActionStatus
    at: datetime | None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Paid:
        return cls(**{**row, "status": ActionStatus(row["status"])})


def named(
    db: Connection, names: Sequence[str], *, kinds: Sequence[str], workflow: str, subject: str, purpose: str, most: int
) -> list[Named]:
    """Other subjects of the workflow that go by one of these names, those with an action of that purpose first, then the oldest.

    At most `most`.
    """
    asked = {
        "names": list(names),
        "kinds": list(kinds),
        "workflow": workflow,
        "subject": subject,
        "purpose": purpose,
        "most": most,
    }
    return rows.every(db, Named, _NAMED, asked) if names else []


def paid(db: Connection, claim: str, *, purpose: str, most: int) -> list[Paid]:
    """What was paid for a claim, or may have been, by whichever run of it."""
    rows = db.execute(_OF_CLAIM, {"claim": claim, "purpose": purpose, "most": most})
    return [Paid.from_row(row) for row in rows]


def paid_alike(
    db: Connection, *, claim: str, payee: str, currency: str, amount: Decimal, within: Decimal, purpose: str, most: int
) -> list[Paid]:
    """What the payee was paid for other claims of late, if it is within that share of the amount."""
    asked = {
        "claim": claim,
        "payee": payee,
        "currency": currency,
        "purpose": purpose,
        "most": most,
        "days": NEARBY_DAYS,
        "low": amount * (1 - within),
        "high": amount * (1 + within),
    }
    return [Paid.from_row(row) for row in db.execute(_ALIKE, asked)]
