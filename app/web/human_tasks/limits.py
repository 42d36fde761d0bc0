"""Who may answer a task, and up to how much, told before anybody tries. The database decides; this only says it first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from app.accounts.people import Person
from app.core.statuses import TaskKind
from app.humans.entitled import refusal
from app.store.database import Connection
from app.store.human_tasks import answerers
from app.store.human_tasks.answerers import Answerer
from app.store.human_tasks.rows import TaskInRun

Standing = Literal["nothing to approve", "within", "beyond, somebody signs after", "beyond, not yours to approve"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """`amount` is the largest that is proposed; `up_to` is this person's limit for it, None if they may not answer at all.

    `able`: who may answer, each with their limit. `last_word`: whether nobody signs after this answer.
    """

    role: str
    refusal: str | None
    able: Sequence[Answerer]
    amount: Decimal | None
    currency: str
    coverage: str
    up_to: Decimal | None
    last_word: bool

    @property
    def standing(self) -> Standing:
        """How this person's limit stands to what is proposed."""
        if self.amount is None or self.up_to is None:
            return "nothing to approve"
        if self.amount <= self.up_to:
            return "within"
        return "beyond, not yours to approve" if self.last_word else "beyond, somebody signs after"

    @property
    def enough(self) -> list[str]:
        """The names of those whose limit covers the proposal."""
        return [each.display_name for each in self.able if self.amount is not None and each.up_to >= self.amount]


def of(db: Connection, task: TaskInRun, me: Person) -> Limits:
    """The limits of a task for one person."""
    proposal = max(task.proposals, key=lambda each: Decimal(str(each["amount"])), default=None)
    coverage, currency = (proposal["coverage"], proposal["currency"]) if proposal else ("*", "")
    barred = [*task.not_by, *task.took_part]
    able = answerers.of_role(db, task.role, not_by=barred, coverage=coverage, currency=currency)
    why_not = refusal(task, me)
    mine = next((each.up_to for each in able if each.username == me.username), Decimal(0))
    return Limits(
        role=task.role,
        refusal=why_not,
        able=able,
        amount=Decimal(str(proposal["amount"])) if proposal else None,
        currency=currency,
        coverage=coverage,
        up_to=None if why_not or not proposal else mine,
        last_word=bool(task.not_by) or task.kind == TaskKind.APPROVAL,
    )
