"""A small workflow with a person in it, and what tests of the pages need to run it without workers or a broker."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from app.core.retry import ONCE
from app.core.workflow import Human, Proposal, Request, Step, Workflow
from app.engine.runtime import Registry, Runtime
from app.engine.start import start
from app.engine.step.step import run_step
from app.settings import Settings
from app.store.database import Database
from app.store.journal.journal import DirectJournal
from tests.support.dispatchers import SilentDispatcher
from tests.support.roles import DECLARED

QUOTE = "Total to pay: 1,240.00 EUR"


class Finding(BaseModel):
    """Something a check saw."""

    code: str
    severity: str
    summary: str
    why_uncertain: str = ""
    evidence: list[dict[str, Any]] = []
    subjects: list[str] = []


class Complaint(BaseModel):
    """The data of one run; `words` is what a stranger wrote."""

    customer: str = "Orsolya Wendelmoor"
    amount: Decimal = Decimal("1240.00")
    words: str = "The bicycle arrived without wheels."
    compare: list[str] = []
    findings: list[Finding] = []
    decided: str | None = None


class ReviewForm(BaseModel):
    """Every kind of field a person may be asked to fill in."""

    comment: str = Field(title="Why", min_length=3, description="The customer will read this.")
    amount: Decimal = Field(default=Decimal("0.00"), title="Amount to pay", ge=0)
    wheels: int = Field(default=2, ge=0, le=4)
    severity: Literal["slight", "serious"] = "slight"
    seen: bool = Field(default=True, title="I have seen the photographs")
    sent_on: date | None = Field(default=None, title="Sent on")
    wanted: list[str] = Field(default=[], title="Papers still wanted")
    payee: str | None = Field(default=None, max_length=60)


ANSWER_GIVEN: dict[str, Any] = {
    "comment": "The photographs agree.",
    "amount": "1240.00",
    "wheels": 2,
    "severity": "slight",
    "seen": True,
    "sent_on": None,
    "wanted": [],
    "payee": "Orsolya Wendelmoor",
}
"""What the form takes as it is."""


def _read(step: Any, data: Complaint) -> str:
    step.keep("count the words", lambda: len(data.words.split()))
    source = {"document": "d1", "filename": "invoice.pdf", "page": 2, "quote": f"{QUOTE}. {data.words}"}
    data.findings = [
        Finding(
            code="TOTAL",
            severity="warning",
            summary=f"The total may not add up: {data.words}",
            why_uncertain="The lines are hard to read.",
            evidence=[source],
            subjects=data.compare,
        )
    ]
    return "read"


def _ask(step: Any, data: Complaint) -> Request:
    return Request(
        title=f"Review the complaint {step.subject}",
        note=f"{data.customer} wrote:\n  {data.words}\n\nSay whether we pay, and why.",
        defaults={"amount": str(data.amount), "payee": data.customer},
        evidence=[finding.model_dump() for finding in data.findings],
        proposals=[
            Proposal(
                purpose="refund",
                payee=data.customer,
                amount=data.amount,
                currency="EUR",
                coverage="goods",
                amount_field="amount",
                payee_field="payee",
            )
        ],
        approves={"pay": ["refund"]},
    )


def _decide(step: Any, data: Complaint) -> str:
    data.decided = step.answer["outcome"]
    return "decided"


REVIEW = Workflow(
    name="complaint",
    version=1,
    data=Complaint,
    starts_at="READING",
    states=[
        Step("READING", does=_read, then={"read": "AWAITING_REVIEW"}),
        Human(
            "AWAITING_REVIEW",
            form=ReviewForm,
            role="adjuster",
            asks=_ask,
            then={"pay": "DECIDING", "do_not_pay": "DECIDING"},
        ),
        Step("DECIDING", does=_decide, then={"decided": "COMPLETE"}),
    ],
)


ARCHIVE: dict[str, Exception] = {}  # what is wrong with the archive of a customer, until it is mended


def _fetch(step: Any, data: Complaint) -> str:
    if wrong := ARCHIVE.get(data.customer):
        raise wrong
    return "fetched"


FETCH = Workflow(
    name="fetching",
    version=1,
    data=Complaint,
    starts_at="FETCHING",
    states=[Step("FETCHING", does=_fetch, retry=ONCE, then={"fetched": "COMPLETE"})],
)
BOTH = (REVIEW, FETCH)


def runtime(config: Settings, role: Literal["worker", "web"], bells: SilentDispatcher) -> Runtime:
    """A runtime over the direct journal."""
    database = Database(config.database_url, role)
    return Runtime(
        settings=config,
        database=database,
        journal=DirectJournal(database),
        workflows=Registry(BOTH),
        tools={},
        dispatcher=bells,
        roles=DECLARED,
    )


class Desk:
    """Runs complaints by answering every bell in this very process."""

    def __init__(self, worker: Runtime, bells: SilentDispatcher) -> None:
        self.worker, self._bells = worker, bells

    def file(self, subject: str, workflow: Workflow = REVIEW, **data: Any) -> UUID:
        """Start a complaint (or a run of another workflow) and work on it until it waits or stops."""
        with self.worker.database.transaction() as db:
            started = start(db, workflow, subject=subject, data=Complaint(**data), key=None, actor="test")
        self._bells.ring([started.bell])
        self.work()
        return started.run_id

    def work(self) -> None:
        """Answer bells until none is left."""
        while self._bells.rung:
            bell = self._bells.rung.pop(0)
            run_step(self.worker, bell.run_id, bell.step_seq, workflow=bell.workflow, state=bell.state)
