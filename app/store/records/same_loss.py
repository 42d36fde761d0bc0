"""Who else claims the same loss, and what the ledger paid for it: by names that runs are found by, by claim, and by payee and amount.

The law: every look is by an index and bounded. What may have been paid counts as paid.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

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


def named(
    db: Connection, names: Sequence[str], *, kinds: Sequence[str], workflow: str, subject: str, purpose: str, most: int
) -> list[dict[str, Any]]:
    """Other subjects of the workflow that go by one of these names, those with an action of that purpose first, then the oldest.

    At most `most`; `of` says how many there are. `shares`: the names in common. `action`: as `documents.elsewhere` tells it.
    """
    asked = {
        "names": list(names),
        "kinds": list(kinds),
        "workflow": workflow,
        "subject": subject,
        "purpose": purpose,
        "most": most,
    }
    return db.execute(_NAMED, asked).fetchall() if names else []


def paid(db: Connection, claim: str, *, purpose: str, most: int) -> list[dict[str, Any]]:
    """What was paid for a claim, or may have been, by whichever run of it."""
    return db.execute(_OF_CLAIM, {"claim": claim, "purpose": purpose, "most": most}).fetchall()


def paid_alike(
    db: Connection, *, claim: str, payee: str, currency: str, amount: Decimal, within: Decimal, purpose: str, most: int
) -> list[dict[str, Any]]:
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
    return db.execute(_ALIKE, asked).fetchall()
