"""The demo's simulated model: asked about one claim only, named as what it is, and over twice the budget, never thrice."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from app.agents.provider import Models
from app.core.declarations.prompts import RULES
from app.insurance.demo import simulated
from app.insurance.demo.samples import generate
from app.insurance.reading.rules.by_prompt import OFFLINE_RULES
from app.settings import Settings
from tests.support.askings import MemoryAsking
from tests.workflows.claims import claim
from workflows.insurance_claim import INSURANCE_CLAIM
from workflows.insurance_claim.assessing.assess import request_of
from workflows.insurance_claim.assessing.prompts import ASSESSMENT

FIXED = {tool.name: {"policy_number": "P-1"} for tool in ASSESSMENT.tools}


def asked_by(subject: str, variables: dict[str, str]) -> tuple[MemoryAsking, str]:
    """An assessment for a subject; who answered."""
    settings = {name.removeprefix("LONGHAUL_").lower(): value for name, value in variables.items()}
    asking = MemoryAsking({tool.name: lambda params: [] for tool in ASSESSMENT.tools})
    asking.subject = subject
    _, model = Models(Settings(**settings), OFFLINE_RULES).ask(ASSESSMENT, request_of(claim()), asking, FIXED)  # type: ignore[arg-type]
    return asking, model


def test_it_is_asked_about_its_claim_alone_and_uses_more_than_twice_and_less_than_three_times_the_budget(
    tmp_path: Path,
) -> None:
    with simulated.served(tmp_path) as variables:
        other, who = asked_by("CLM-2026-0022", variables)
        assert who == RULES
        asking, who = asked_by(simulated.CLAIM, variables)
    assert who == simulated.MODEL
    assert sum(answered.tokens_in or 0 for answered in other.answered) == 0
    used = sum((answered.tokens_in or 0) + (answered.tokens_out or 0) for answered in asking.answered)
    assert INSURANCE_CLAIM.token_budget
    assert 2 < used / INSURANCE_CLAIM.token_budget < 3


@pytest.mark.parametrize(
    "named", ["LONGHAUL_PROVIDER", "LONGHAUL_PROVIDERS", "LONGHAUL_OPENAI_BASE_URL", "LONGHAUL_OPENAI_API_KEY"]
)
def test_whoever_named_models_of_their_own_is_shown_no_simulation(monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    for name in ("LONGHAUL_PROVIDER", "LONGHAUL_PROVIDERS", "LONGHAUL_OPENAI_BASE_URL", "LONGHAUL_OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    assert simulated.is_possible()
    monkeypatch.setenv(named, "x")
    assert not simulated.is_possible()


def test_its_claim_is_one_of_the_samples_labelled_and_expected_with_its_alert(tmp_path: Path) -> None:
    claims = generate(tmp_path, today=date(2026, 11, 2))
    changed = [simulated.expected(claim) for claim in claims]
    (labelled,) = [new for old, new in zip(claims, changed, strict=True) if new != old]
    assert "simulated" in labelled.why
    assert (labelled.claim, labelled.expected_alerts) == (simulated.CLAIM, frozenset({"over_budget"}))
    assert not labelled.expected_findings, "only its tokens are out of the ordinary"
