"""`insurer.policy`: look a policy up by its number. Reads only; an unknown number is an answer, None."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from app.store.database import Database

_FIELDS = (
    "policy_number",
    "named_insured",
    "drivers",
    "period_start",
    "period_end",
    "currency",
    "status",
    "vehicles",
    "coverages",
    "provisions",
)


class PolicyLookup:
    """The tool's code, on the worker's own connections."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __call__(self, key: str, params: Mapping[str, Any]) -> Any:
        """{"policy": the record, "payee": who is paid, "payee_account": masked}, or None."""
        number = str(params["policy_number"])
        with self._database.transaction() as db:
            row = db.execute(
                "SELECT * FROM insurer.policies WHERE upper(regexp_replace(policy_number, '[^A-Za-z0-9]', '', 'g')) = %s",
                [re.sub(r"[^A-Za-z0-9]", "", number).upper()],
            ).fetchone()
        if row is None:
            return None
        return {
            "policy": {name: row[name] for name in _FIELDS},
            "payee": row["payee"],
            "payee_account": row["payee_account"],
        }
