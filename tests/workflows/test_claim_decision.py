"""What a reviewer is asked, may answer and is told."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from app.core.errors import BadInput
from app.humans.forms import validated
from tests.workflows.claims import POLICY, claim
from workflows.insurance_claim import assess
from workflows.insurance_claim.decision import ask_reviewer
from workflows.insurance_claim.forms import ReviewForm
from workflows.insurance_claim.models import ClaimFile, Coverage, Recommendation

AT = datetime(2031, 5, 21, 9, 0, tzinfo=UTC)


def step(**answer: Any) -> Any:
    """A step that was led to by an answer, or by none."""
    return SimpleNamespace(answer=answer, now=AT)


def below_the_deductible() -> ClaimFile:
    """A claim in order, of which the deductible leaves nothing."""
    coverage = Coverage(code=assess.COVERAGE, name="Collision", deductible=Decimal(5000))
    return claim().model_copy(update={"policy": POLICY.model_copy(update={"coverages": [coverage]})})


@pytest.mark.parametrize("amount", ["0", "0.00", "00", ".5", "-1", "1e3", "1,000.00", "١٢", "1.234"])
def test_what_cannot_be_paid_is_refused_before_it_is_approved(amount: str) -> None:
    with pytest.raises(BadInput, match="amount: .*such as 1234.50"):
        validated(ReviewForm.model_json_schema(), {"comment": "x", "amount": amount}, "settle")


@pytest.mark.parametrize("amount", ["0.01", "12", "1234.5", "100.00"])
def test_what_can_be_paid_is_taken(amount: str) -> None:
    assert validated(ReviewForm.model_json_schema(), {"comment": "x", "amount": amount}, "settle")["amount"] == amount


def test_where_the_deductible_leaves_nothing_the_rules_abstain_and_the_form_suggests_no_amount() -> None:
    file = below_the_deductible()
    suggested = file.recommendation = assess.assess(file)
    assert (suggested.outcome, suggested.amount) == ("abstain", Decimal("0.00"))
    assert "nothing is left to pay" in suggested.reasons[-1]
    request = ask_reviewer(step(), file)
    assert request.defaults == {"amount": ""}
    denied = {"comment": "x", "amount": "", "provision_id": "3.1", "provision_text": "less the deductible"}
    assert validated(ReviewForm.model_json_schema(), denied, "deny")["provision_id"] == "3.1"


def test_a_suggested_amount_stands_in_the_form() -> None:
    file = claim()
    file.recommendation = Recommendation(outcome="settle", amount=Decimal("1228.00"), currency="USD")
    assert ask_reviewer(step(), file).defaults == {"amount": "1228.00"}
