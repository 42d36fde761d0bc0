"""Asking a model: an answer that can be believed, or an error that says what is wrong, whatever the model does."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from app.agents import agents
from app.agents.model_loop import model_loop
from app.agents.provider import Models
from app.core.declarations.prompts import Awaits, Prompt
from app.core.declarations.tools import Tool
from app.core.errors import Diverged, NeedsPerson, NotDone, SchemaFailure, Suspended, Throttled, Transient
from app.insurance.reading.rules.by_prompt import OFFLINE_RULES
from app.settings import Settings
from tests.support.askings import MemoryAsking
from tests.support.model_server import ModelServer


class Wanted(BaseModel):
    number: str


class Verdict(BaseModel):
    outcome: str
    amount: Decimal


LOOK_UP = Tool("insurer.policy", reads_only=True, about="Looks up a policy by its number.", takes=Wanted)


def _wrong(answer: Verdict, request: Mapping[str, Any]) -> list[str]:
    return [] if answer.amount <= request["limit"] else [f"{answer.amount} is more than {request['limit']}"]


PROMPT = Prompt(
    name="verdict",
    version=3,
    instructions="Give a verdict.",
    output=Verdict,
    tools=(LOOK_UP,),
    check=_wrong,
    requests=3,
    tool_calls=2,
    answer_tokens=500,
    timeout_seconds=2,
)
REQUEST = {"claim": "C-1", "limit": 100}
GOOD, TOO_MUCH = {"answer": {"outcome": "pay", "amount": "90"}}, {"answer": {"outcome": "pay", "amount": "900"}}
NO_SCHEMA = {"answer": {"outcome": "pay"}}
ROUND = {"calls": [{"name": "insurer_policy", "with": {"number": "P-7"}}]}

Server = Callable[..., ModelServer]


@pytest.fixture
def server(model_server: ModelServer) -> Iterator[Server]:
    def says(turns: Sequence[Mapping[str, Any]], *faults: Mapping[str, Any]) -> ModelServer:
        model_server.say([{"turns": list(turns), "faults": list(faults)}])
        return model_server

    yield says
    model_server.forget()


def ask(
    server: ModelServer,
    asking: MemoryAsking | None = None,
    *,
    prompt: Prompt[Verdict] = PROMPT,
    fixed: Any = None,
    **more: Any,
) -> Verdict:
    config = Settings(provider="openai:gpt-4o-mini", openai_base_url=server.url, **more)
    tools = {"insurer.policy": lambda params: {"number": params["number"], "holds": True}}
    return Models(config, OFFLINE_RULES).ask(prompt, REQUEST, asking or MemoryAsking(tools), fixed or {})[0]


def journal() -> MemoryAsking:
    return MemoryAsking({"insurer.policy": lambda params: {"number": params["number"], "holds": True}})


def test_an_answer_is_an_instance_of_the_prompts_output(server: Server) -> None:
    asking = journal()
    answer = ask(server([GOOD]), asking)
    assert answer == Verdict(outcome="pay", amount=Decimal(90))
    assert asking.acted == ["model"]


def test_a_tool_round_stands_in_the_journal_and_is_replayed(server: Server) -> None:
    asking, models = journal(), server([ROUND, GOOD])
    first = ask(models, asking)
    assert asking.acted == ["model", "insurer.policy", "model"]
    assert ask(models, asking.again()) == first
    assert asking.acted == ["model", "insurer.policy", "model"], "something was done again"
    assert models.billed() == 2


def test_a_killed_loop_goes_on_where_the_journal_ends(server: Server) -> None:
    asking, models = journal(), server([ROUND, GOOD])
    ask(models, asking)
    del asking.journal[1:]
    ask(models, asking.again())
    assert models.billed() == 3, "the finished request was paid again"


def test_another_request_at_a_recorded_place_is_divergence(server: Server) -> None:
    asking, models = journal(), server([GOOD])
    ask(models, asking)
    changed = Prompt(name="verdict", version=3, instructions="Now otherwise.", output=Verdict)
    with pytest.raises(Diverged):
        ask(models, asking.again(), prompt=changed)


def test_a_parameter_the_step_fixed_is_neither_shown_nor_chosen_by_the_model(server: Server) -> None:
    seen: list[Mapping[str, Any]] = []

    def look_up(params: Mapping[str, Any]) -> dict[str, Any]:
        seen.append(params)
        return {}

    asking = MemoryAsking({"insurer.policy": look_up})
    ask(server([ROUND, GOOD]), asking, fixed={"insurer.policy": {"number": "P-MINE"}})
    assert seen == [{"number": "P-MINE"}]
    assert asking.requests[0].messages[0]["tools"][0]["takes"]["properties"] == {}


def test_what_a_step_fixed_is_never_anothers_though_one_agent_asks_for_both(server: Server) -> None:
    told = list[str]()
    for mine in ("P-MINE", "P-YOURS"):
        asking = MemoryAsking({"insurer.policy": lambda params: told.append(params["number"])})
        ask(server([ROUND, GOOD]), asking, fixed={"insurer.policy": {"number": mine}})
    assert told == ["P-MINE", "P-YOURS"]


def test_questions_made_up_for_each_asking_do_not_pile_up(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agents, "KEPT", 2)
    for version in range(4):
        ask(server([GOOD]), prompt=dataclasses.replace(PROMPT, version=version))
    assert len(model_loop().clients.agents) == 2


@pytest.mark.parametrize("bad", [NO_SCHEMA, TOO_MUCH, {**GOOD, "cut": True}, {"text": "I would pay."}])
def test_a_wrong_answer_is_told_to_the_model_and_mended(server: Server, bad: dict[str, Any]) -> None:
    asking = journal()
    assert ask(server([bad, GOOD]), asking).amount == 90
    assert asking.acted == ["model", "model"]


def test_an_answer_that_is_never_believed_goes_to_a_person_with_what_was_seen(server: Server) -> None:
    with pytest.raises(NeedsPerson) as raised:
        ask(server([TOO_MUCH]))
    assert "900 is more than 100" in raised.value.unsure
    assert "verdict/3" in raised.value.saw and '"900"' in raised.value.saw


def test_an_answer_that_never_fits_its_schema_fails_and_is_kept_with_what_it_cost(server: Server) -> None:
    asking = journal()
    with pytest.raises(SchemaFailure, match="amount") as raised:
        ask(server([NO_SCHEMA]), asking)
    assert len(asking.requests) == 3
    assert raised.value.spent.tokens_in > 0 and raised.value.spent.value["parts"]


def test_an_answer_that_was_cut_off_is_a_schema_failure_at_once(server: Server) -> None:
    asking = journal()
    with pytest.raises(SchemaFailure, match="500 tokens") as raised:
        ask(server([{**GOOD, "length": True}]), asking)
    assert raised.value.spent.tokens_out > 0
    assert len(asking.requests) == 1


def test_a_refusal_goes_to_a_person_in_the_models_words(server: Server) -> None:
    with pytest.raises(NeedsPerson, match="I cannot help") as raised:
        ask(server([{"refusal": "I cannot help with that."}]))
    assert raised.value.spent.tokens_out > 0


DEEP = '{"outcome": ' + "[" * 200 + "]" * 200 + ', "amount": "90"}'
POISONS = {
    "NUL": '{"outcome": "a\\u0000b", "amount": "90"}',
    "lone surrogate": '{"outcome": "\\ud800", "amount": "90"}',
    "beyond float": '{"outcome": "pay", "amount": 1e400}',
    "not a number": '{"outcome": "pay", "amount": NaN}',
    "deep": DEEP,
    "many digits": '{"outcome": "pay", "amount": ' + "9" * 5000 + "}",
    "no JSON": "\x07\x00{{{",
    "empty": "",
    "long": '{"outcome": "' + "x" * 600_000,
}


@pytest.mark.parametrize("poison", POISONS.values(), ids=POISONS)
def test_an_answer_that_no_table_would_hold_is_kept_paid_once_and_mended(server: Server, poison: str) -> None:
    asking, models = journal(), server([{"raw": poison}, GOOD])
    answer = ask(models, asking)
    assert answer.amount == 90
    assert ask(models, asking.again()) == answer, "what was journaled cannot be replayed"
    assert models.billed() == len(asking.requests) <= 2


def test_more_tool_calls_than_allowed_go_to_a_person(server: Server) -> None:
    asking = journal()
    twice = {"calls": ROUND["calls"] * 3}
    with pytest.raises(NeedsPerson):
        ask(server([twice, GOOD]), asking)
    assert asking.acted.count("insurer.policy") <= 2


def test_a_loop_without_an_end_goes_to_a_person(server: Server) -> None:
    asking = journal()
    endless = Prompt(
        name="verdict", version=3, instructions="", output=Verdict, tools=(LOOK_UP,), requests=3, tool_calls=50
    )
    with pytest.raises(NeedsPerson):
        ask(server([ROUND]), asking, prompt=endless)
    assert len(asking.requests) == 3


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_asks_for_patience_gets_it(server: Server, status: int) -> None:
    with pytest.raises(Throttled) as raised:
        ask(server([GOOD], {"status": status, "retry_after": 7, "times": 9}))
    assert raised.value.retry_after_seconds == 7


@pytest.mark.parametrize(
    "fault",
    [{"status": 500}, {"status": 503}, {"status": 408}, {"status": 401}, {"hang": 5}, {"broken": True}],
    ids=str,
)
def test_a_passing_fault_is_left_to_the_retry_policy_and_tried_once(server: Server, fault: dict[str, Any]) -> None:
    models = server([GOOD], {**fault, "times": 9})
    with pytest.raises((Transient, NotDone)) as raised:
        ask(models)
    refused = "status" in fault  # the server said so itself: nothing was used
    assert isinstance(raised.value, NotDone) is refused and not isinstance(raised.value, SchemaFailure | Throttled)
    assert not isinstance(raised.value, NotDone) or raised.value.retry
    assert len(models.rows("SELECT 1 FROM requests")) == 1, "the library tried again by itself"


def test_a_request_the_server_refuses_for_good_is_not_tried_again(server: Server) -> None:
    with pytest.raises(NotDone) as raised:
        ask(server([GOOD], {"status": 400, "times": 9}))
    assert not raised.value.retry and not isinstance(raised.value, Throttled)


@pytest.mark.parametrize(
    "said",
    [{"code": "context_length_exceeded"}, {"message": "the request exceeds the available context size"}],
    ids=["openai", "llama.cpp"],
)
def test_a_request_longer_than_the_model_can_read_goes_to_a_person(server: Server, said: dict[str, str]) -> None:
    with pytest.raises(NeedsPerson, match="more than it can read"):
        ask(server([GOOD], {"status": 400, "times": 9, **said}))


def test_a_server_that_is_not_there_is_a_passing_fault(tmp_path: Path) -> None:
    class Nowhere(ModelServer):
        url = "http://127.0.0.1:9/v1"

    with pytest.raises(NotDone) as raised:
        ask(Nowhere(tmp_path))
    assert raised.value.retry, "it may be there soon"


def test_an_unknown_price_is_unknown_and_a_known_one_exact(server: Server) -> None:
    models = server([GOOD])
    unknown, known = journal(), journal()
    ask(models, unknown)
    ask(models, known, openai_prices="openai")
    assert unknown.answered[0].cost is None
    cost, used = known.answered[0].cost, known.answered[0]
    assert isinstance(cost, Decimal) and used.tokens_in and used.tokens_out
    assert cost == (Decimal("0.15") * used.tokens_in + Decimal("0.60") * used.tokens_out) / 1_000_000


def _of_anthropic(models: ModelServer, asking: MemoryAsking) -> Verdict:
    config = Settings(
        provider="anthropic:claude-scripted",
        anthropic_api_key=SecretStr("k"),
        anthropic_base_url=models.url.removesuffix("/v1"),
    )
    return Models(config, OFFLINE_RULES).ask(PROMPT, REQUEST, asking, {})[0]


def test_the_same_loop_runs_on_anthropics_protocol(server: Server) -> None:
    asking, models = journal(), server([ROUND, GOOD])
    assert _of_anthropic(models, asking).amount == 90
    assert asking.acted == ["model", "insurer.policy", "model"]
    assert models.billed() == 2
    assert asking.answered[0].tokens_in == models.rows("SELECT tokens_in FROM requests")[0]["tokens_in"]


@pytest.mark.parametrize(
    ("turns", "faults", "problem"),
    [
        ([GOOD], [{"status": 429, "retry_after": 7, "times": 9}], Throttled),
        ([GOOD], [{"status": 529, "times": 9}], NotDone),
        ([{"refusal": "I cannot help with that."}], [], NeedsPerson),
        ([{**GOOD, "length": True}], [], SchemaFailure),
        ([TOO_MUCH], [], NeedsPerson),
    ],
    ids=["patience", "overloaded", "refusal", "cut off", "not believed"],
)
def test_failures_of_anthropics_protocol_take_the_same_paths(
    server: Server, turns: Any, faults: Any, problem: type[Exception]
) -> None:
    with pytest.raises(problem):
        _of_anthropic(server(turns, *faults), journal())


class Question(BaseModel):
    question: str


WAITING = Prompt(
    name="verdict",
    version=4,
    instructions="",
    output=Verdict,
    requests=3,
    tool_calls=1,
    awaits=(Awaits(event="approval", about="Asks somebody.", takes=Question, expires="30d"),),
)


def test_a_model_that_waits_suspends_its_asking_and_is_given_what_came(server: Server) -> None:
    asking = journal()
    models = server([{"calls": [{"name": "wait_for_approval", "with": {"question": "May I?"}}]}, GOOD])
    for _ in range(2):
        with pytest.raises(Suspended) as raised:
            ask(models, asking.again(), prompt=WAITING)
    assert (raised.value.signal, raised.value.expires_seconds) == ("approval", 30 * 86400)
    assert "May I?" in raised.value.reason
    asking.signals["approval"] = {"signals": [{"id": "1", "payload": {"approved": "yes, by Bea"}}]}
    ask(models, asking.again(), prompt=WAITING)
    assert "yes, by Bea" in asking.requests[-1].messages[-1]["text"]
    assert models.billed() == 2


def test_a_model_whose_wait_expired_is_told_so(server: Server) -> None:
    asking = journal()
    asking.signals["approval"] = {"expired": True}
    ask(
        server([{"calls": [{"name": "wait_for_approval", "with": {"question": "May I?"}}]}, GOOD]),
        asking,
        prompt=WAITING,
    )
    assert "did not come" in asking.requests[-1].messages[-1]["text"]
