"""A provider that cannot work is one clear error that names its variable; each prompt may have its own."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from app.agents.choices import chosen
from app.agents.provider import Models
from app.core.declarations.prompts import RULES, Prompt
from app.core.errors import BadInput, NeedsPerson, Unrecoverable
from app.insurance.reading.rules.by_prompt import OFFLINE_RULES
from app.settings import Settings
from tests.support.askings import MemoryAsking


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"provider": "gpt-4"}, "LONGHAUL_PROVIDER: 'gpt-4' is no provider"),
        ({"provider": "openai:"}, "LONGHAUL_PROVIDER: 'openai:' is no provider"),
        ({"provider": "openai:gpt-4o"}, "LONGHAUL_OPENAI_API_KEY"),
        ({"provider": "anthropic:claude-scripted"}, "LONGHAUL_ANTHROPIC_API_KEY"),
        ({"provider": "local"}, "LONGHAUL_LOCAL_MODEL_URL"),
        ({"providers": "reading=local"}, "LONGHAUL_PROVIDERS: 'reading=local' is no JSON table"),
        ({"providers": '["reading"]'}, "LONGHAUL_PROVIDERS: .* is no JSON table"),
        ({"providers": {"reading": "openai:gpt-4o"}}, "LONGHAUL_PROVIDERS=openai:gpt-4o needs LONGHAUL_OPENAI_API_KEY"),
        ({"providers": {"reading": "what"}}, "LONGHAUL_PROVIDERS: 'what' is no provider"),
    ],
    ids=str,
)
def test_a_provider_that_cannot_work_names_its_variable(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(BadInput, match=told):
        Models(Settings(**settings), OFFLINE_RULES)


def test_each_prompt_may_have_a_provider_of_its_own() -> None:
    config = Settings(
        provider="openai:gpt-4o",
        openai_api_key=SecretStr("k"),
        providers={"reading": "offline", "judging": "local:small"},
        local_model_url="http://x",
    )
    models = Models(config, OFFLINE_RULES)
    assert [models.spec(name) for name in ("reading", "judging", "other")] == [
        "offline",
        "local:small",
        "openai:gpt-4o",
    ]


def test_one_subject_may_have_a_provider_of_its_own() -> None:
    models = Models(
        Settings(providers={"judging@CLM-7": "local:small", "judging": "offline"}, local_model_url="http://x"),
        OFFLINE_RULES,
    )
    assert [models.spec("judging", subject) for subject in ("CLM-7", "CLM-70", "")] == [
        "local:small",
        "offline",
        "offline",
    ]
    assert models.spec("reading", "CLM-7") == "offline"


def test_a_key_is_not_shown() -> None:
    config = Settings(provider="openai:gpt-4o", openai_api_key=SecretStr("sk-hush"))
    assert "sk-hush" not in f"{config!r} {chosen('openai:gpt-4o', config)!r}"


class Answer(BaseModel):
    text: str


def _prompt(**more: Any) -> Prompt[Answer]:
    return Prompt(name="asked_in_a_test", version=1, instructions="", output=Answer, **more)


def test_rules_answer_in_one_call_without_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OFFLINE_RULES, "asked_in_a_test", lambda request: Answer(text=request["text"]))
    asking = MemoryAsking()
    answer, model = Models(Settings(), OFFLINE_RULES).ask(_prompt(), {"text": "so"}, asking, {})
    assert (answer, model) == (Answer(text="so"), RULES)
    (answered,) = asking.answered
    assert (answered.tokens_in, answered.tokens_out, answered.cost) == (0, 0, Decimal(0))


def test_an_answer_of_the_rules_that_cannot_be_believed_goes_to_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OFFLINE_RULES, "asked_in_a_test", lambda request: Answer(text="so"))
    with pytest.raises(NeedsPerson, match="it is not so"):
        Models(Settings(), OFFLINE_RULES).ask(
            _prompt(check=lambda answer, request: ["it is not so"]), {}, MemoryAsking(), {}
        )


def test_a_prompt_without_a_rule_says_what_to_set() -> None:
    with pytest.raises(Unrecoverable, match="LONGHAUL_PROVIDERS"):
        Models(Settings(), OFFLINE_RULES).ask(_prompt(), {}, MemoryAsking(), {})


def test_an_asking_stays_with_the_provider_it_began_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OFFLINE_RULES, "asked_in_a_test", lambda request: Answer(text="so"))
    asking = MemoryAsking()
    Models(Settings(), OFFLINE_RULES).ask(_prompt(), {}, asking, {})
    elsewhere = Settings(provider="openai:gpt-4o", openai_base_url="http://127.0.0.1:9")
    assert Models(elsewhere, OFFLINE_RULES).ask(_prompt(), {}, asking.again(), {})[1] == RULES
