"""Approving: from what a human task proposes and a person answers to the action they allow.

The law: the ledger decides (`app.store.ledger.actions`); this words what it would refuse before it is asked, naming the field.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from app.core.errors import BadInput, NotEntitled
from app.core.statuses import TaskKind
from app.store.database import Connection
from app.store.human_tasks.rows import HumanTask
from app.store.ledger import actions


def chosen(task: HumanTask, outcome: str) -> list[Mapping[str, Any]]:
    """The proposals of a task that an outcome approves."""
    purposes = task.approves.get(outcome) or ()
    return [proposal for proposal in task.proposals if proposal["purpose"] in purposes]


def authority(db: Connection, task: HumanTask, person: str, proposals: list[Mapping[str, Any]]) -> Decimal:
    """Up to how much a person may approve each of these proposals; 0 without proposals."""
    limits = [actions.authority(db, person, task.role, p["coverage"], p["currency"]) for p in proposals]
    return min(limits, default=Decimal(0))


def approve(
    db: Connection, task: HumanTask, person: str, proposal: Mapping[str, Any], values: Mapping[str, Any]
) -> dict[str, str]:
    """The action that the answer `values` to a task allows. Raises BadInput naming the field, NotEntitled or Refused."""
    amount = _amount(_chosen(proposal, "amount", values), proposal)
    payee = str(_chosen(proposal, "payee", values) or "").strip()
    if not payee:
        raise BadInput(f"{proposal.get('payee_field') or 'payee'}: nobody is named; say who is to receive it")
    if task.not_by or task.kind == TaskKind.APPROVAL:  # nobody comes after this one
        _refuse_beyond(db, task, person, proposal, amount)
    action = actions.approve(db, task.id, person=person, purpose=proposal["purpose"], payee=payee, amount=amount)
    return {
        name: str(getattr(action, name))
        for name in ("id", "purpose", "payee", "amount", "currency", "coverage", "proposed_by", "status")
    }


def _refuse_beyond(db: Connection, task: HumanTask, person: str, proposal: Mapping[str, Any], amount: Decimal) -> None:
    limit = actions.authority(db, person, task.role, proposal["coverage"], proposal["currency"])
    in_all = amount + Decimal(str(proposal.get("paid_before") or 0))
    if in_all > limit:
        raise NotEntitled(
            f"{in_all} {proposal['currency']} is above the authority of {person} ({limit}) for {proposal['coverage']}; "
            "somebody above must sign, or an administrator raises it"
        )


def _chosen(proposal: Mapping[str, Any], what: str, values: Mapping[str, Any]) -> Any:
    """What the person wrote in the field that may replace a proposed value, else the proposed value."""
    name = proposal.get(f"{what}_field")
    return (values.get(name) if name else None) or proposal[what]


def _amount(value: Any, proposal: Mapping[str, Any]) -> Decimal:
    field = proposal.get("amount_field") or "amount"
    try:
        exact = Decimal(str(value))
        amount = exact.quantize(Decimal("0.01"))
    except InvalidOperation:
        raise BadInput(f"{field}: {value!r} is no amount; write it like 1234.50") from None
    if not amount.is_finite() or amount < 0:
        raise BadInput(f"{field}: {value} is not a payable amount")
    # What a person wrote is paid as it was written, or not at all.
    if amount != exact and value is not proposal["amount"]:
        raise BadInput(f"{field}: {value} has more than two decimals; write the amount that is to be paid")
    return amount
