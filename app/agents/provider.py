"""The model edge as the engine knows it: for each prompt the provider the settings name, and the rules without one."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from app.agents.choices import OFFLINE, Chosen, chosen
from app.core.canonical import canonical
from app.core.declarations.prompts import RULES, Output, Prompt, Rule
from app.core.errors import NeedsPerson, Unrecoverable
from app.core.ports import Answered, Asking, ModelRequest
from app.settings import Settings

NO_RULES: Mapping[str, Rule] = {}
OVERRIDES = "LONGHAUL_PROVIDERS"


class Models:
    """Every prompt's provider, checked when it is made. Raises BadInput naming the variable that cannot work.

    rules: who answers a prompt without a model, by the prompt's name; the prompt's own rule comes first.
    """

    def __init__(self, config: Settings, rules: Mapping[str, Rule] = NO_RULES) -> None:
        self._config, self._rules, self._by_prompt = config, rules, config.providers
        chosen(config.provider, config)
        for spec in self._by_prompt.values():
            chosen(spec, config, OVERRIDES)

    def spec(self, prompt_name: str, subject: str = "") -> str:
        """How the settings spell the provider of a prompt, for the runs of a subject where they name one for it."""
        for_all = self._by_prompt.get(prompt_name, self._config.provider)
        return self._by_prompt.get(f"{prompt_name}@{subject}", for_all)

    def ask(
        self, prompt: Prompt[Output], request: Mapping[str, Any], asking: Asking, fixed: Mapping[str, Mapping[str, Any]]
    ) -> tuple[Output, str]:
        """The answer and the model that gave it. An asking begun by an earlier attempt stays with its provider."""
        model = self._chosen(OFFLINE if prompt.by_rules else asking.provider or self.spec(prompt.name, asking.subject))
        if model is None:
            return _by_rule(prompt.rule or self._rules.get(prompt.name), prompt, request, asking), RULES
        # Late: its libraries take more time and memory to load than all else, and a process without models needs none.
        from app.agents.asking import AgentAsking

        agent = AgentAsking(model, prompt, request, asking, fixed)
        return agent.run(), agent.model

    def _chosen(self, spec: str) -> Chosen | None:
        return chosen(spec, self._config)


def _by_rule(rule: Rule | None, prompt: Prompt[Output], request: Mapping[str, Any], asking: Asking) -> Output:
    if rule is None:
        raise Unrecoverable(
            f"the offline rules cannot answer {prompt.name}; name a model for it in LONGHAUL_PROVIDER or {OVERRIDES}"
        )

    def act() -> Answered:
        return Answered(rule(request).model_dump(mode="json"), 0, 0, Decimal(0))

    sent = ModelRequest(
        provider=OFFLINE,
        model=RULES,
        seconds=prompt.timeout_seconds,
        messages=[{"role": "rules", "name": RULES}, {"role": "user", "text": canonical(request)}],
    )
    value = asking.request(sent, act)
    try:
        answer = prompt.output.model_validate_json(canonical(value))
    except ValidationError as problem:
        raise Unrecoverable(f"the offline rule of {prompt.name} answered outside its schema: {problem}") from problem
    if problems := list(prompt.check(answer, request)) if prompt.check else []:
        raise NeedsPerson(f"The offline rules answered {prompt.id}.", "; ".join(problems))
    return answer
