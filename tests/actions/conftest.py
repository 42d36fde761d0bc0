"""An office where payments are reviewed, signed and paid, in this process, on real Postgres."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from app.engine import start
from app.humans.complete import Completed, complete
from tests.support.journey import Travel, travel
from tests.support.payouts import PAYOUT, Payout, Till


@dataclass
class Bureau:
    """The office: ada and bea review, sam and sue sign; each may approve up to 1,000 USD."""

    journey: Travel
    till: Till

    def begin(self, subject: str = "S-1", **data: Any) -> UUID:
        """A payout that waits for its review."""
        run_id = self.journey.rt.database.transact(
            lambda db: start.start(db, PAYOUT, subject=subject, data=Payout(**data), key=None, actor="test")
        ).run_id
        self.journey.go()
        return run_id

    def task(self, run_id: UUID) -> dict[str, Any]:
        """The run's open task."""
        return self.journey.one("SELECT * FROM human_tasks WHERE run_id = %s AND status = 'OPEN'", run_id)

    def answer(self, run_id: UUID, by: str, outcome: str = "pay", **values: str) -> Completed:
        """Answer the run's open task, and let the run go on."""
        done = complete(self.journey.rt, self.task(run_id)["id"], by=by, outcome=outcome, answer=values)
        self.journey.go()
        return done

    def action(self, run_id: UUID) -> dict[str, Any]:
        """The run's newest action."""
        return self.journey.rows("SELECT * FROM actions WHERE run_id = %s ORDER BY created_at DESC", run_id)[0]

    def status(self, run_id: UUID) -> str:
        """Where the run stands."""
        return str(self.journey.run(run_id)["status"])


@pytest.fixture
def bureau(database_url: str) -> Iterator[Bureau]:
    till = Till()
    with travel(database_url, workflows=(PAYOUT,), tools={"payments.pay": till}) as journey:
        for name, role in (("ada", "adjuster"), ("bea", "adjuster"), ("sam", "supervisor"), ("sue", "supervisor")):
            journey.enrol(name, role)
        yield Bureau(journey, till)
