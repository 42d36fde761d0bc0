"""What the insurer knows beside the policy: earlier claims, earlier payments, the words of a coverage. All of it reads only.

The law: an answer is bounded (the newest rows, and how many there are), and "nothing" is an answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from app.insurance.connectors.insurer.lookup import PolicyLookup
from app.store.database import Database

MOST = 10
_SAME = "upper(regexp_replace(policy_number, '[^A-Za-z0-9]', '', 'g')) = %s"
_CLAIMS = f"""SELECT claim_number, date_of_loss::text, status, left(about, 200) AS about, count(*) OVER () AS of
FROM insurer.claims WHERE {_SAME} ORDER BY date_of_loss DESC, claim_number LIMIT {MOST}"""
_PAYMENTS = f"""SELECT claim_number, coverage, paid_on::text, amount::text, currency, count(*) OVER () AS of
FROM insurer.payments WHERE {_SAME} ORDER BY paid_on DESC, claim_number LIMIT {MOST}"""
_WORDS = 1500  # characters of one provision


class _Rows:
    """A tool that answers with the newest rows of one policy."""

    query: str

    def __init__(self, database: Database) -> None:
        self._database = database

    def __call__(self, key: str, params: Mapping[str, Any]) -> Any:
        """{"rows": the newest of them, "of": how many there are}."""
        with self._database.transaction() as db:
            rows = db.execute(
                self.query, [re.sub(r"[^A-Za-z0-9]", "", str(params["policy_number"])).upper()]
            ).fetchall()
        return {
            "rows": [{k: v for k, v in row.items() if k != "of"} for row in rows],
            "of": rows[0]["of"] if rows else 0,
        }


class ClaimHistory(_Rows):
    """`insurer.claim_history`."""

    query = _CLAIMS


class EarlierPayments(_Rows):
    """`insurer.payments`."""

    query = _PAYMENTS


class CoverageWording:
    """`insurer.wording`: a coverage's limits and the provisions of its policy, as the insurer has them."""

    def __init__(self, database: Database) -> None:
        self._lookup = PolicyLookup(database)

    def __call__(self, key: str, params: Mapping[str, Any]) -> Any:
        """{"coverage": its record or None, "provisions": [{"id", "title", "text"}]}."""
        found = self._lookup(key, params)
        policy = found["policy"] if found else {"coverages": [], "provisions": []}
        wanted = str(params["coverage"]).strip().upper()
        coverage = next((c for c in policy["coverages"] if str(c.get("code", "")).upper() == wanted), None)
        provisions = [{**p, "text": str(p.get("text", ""))[:_WORDS]} for p in policy["provisions"][:MOST]]
        return {"coverage": coverage, "provisions": provisions}
