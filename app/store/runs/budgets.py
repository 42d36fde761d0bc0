"""Budgets: what model calls reserve, use and cost, counted on the root run.

The law: a reservation is made by the very statement that writes the intent (`intents.py`), and replaced by what was
used in the commit of the result. One whose call was lost stays for good: it may have been paid for. Written again after
a lost answer, each counts once. Of two runs the one with the lower id is locked first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.core.statuses import BEGUN
from app.store.database import Connection
from app.store.runs.moves import Statement
from app.store.runs.steps import STANDING_LEASE, Place

TIMES_BUDGET = 3
"""A run stops at so many times what was expected; more only by a person's leave."""

_LIMIT = f"{TIMES_BUDGET} * r.token_budget + r.tokens_raised"
_USED = "r.tokens_in + r.tokens_out + r.tokens_reserved"
HAS_ROOM = f"(r.token_budget IS NULL OR {_USED} + %(reserve)s <= {_LIMIT})"
"""Of a root run `r`: `reserve` tokens more fit its budget."""

# Leaves the call at INTENT or UNKNOWN, which its result in the same commit changes. No row: the lease is lost, or the
# call has its result or another lease's intent.
_SETTLE = f"""
WITH lease AS {STANDING_LEASE},
call AS (
    UPDATE checkpoints c SET tokens_reserved = c.tokens_reserved - %(reserve)s FROM lease
    WHERE c.run_id = %(id)s AND c.step_seq = %(step_seq)s AND c.call_seq = %(call_seq)s AND c.lease_token = %(token)s
        AND c.status = ANY (%(open)s) RETURNING 1
)
UPDATE runs r SET tokens_reserved = r.tokens_reserved - %(reserve)s, tokens_in = r.tokens_in + %(tokens_in)s,
    tokens_out = r.tokens_out + %(tokens_out)s, cost = r.cost + %(cost)s, unpriced_calls = r.unpriced_calls + %(unpriced)s
FROM call WHERE r.id = %(root)s RETURNING r.id"""
_LOCK = "SELECT id FROM runs WHERE id = ANY (%s) ORDER BY id FOR NO KEY UPDATE"
_ROOT = """
WITH RECURSIVE up AS (
    SELECT id, parent_run_id FROM runs WHERE id = %(id)s
    UNION ALL SELECT r.id, r.parent_run_id FROM up JOIN runs r ON r.id = up.parent_run_id
) SELECT id FROM up WHERE parent_run_id IS NULL"""
_STANDING = f"""SELECT r.subject, r.token_budget, {_LIMIT} AS most, r.tokens_in, r.tokens_out, r.tokens_reserved, r.cost, r.unpriced_calls
FROM runs r WHERE r.id = %(root)s"""
_LINES = """
WITH RECURSIVE family AS (
    SELECT id FROM runs WHERE id = %(root)s
    UNION ALL SELECT r.id FROM family JOIN runs r ON r.parent_run_id = family.id
)
SELECT c.step_name, coalesce(c.model, 'unnamed') AS model, count(*) AS calls, sum(c.repeated) AS repeated,
    coalesce(sum(c.tokens_in), 0)::bigint AS tokens_in, coalesce(sum(c.tokens_out), 0)::bigint AS tokens_out,
    sum(c.tokens_reserved)::bigint AS reserved, coalesce(sum(c.cost), 0) AS cost,
    count(*) FILTER (WHERE c.cost IS NULL AND (c.tokens_in + c.tokens_out > 0 OR c.output IS NOT NULL)) AS unpriced
FROM family JOIN checkpoints c ON c.run_id = family.id
WHERE c.kind = 'model' GROUP BY 1, 2 ORDER BY 1, 2"""
_RAISE = """UPDATE runs r SET tokens_raised = r.tokens_raised + %s WHERE r.id = %s
RETURNING r.tokens_raised, r.token_budget"""


@dataclass(frozen=True, slots=True)
class Reservation:
    """Tokens that an intent holds of a root run's budget, and is not written without."""

    root: UUID
    tokens: int

    def params(self) -> Mapping[str, Any]:
        return {"root": self.root, "reserve": self.tokens}


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """What the calls of one step to one model came to. reserved: of calls whose outcome nobody knows, held as spent."""

    step_name: str
    model: str
    calls: int
    repeated: int
    tokens_in: int
    tokens_out: int
    reserved: int
    cost: Decimal
    unpriced: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Bill:
    """What a run and its children used. most: what they may use; None without a budget."""

    subject: str
    token_budget: int | None
    most: int | None
    tokens_in: int
    tokens_out: int
    tokens_reserved: int
    cost: Decimal
    unpriced_calls: int
    lines: Sequence[Line] = ()

    @property
    def used(self) -> int:
        """Spent, or held as spent."""
        return self.tokens_in + self.tokens_out + self.tokens_reserved


def settle(
    place: Place, *, root: UUID, reserved: int, tokens_in: int, tokens_out: int, cost: Decimal | None
) -> Statement:
    """Replace a reservation by what was used. `cost` None: price unknown. Before the result, and only while there is none."""
    return _SETTLE, place.params() | {
        "root": root,
        "reserve": reserved,
        "tokens_in": tokens_in,
        "tokens_out": tokens_out,
        "cost": cost or Decimal(0),
        "unpriced": int(cost is None and tokens_in + tokens_out > 0),
        "open": [status.value for status in BEGUN],
    }


def unmeasured(place: Place, *, root: UUID) -> Statement:
    """Of an answered call that did not say what it used: its reservation stays, as spent, and its price is unknown."""
    text, params = settle(place, root=root, reserved=0, tokens_in=0, tokens_out=0, cost=None)
    return text, {**params, "unpriced": 1}


def root_of(db: Connection, run_id: UUID) -> UUID:
    """The run at the top of this one's parents: itself, if it has none."""
    row = db.execute(_ROOT, {"id": run_id}).fetchone()
    assert row is not None, "a run that is leased is there"
    root: UUID = row["id"]
    return root


def lock(db: Connection, *runs: UUID) -> None:
    """Lock the rows of these runs in the order in which everyone does."""
    db.execute(_LOCK, [list(runs)])


def bill(db: Connection, root: UUID) -> Bill:
    """What a root run and its children used, by step and model."""
    row = db.execute(_STANDING, {"root": root}).fetchone()
    assert row is not None
    lines = db.execute(_LINES, {"root": root}).fetchall()
    return Bill(**row, lines=[Line(**line) for line in lines])


def allow_more(db: Connection, root: UUID, tokens: int) -> None:
    """A person's leave to use so many tokens more."""
    db.execute(_RAISE, [tokens, root])
