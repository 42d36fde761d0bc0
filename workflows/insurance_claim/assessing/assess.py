"""The assessment: a recommendation with its reasons, each citing what it rests on. It suggests, a person decides.

The law: the rules assess every claim, and a model can only make the suggestion more careful. The amount is what the
rules compute from the facts, whoever assesses; another one is said, and never suggested. Nobody suggests a denial.
"""

from __future__ import annotations

from typing import Any

from app.core.declarations.prompts import RULES
from app.core.declarations.summary import given
from app.core.errors import NeedsPerson
from app.core.step import Asks
from workflows.insurance_claim.assessing.amounts_due import COVERAGE
from workflows.insurance_claim.assessing.assessment import Assessment
from workflows.insurance_claim.assessing.prompts import ASSESSMENT
from workflows.insurance_claim.assessing.rules import by_rules
from workflows.insurance_claim.assessing.summary import last_step_of, summary_of
from workflows.insurance_claim.models import ClaimFile, Reason, Recommendation
from workflows.insurance_claim.tools import ABOUT_POLICY

__all__ = ["COVERAGE", "assess", "assessed", "by_rules"]

_CAREFUL = ("settle", "abstain", "investigate")
_SAID, _MOST_REASONS = 400, 24


def request_of(file: ClaimFile) -> dict[str, Any]:
    """What an assessor is given: the run summary and the last step."""
    return given(summary_of(file), last_step_of(file))


def assess(file: ClaimFile) -> Recommendation:
    """What the rules alone make of the claim file."""
    return _recommended(by_rules(request_of(file)), file, RULES)


def assessed(step: Asks, file: ClaimFile) -> Recommendation:
    """What the rules and the assessor that the settings name make of it, the more careful of the two."""
    request = request_of(file)
    rules = by_rules(request)
    fixed = {tool.name: {"policy_number": file.policy_number or ""} for tool in ABOUT_POLICY}
    try:
        said = step.ask(ASSESSMENT, request, fixed=fixed)
    except NeedsPerson as doubt:
        return _recommended(_unbelieved(rules, doubt), file, RULES)
    return _recommended(said if step.answered_by == RULES else careful(rules, said), file, step.answered_by)


def careful(rules: Assessment, said: Assessment) -> Assessment:
    """The more careful outcome of the two, the amount of the rules, and the reasons of both where they differ."""
    outcome = max(rules.outcome, said.outcome, key=_CAREFUL.index)
    reasons = list(said.reasons)
    if said.amount is not None and said.amount != rules.amount:
        outcome = max(outcome, "abstain", key=_CAREFUL.index)
        computed = f"the rules compute {rules.amount}" if rules.amount is not None else "the rules compute none"
        reasons.insert(
            0, Reason(says=f"the assessment comes to {said.amount}; from the same facts {computed}", cites=["a1"])
        )
    if outcome != said.outcome or rules.outcome != said.outcome:
        reasons.append(
            Reason(
                says=f"the assessment would {said.outcome}, the rules {rules.outcome}; the more careful counts",
                cites=[],
            )
        )
        reasons += rules.reasons
    confidence = min(rules.confidence, said.confidence)
    return Assessment(outcome=outcome, amount=rules.amount, reasons=reasons[:_MOST_REASONS], confidence=confidence)


def _unbelieved(rules: Assessment, doubt: NeedsPerson) -> Assessment:
    """The rules' assessment, never a suggestion to settle: what was asked could not be believed, and a person reads why."""
    says = f"the assessment could not be believed: {doubt.unsure}. {doubt.saw}"
    outcome = max(rules.outcome, "abstain", key=_CAREFUL.index)
    reasons = [Reason(says=says[:_SAID], cites=[]), *rules.reasons][:_MOST_REASONS]
    return Assessment(outcome=outcome, amount=rules.amount, reasons=reasons, confidence=0.0)


def _recommended(said: Assessment, file: ClaimFile, provider: str) -> Recommendation:
    known = {entry["id"]: entry for entry in _citable(file)}
    reasons = [
        reason.model_copy(update={"sources": [known[c]["source"] for c in reason.cites if c in known]})
        for reason in said.reasons
    ]
    return Recommendation(
        outcome=said.outcome,
        amount=said.amount,
        currency=file.currency if said.amount is not None else None,
        reasons=reasons,
        confidence=said.confidence,
        provider=provider,
    )


def _citable(file: ClaimFile) -> list[dict[str, str]]:
    """What can be cited, with its place in words: entries of the summary and findings."""
    entries = [
        {"id": e.id, "source": f"{e.name} ({e.source})" if e.source else e.name} for e in summary_of(file).entries()
    ]
    found = [{"id": f["id"], "source": ", ".join([f["code"], *f["where"]])} for f in last_step_of(file)["findings"]]
    return entries + found
