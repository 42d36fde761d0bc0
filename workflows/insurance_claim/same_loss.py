"""The same loss under another claim number, though no paper is the same: found by what a claim is about.

The law: it is asked when a claim is checked, and again when it is decided. A claim goes by its names from the end of the
step that learned them, so of two claims of one loss, whoever is decided later is decided knowing of the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from app.core.step import StepContext
from app.insurance.reading.extraction import Money
from workflows.insurance_claim.assessing.amounts_due import billed, coverage_of, payable
from workflows.insurance_claim.checks import with_same_loss
from workflows.insurance_claim.checks.statements import bills, stated
from workflows.insurance_claim.models import Begun, ClaimFile, PaidBefore, SameLoss
from workflows.insurance_claim.tools import SAME_LOSS

WORKFLOW, PAYMENT = "insurance_claim", "payment"
LOSS, BILL = KINDS = ("loss", "bill")
NEAR_DAYS = 3  # a date retyped may be off by a few
NEARLY = "0.02"  # of an amount
_MOST = 4  # policies, vehicles, dates or bills of one claim that it goes by
_MOST_KEPT = 20


def names(data: ClaimFile) -> list[tuple[str, str]]:
    """What the loss is known by: policy or vehicle with its day, and each bill by its number with its total or vehicle."""
    losses = [(LOSS, _loss(what, day)) for what in _insured(data) for day in _days(data)]
    return [*losses, *((BILL, name) for name in _bills(data))]


def look(step: StepContext, data: ClaimFile) -> None:
    """Who else claims this loss, and what was paid for it, as of now. Whom we knew of stays known."""
    near = [timedelta(days=n) for n in range(-NEAR_DAYS, NEAR_DAYS + 1)]
    asked = [_loss(what, day + by) for what in _insured(data) for day in _days(data) for by in near] + _bills(data)
    payee = (data.review and data.review.payee) or data.payee
    amount = _amount(data)
    found = step.call(
        SAME_LOSS,
        names=list(dict.fromkeys(asked)),
        kinds=list(KINDS),
        workflow=WORKFLOW,
        subject=step.subject,
        purpose=PAYMENT,
        payee=payee,
        currency=data.currency or (data.policy.currency if data.policy else "USD"),
        amount=None if amount is None else str(amount),
        within=NEARLY,
    )
    now = [
        SameLoss(
            number=c["subject"],
            shares=sorted(c["shares"])[:_MOST],
            state=c["state"],
            status=c["status"],
            payment=c["action"],
        )
        for c in found["claims"]
    ]
    numbers = {other.number for other in now}
    now += [
        SameLoss(number=p.claim, shares=[f"nearly the same amount to {p.payee}"], payment=p.paid)
        for p in map(_paid, found["alike"])
        if p.claim not in numbers
    ]
    numbers |= {other.number for other in now}
    data.same_loss = [*now, *(known for known in data.same_loss if known.number not in numbers)][:_MOST_KEPT]
    data.paid_before = [_paid(said) for said in found["paid"]]


def look_again(step: StepContext, data: ClaimFile) -> None:
    """Days may lie between a claim's checks and its decision: what is known of other claims is brought up to now."""
    look(step, data)
    data.findings = with_same_loss(data)


def _paid(said: dict[str, Any]) -> PaidBefore:
    begun = Begun(status=said["status"], amount=said["amount"], currency=said["currency"], at=said["at"])
    return PaidBefore(claim=said["claim"], payee=said["payee"], paid=begun)


def _amount(data: ClaimFile) -> Money | None:
    """What is to be paid: as it was decided, else as the rules compute it."""
    if data.review is not None and data.review.amount is not None:
        return data.review.amount
    total, coverage = billed(data), coverage_of(data)
    return payable(total.amount, coverage.deductible, coverage.limit) if total and coverage else None


def _insured(data: ClaimFile) -> list[str]:
    """The policies and vehicles named, as one writes them without signs."""
    policies = [data.policy_number, *(said.value for said in stated(data, "policy_number"))]
    return _plain([*policies, *(said.value for said in stated(data, "vin"))], shortest=5)


def _days(data: ClaimFile) -> list[date]:
    stated_days = [
        data.date_of_loss.value if data.date_of_loss else None,
        *(_day(s.value) for s in stated(data, "date_of_loss")),
    ]
    return list(dict.fromkeys(day for day in stated_days if day is not None))[:_MOST]


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


def _bills(data: ClaimFile) -> list[str]:
    """Each bill by its number, which many workshops may have given, and what tells it from theirs."""
    found = []
    for _, facts in bills(data):
        number, total, vin = (
            getattr(facts.fields.get(name), "value", None) for name in ("invoice_number", "total", "vin")
        )
        plain = _plain([str(number or "")], shortest=2)
        found += [f"{n} over {total}" for n in plain if total]
        found += [f"{n} for {v}" for n in plain for v in _plain([str(vin or "")], shortest=5)]
    return list(dict.fromkeys(found))[:_MOST]


def _loss(what: str, day: date) -> str:
    return f"{what} on {day.isoformat()}"


def _plain(texts: Iterable[str | None], *, shortest: int) -> list[str]:
    plain = (re.sub(r"[^A-Za-z0-9]", "", text or "").upper()[:60] for text in texts)
    return list(dict.fromkeys(text for text in plain if len(text) >= shortest))[:_MOST]
