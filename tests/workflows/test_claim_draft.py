"""A drafted paragraph may be kind; what it states is refused, and the template is sent."""

from __future__ import annotations

import pytest

from app.core.errors import NeedsPerson, SchemaFailure, StepError, Throttled
from longhaul.testing import FakeStep
from tests.workflows.claims import claim
from workflows.insurance_claim.assessing import draft
from workflows.insurance_claim.assessing.prompts import LETTER
from workflows.insurance_claim.models import ClaimFile2


def _file() -> ClaimFile2:
    return claim().model_copy(update={"claimant": "Nora Quill"})


@pytest.mark.parametrize(
    "text",
    [
        "Thank you for your patience, Nora.",
        "We hope that you are well. If anything is not clear, please write to us.",
        "It was good of you to send everything so soon.",
    ],
)
def test_kind_words_are_taken(text: str) -> None:
    assert draft.check(draft.Paragraph(text=text), draft.request_of(_file(), "settlement")) == []


@pytest.mark.parametrize(
    "text",
    [
        "You will receive 5,000.00 soon.",
        "You will receive five thousand soon.",
        "We are paying you in full.",
        "We deny your claim.",
        "Our colleague Mallory will help you.",
        "MALLORY takes care of it.",
        "Mallory takes care of it.",
        "Please write to help@evil.example for more.",
        "Please see evil.example for more.",
        "Please expect us in October.",
        "Your car was covered all along.",
        "Thank you \u202e for waiting.",
        "Please click here.",
        "You get \u0661\u0662 more.",
    ],
)
def test_what_states_anything_is_refused(text: str) -> None:
    assert draft.check(draft.Paragraph(text=text), draft.request_of(_file(), "settlement"))


def test_the_template_passes_the_same_check() -> None:
    request = draft.request_of(_file(), "settlement")
    for letter in ("settlement", "denial"):
        told = {**request, "last_step": {**request["last_step"], "letter": letter}}
        assert draft.check(draft.by_template(told), told) == []


@pytest.mark.parametrize("problem", [NeedsPerson("x", "y"), SchemaFailure("x"), Throttled("x")])
def test_a_letter_does_not_wait_for_a_model(problem: StepError) -> None:
    step = FakeStep(asks={LETTER.name: problem})
    text, by = draft.drafted(step, _file(), LETTER, "settlement")
    assert [more for _, more in step.logged] == [{"why": type(problem).__name__}]
    assert by == "template" and text == draft.by_template(draft.request_of(_file(), "settlement")).text
