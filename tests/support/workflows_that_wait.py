"""Workflows that meet people, signals and relatives."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from app.core.canonical import canonical, digest
from app.core.declarations.tools import Tool
from app.core.workflow import Children, ChildRun, Human, Proposal, Request, Step, Wait, Workflow
from tests.support import faults
from tests.support.small_workflows import PAYING, Bill, pay

PAY_FOR_GOOD = Tool("payments.pay", idempotent_for="24h", irreversible=True)


class Journey(BaseModel):
    """Data of every kind that must come back from a long wait as it went."""

    amount: Decimal = Decimal("1234.50")
    at: datetime | None = None
    text: str = "naïve façade: 30 % \x00 of \U0001f697"
    nested: dict[str, Any] = {"a": [1, 2.5, None, True], "b": {"c": "d"}}
    paid: list[str] = []
    digests: list[str] = []
    answer: dict[str, Any] = {}

    def noted(self) -> None:
        """Note what the data are right now, whatever was noted before."""
        self.digests.append(digest(canonical(self.model_copy(update={"digests": []}))))


def _set_out(step: Any, data: Journey) -> str:
    data.at = step.now
    data.paid.append(pay(step, "before"))
    data.noted()
    return "set out"


def _ask(step: Any, data: Any) -> Request:
    return Request(title="Shall we go on?", note="It has been a while.")


def _return(step: Any, data: Journey) -> str:
    data.noted()
    data.paid.append(pay(step, "after"))
    data.answer = {name: step.answer[name] for name in ("outcome", "by", "values")}
    return "returned"


class Leave(BaseModel):
    """The form."""

    remark: str = ""


LONG_AWAY = Workflow(
    name="long_away",
    version=1,
    data=Journey,
    starts_at="SETTING_OUT",
    states=[
        Step("SETTING_OUT", does=_set_out, then={"set out": "AWAY"}),
        Human("AWAY", form=Leave, role="adjuster", asks=_ask, then={"go on": "RETURNING", "stop": "RETURNING"}),
        Step("RETURNING", does=_return, then={"returned": "COMPLETE"}),
    ],
)


class Heard(BaseModel):
    """The words heard, in order."""

    words: list[Any] = []
    waits: int = 0


def _prepare(step: Any, data: Heard) -> str:
    faults.at("in_step", step.subject)
    return "prepared"


def _hear(step: Any, data: Heard) -> str:
    data.words += [signal["payload"] for signal in step.signals]
    data.waits += 1
    return "enough" if "enough" in data.words else "more"


HEARING = Workflow(
    name="hearing",
    version=1,
    data=Heard,
    starts_at="PREPARING",
    states=[
        Step("PREPARING", does=_prepare, then={"prepared": "LISTENING"}),
        Wait("LISTENING", event="word", then={"word": "HEARING"}),
        Step("HEARING", does=_hear, then={"more": "LISTENING", "enough": "COMPLETE"}),
    ],
)


class Family(BaseModel):
    """What the children are to pay, and what they paid."""

    children: list[list[str]] = []
    waiting: int = 0
    paid: list[str] = []
    joins: int = 0


def _raise_children(step: Any, data: Family) -> Sequence[ChildRun]:
    paying = [
        ChildRun(workflow="paying", subject=f"{step.subject}.{n}", data=Bill(purposes=p))
        for n, p in enumerate(data.children)
    ]
    waiting = [ChildRun(workflow="hearing", subject=f"{step.subject}.w{n}", data=Heard()) for n in range(data.waiting)]
    return [*paying, *waiting]


def _join(step: Any, data: Family) -> str:
    data.joins += 1
    for child in step.children:
        data.paid += child["data"].get("paid", [])
    return "joined"


FAMILY = Workflow(
    name="family",
    version=1,
    data=Family,
    starts_at="RAISING",
    states=[
        Children("RAISING", starts=_raise_children, then={"ended": "JOINING"}),
        Step("JOINING", does=_join, then={"joined": "COMPLETE"}),
    ],
)


class Settlement(BaseModel):
    """What a person approved."""

    action: str = ""
    paid: list[str] = []


def _propose(step: Any, data: Settlement) -> Request:
    offer = Proposal(
        purpose="payment", payee="Ada Ferncastle", amount=Decimal("10.00"), currency="USD", coverage="collision"
    )
    return Request(title="Pay?", note="Ten dollars.", proposals=[offer], approves={"pay": ["payment"]})


def _settle(step: Any, data: Settlement) -> str:
    data.action = step.answer["actions"]["payment"]["id"]
    answer = step.call(
        PAY_FOR_GOOD,
        action=data.action,
        claim=step.subject,
        payee="Ada Ferncastle",
        amount="10.00",
        currency="USD",
        purpose="payment",
    )
    data.paid.append(answer["payment_id"])
    return "settled"


SETTLING = Workflow(
    name="settling",
    version=1,
    data=Settlement,
    starts_at="APPROVING",
    states=[
        Human("APPROVING", form=Leave, role="adjuster", asks=_propose, then={"pay": "SETTLING"}),
        Step("SETTLING", does=_settle, then={"settled": "COMPLETE"}),
    ],
)

__all__ = ["FAMILY", "HEARING", "LONG_AWAY", "PAYING", "SETTLING"]
