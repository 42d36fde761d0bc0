"""What judges the faults says so when something was lost: each invariant is broken once, by hand."""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import pytest

from app import client
from app.insurance.demo.payments_store import PAYMENTS, PaymentsStore
from tests.faults.invariants import Evidence, judge
from tests.faults.witness import Witness
from tests.faults.workload import ERRAND, PURPOSES

PID = "4711"


@dataclass
class Lived:
    """One run that came to its end, as the witness and the books saw it."""

    evidence: Evidence
    run_id: UUID
    books: PaymentsStore

    def do(self, statement: str) -> None:
        """As the owner, past every guard."""
        with self.evidence.witness.connect() as db:
            db.execute("SET session_replication_role = replica" if "witness" not in statement else "SELECT 1")
            db.execute(statement)

    def pay(self, purpose: str, key: str) -> None:
        """One payment in the books of the service."""
        fields = {"claim": "run 0", "payee": "Ada Ferncastle", "amount": "10.00", "currency": "USD", "purpose": purpose}
        self.books.act(PAYMENTS, key, key, fields)

    def broken(self) -> set[str]:
        """The laws that do not hold."""
        return {finding.law for finding in judge(self.evidence) if not finding.holds}


@pytest.fixture
def lived(database_url: str, tmp_path: Path) -> Iterator[Lived]:
    witness = Witness(database_url)
    witness.install()
    with witness.connect() as db, db.transaction():
        run_id = client.start(db, ERRAND, subject="run 0", data={}).run_id
    books = PaymentsStore(tmp_path / "payments.sqlite")
    evidence = Evidence(
        witness=witness, accepted=[run_id], payments=tmp_path / "payments.sqlite", notes=tmp_path, silent_seconds=120
    )
    made = Lived(evidence, run_id, books)
    for purpose in PURPOSES:
        made.pay(purpose, f"lh-{run_id}-1-{purpose}")
    yield made
    books.close()
    witness.close()


def _twice(lived: Lived) -> None:
    lived.pay(PURPOSES[0], "another key")


def _never(lived: Lived) -> None:
    lived.do("UPDATE runs SET status = 'COMPLETE'")
    with sqlite3.connect(lived.evidence.payments) as books:
        books.execute("DELETE FROM payments WHERE purpose = 'second'")


def _forgotten(lived: Lived) -> None:
    lived.evidence.accepted.append(uuid.uuid4())  # type: ignore[attr-defined]


def _nowhere(lived: Lived) -> None:
    lived.do("UPDATE runs SET status = 'RUNNING'")
    lived.evidence.witness.look()


def _blamed(lived: Lived) -> None:
    lived.do("UPDATE transition_rows SET attempt = 2")


def _crashed(lived: Lived) -> None:
    lived.do("UPDATE runs SET status = 'RUNNING', crash_attempts = 1")
    lived.do("/* seen by the witness */ UPDATE runs SET status = 'SUSPECTED_DEAD'")


def _unvouched(lived: Lived) -> None:
    (lived.evidence.notes / f"sent.{PID}").write_text(f"{time.time() + 125} lh-{lived.run_id}-1-1-1\n")
    lived.do(f"INSERT INTO witness.notes (what, id, detail) VALUES ('ping', gen_random_uuid(), '{PID}')")


def _rewritten(lived: Lived) -> None:
    lived.do("UPDATE transition_rows SET actor = 'somebody else'")


@pytest.mark.parametrize(
    ("breaks", "law"),
    [
        (_forgotten, "every accepted run is complete"),
        (_nowhere, "every run is in one legal place at each look"),
        (_blamed, "no attempt spent"),
        (_crashed, "no crash counted"),
        (_twice, "money moved exactly once"),
        (_never, "money moved exactly once"),
        (_rewritten, "the history verifies"),
        (_unvouched, "nobody sends unvouched"),
    ],
)
def test_a_loss_is_said(lived: Lived, breaks: Callable[[Lived], None], law: str) -> None:
    before = lived.broken()
    assert before <= {"every accepted run is complete"}, "it has only begun"
    if law == "every accepted run is complete":
        assert law in before, "a run that is not complete is lost"
    breaks(lived)
    assert law in lived.broken()


def test_a_host_that_seemed_dead_costs_a_run_one_crash_and_no_second(lived: Lived) -> None:
    lived.evidence = replace(lived.evidence, may_seem_dead=True)
    _crashed(lived)
    assert "no crash counted" not in lived.broken()
    _crashed(lived)
    assert "no crash counted" in lived.broken()
