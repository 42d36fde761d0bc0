"""The assessment by rules, from the same facts a model is given. It never suggests to deny."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from app.core.declarations.summary import Entry, RunSummary
from workflows.insurance_claim.assessing.amounts_due import payable
from workflows.insurance_claim.assessing.assessment import Assessment
from workflows.insurance_claim.models import Reason

_SAID = 400


def by_rules(request: Mapping[str, Any]) -> Assessment:
    """Abstains rather than guesses: without a readable total, a known policy, or with a finding that blocks, it only says why."""
    summary = RunSummary.model_validate(request["summary"])
    amounts = {entry.name: entry for entry in summary.amounts}
    unknown = [entry for entry in summary.open_questions if entry.name in ("policy", "billed total")]
    findings = request["last_step"]["findings"]
    blocking = [_found(finding) for finding in findings if finding["severity"] == "blocking"]
    total = amounts.get("billed total")
    if unknown or blocking or total is None:
        reasons = blocking + [Reason(says=f"{entry.name}: {entry.value}", cites=[entry.id]) for entry in unknown]
        reasons = reasons or [Reason(says="no total is known", cites=[])]
        return Assessment(outcome="investigate" if blocking else "abstain", reasons=reasons, confidence=0.0)
    amount, reasons = _payable(total, amounts)
    warnings = [_found(finding) for finding in findings if finding["severity"] == "warning"]
    if not amount:
        says = "nothing is left to pay; whether that is a denial is for a person to say"
        warnings.append(Reason(says=says, cites=[total.id]))
    return Assessment(
        outcome="abstain" if warnings else "settle",
        amount=amount,
        reasons=[*reasons, *warnings],
        confidence=0.5 if warnings else 0.9,
    )


def _payable(total: Entry, amounts: Mapping[str, Entry]) -> tuple[Decimal, list[Reason]]:
    deductible, limit = amounts.get("deductible"), amounts.get("limit")
    billed, cap = Decimal(total.value), Decimal(limit.value) if limit else None
    less = Decimal(deductible.value) if deductible else None
    amount = payable(billed, less, cap)
    reasons = [Reason(says=f"the bill comes to {total.value}", cites=[total.id])]
    if deductible and less:
        reasons.append(Reason(says=f"less the deductible of {deductible.value}", cites=[deductible.id]))
    if limit and cap is not None and billed - (less or 0) > cap:
        reasons.append(Reason(says=f"capped at the limit of {limit.value}", cites=[limit.id]))
    return amount, reasons


def _found(finding: Mapping[str, Any]) -> Reason:
    return Reason(says=f"{finding['code']}: {finding['says']}"[:_SAID], cites=[finding["id"]])
