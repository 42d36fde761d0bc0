"""A payment that one person reviews and, where the ledger asks for it, a second one signs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from app.core.declarations.tools import Tool
from app.core.workflow import Human, Proposal, Request, Step, Workflow

PAY = Tool("payments.pay", idempotent_for="24h", reconciles=True, irreversible=True, timeout="2s")


class Payout(BaseModel):
    """What is asked for; `payments`: how often the step pays, under one approval. `always_signed`: by a second person."""

    claim: str = "CLM-1"
    payee: str = "Ada Ferncastle"
    suggested: Decimal = Decimal("100.00")
    currency: str = "USD"
    paid_before: Decimal = Decimal(0)
    content: dict[str, str] | None = None
    payments: int = 1
    always_signed: bool = False
    action: dict[str, str] = {}
    by: str = ""


class Verdict(BaseModel):
    """The form."""

    amount: str = ""
    payee: str = ""
    comment: str = ""


def _offer(data: Payout, **more: Any) -> Proposal:
    values: dict[str, Any] = {
        "purpose": "payment",
        "payee": data.payee,
        "amount": data.suggested,
        "currency": data.currency,
        "coverage": "collision",
        "claim": data.claim,
        "evidence": {"documents": ["ab"]},
        "tolerance": Decimal("0.10"),
        "paid_before": data.paid_before,
        "content": data.content,
    }
    return Proposal(**values | more)


def _review(step: Any, data: Payout) -> Request:
    offer = _offer(data, amount_field="amount", payee_field="payee")
    return Request(title="Pay?", note="It is in order.", proposals=[offer], approves={"pay": ["payment"]})


def _decide(step: Any, data: Payout) -> str:
    data.action, data.by = step.answer["actions"]["payment"], step.answer["by"]
    return "enough" if data.action["status"] == "APPROVED" and not data.always_signed else "more"


def _sign(step: Any, data: Payout) -> Request:
    offer = _offer(data, amount=Decimal(data.action["amount"]), payee=data.action["payee"])
    return Request(
        title="Sign?", note="It was reviewed.", proposals=[offer], approves={"pay": ["payment"]}, not_by=[data.by]
    )


def _pay(step: Any, data: Payout) -> str:
    if step.answer:
        data.action = step.answer["actions"]["payment"]
    for _ in range(data.payments):
        step.call(
            PAY,
            action=data.action["id"],
            claim=data.claim,
            payee=data.action["payee"],
            amount=data.action["amount"],
            currency=data.action["currency"],
            purpose="payment",
        )
    return "paid"


PAYOUT = Workflow(
    name="payout",
    version=1,
    data=Payout,
    starts_at="REVIEWING",
    states=[
        Human("REVIEWING", form=Verdict, role="adjuster", asks=_review, then={"pay": "DECIDING"}),
        Step("DECIDING", does=_decide, then={"enough": "PAYING", "more": "SIGNING"}),
        Human("SIGNING", form=Verdict, role="supervisor", asks=_sign, then={"pay": "PAYING"}),
        Step("PAYING", does=_pay, then={"paid": "COMPLETE"}),
    ],
)


class Till:
    """A payments service in this process: one payment per key, unless `before` (before it acts) or `after` raises."""

    def __init__(self) -> None:
        self.paid: dict[str, dict[str, Any]] = {}
        self.sent: list[str] = []
        self.before: Callable[[], None] = _nothing
        self.after: Callable[[], None] = _nothing

    def __call__(self, key: str, params: Mapping[str, Any]) -> Any:
        self.sent.append(key)
        self.before()
        self.paid.setdefault(key, {"payment_id": f"P-{len(self.paid) + 1}"} | dict(params))
        self.after()
        return self.paid[key]

    def reconcile(self, key: str, params: Mapping[str, Any]) -> Any | None:
        """What stands under the key."""
        return self.paid.get(key)


def _nothing() -> None:
    pass
