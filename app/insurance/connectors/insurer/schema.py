"""The schema `insurer`: policies as the company's own system keeps them. Ours to read, theirs to change.

`install` and `seed` make a stand-in of that system for the embedded stack and for tests; against a real one, only the
view of it that `PolicyLookup` reads is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from app.core.canonical import canonical
from app.store.database import connect

_SCHEMA = """
SELECT pg_advisory_xact_lock(7070002);
CREATE SCHEMA IF NOT EXISTS insurer;
CREATE TABLE IF NOT EXISTS insurer.policies (
    policy_number text PRIMARY KEY,
    named_insured text NOT NULL,
    drivers text[] NOT NULL DEFAULT '{}',
    period_start date NOT NULL,
    period_end date NOT NULL,
    currency text NOT NULL,
    status text NOT NULL,
    vehicles jsonb NOT NULL,
    coverages jsonb NOT NULL,
    provisions jsonb NOT NULL,
    payee text NOT NULL,
    payee_account text NOT NULL
);
CREATE TABLE IF NOT EXISTS insurer.claims (
    policy_number text NOT NULL, claim_number text NOT NULL, date_of_loss date NOT NULL, status text NOT NULL, about text NOT NULL,
    PRIMARY KEY (policy_number, claim_number)
);
CREATE TABLE IF NOT EXISTS insurer.payments (
    policy_number text NOT NULL, claim_number text NOT NULL, coverage text NOT NULL, paid_on date NOT NULL,
    amount numeric(18, 2) NOT NULL, currency text NOT NULL, PRIMARY KEY (policy_number, claim_number, coverage, paid_on)
);
GRANT USAGE ON SCHEMA insurer TO longhaul_worker, longhaul_web;
GRANT SELECT ON insurer.policies, insurer.claims, insurer.payments TO longhaul_worker, longhaul_web;
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class InsuredPolicy:
    """A row of `insurer.policies`. `period_end` is the last day covered; `payee_account` is masked."""

    policy_number: str
    named_insured: str
    period_start: date
    period_end: date
    payee: str
    payee_account: str
    drivers: Sequence[str] = ()
    currency: str = "USD"
    status: str = "active"
    vehicles: Sequence[Mapping[str, Any]] = ()
    coverages: Sequence[Mapping[str, Any]] = ()
    provisions: Sequence[Mapping[str, Any]] = field(default_factory=tuple)


@dataclass(frozen=True, kw_only=True, slots=True)
class EarlierClaim:
    """A row of `insurer.claims`, with what was paid on it: one row of `insurer.payments` for each coverage."""

    policy_number: str
    claim_number: str
    date_of_loss: date
    status: str
    about: str
    paid: Sequence[tuple[str, date, Decimal, str]] = ()


def install(database_url: str) -> None:
    """Create the schema if it is not there. Needs the owner's rights."""
    with connect(database_url, "owner") as db, db.transaction():
        db.execute(_SCHEMA)


def seed(database_url: str, policies: Iterable[InsuredPolicy]) -> int:
    """Put policies in, replacing those of the same number; how many."""
    rows = list(policies)
    with connect(database_url, "owner") as db, db.transaction():
        for p in rows:
            db.execute(
                """INSERT INTO insurer.policies VALUES (%s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s::jsonb, %s::jsonb, %s, %s)
                   ON CONFLICT (policy_number) DO UPDATE SET named_insured = excluded.named_insured, drivers = excluded.drivers,
                       period_start = excluded.period_start, period_end = excluded.period_end, currency = excluded.currency,
                       status = excluded.status, vehicles = excluded.vehicles, coverages = excluded.coverages,
                       provisions = excluded.provisions, payee = excluded.payee, payee_account = excluded.payee_account""",
                [
                    p.policy_number,
                    p.named_insured,
                    list(p.drivers),
                    p.period_start,
                    p.period_end,
                    p.currency,
                    p.status,
                    canonical(list(p.vehicles)),
                    canonical(list(p.coverages)),
                    canonical(list(p.provisions)),
                    p.payee,
                    p.payee_account,
                ],
            )
    return len(rows)


def seed_earlier(database_url: str, claims: Iterable[EarlierClaim]) -> int:
    """Put earlier claims and their payments in, unless they are there; how many were named."""
    rows = list(claims)
    with connect(database_url, "owner") as db, db.transaction():
        for c in rows:
            db.execute(
                "INSERT INTO insurer.claims VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                [c.policy_number, c.claim_number, c.date_of_loss, c.status, c.about],
            )
            for coverage, day, amount, currency in c.paid:
                db.execute(
                    "INSERT INTO insurer.payments VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                    [c.policy_number, c.claim_number, coverage, day, amount, currency],
                )
    return len(rows)
