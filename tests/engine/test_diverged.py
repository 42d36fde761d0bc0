"""A step that no longer makes the calls its journal holds: first it must be known what became of the open one, then it is stopped."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest

from app.core.errors import NeedsPerson, Unrecoverable
from app.engine.control import operate
from app.store.records.verify import verify
from tests.support.doubting import ASK, POST, TELL, Notes, Plan, Registry, answer, begin
from tests.support.journey import Travel

TIMES = 2  # a step is run again by a redrive; each is stopped the same way
HAPPENED, DID_NOT = "it_happened", "it_did_not_happen"


def _post(step: Any, data: Notes) -> str:
    step.call(TELL, word="first")
    step.call(POST, word="second")
    return "sure"


def _another_name(step: Any, data: Notes) -> str:
    step.call(TELL, word="first")
    step.call(ASK, what="else")
    return "sure"


def _another_input(step: Any, data: Notes) -> str:
    step.call(TELL, word="first")
    step.call(POST, word="else")
    return "sure"


def _fewer_calls(step: Any, data: Notes) -> str:
    step.call(TELL, word="first")
    return "sure"


def _other_before_it(step: Any, data: Notes) -> str:
    step.call(TELL, word="else")
    return "sure"


def _passed_over(step: Any, data: Notes) -> str:
    with suppress(Exception):
        step.call(TELL, word="else")
    with suppress(Exception):
        step.call(POST, word="else")
    return "sure"


SAYS: dict[Plan, str] = {
    _another_name: f"is {ASK.name}, but the journal holds {POST.name}",
    _another_input: f"({POST.name}) has another input than the journal holds",
}


def _unsure(step: Any, data: Notes) -> str:
    raise NeedsPerson("It looks odd.", "nobody knows")


def _hopeless(step: Any, data: Notes) -> str:
    raise Unrecoverable("closed for good")


def died_within(doubting: Travel, registry: Registry, first: Plan, then: Plan) -> UUID:
    """A run whose worker died within its open call, and whose step's code is another one now."""
    registry.plan = first

    def die(key: str) -> None:
        if key.endswith("-2-0"):
            raise KeyboardInterrupt

    registry.deed = die
    with suppress(KeyboardInterrupt):
        begin(doubting, registry.workflow())
    run_id: UUID = doubting.one("SELECT id FROM runs")["id"]
    assert (
        doubting.one("SELECT status FROM checkpoints WHERE run_id = %s AND call_seq = 2", run_id)["status"] == "INTENT"
    )
    registry.plan, registry.deed = then, lambda key: None
    taken_back(doubting, run_id)
    return run_id


def taken_back(doubting: Travel, run_id: UUID) -> None:
    """Its lease is given up, and the next worker goes on."""
    doubting.tamper(
        "UPDATE runs SET status = 'READY', lease_token = NULL, worker_id = NULL, ready_at = app_now() WHERE id = %s",
        run_id,
    )
    doubting.go()


def task(doubting: Travel, run_id: UUID) -> dict[str, Any]:
    return doubting.one("SELECT kind, note, call_seq FROM human_tasks WHERE run_id = %s AND status = 'OPEN'", run_id)


@pytest.mark.parametrize("verdict", [HAPPENED, DID_NOT])
@pytest.mark.parametrize("then", [_another_name, _another_input, _fewer_calls, _other_before_it, _passed_over])
def test_a_person_decides_about_the_open_call_before_the_divergence_stops_the_run(
    doubting: Travel, registry: Registry, then: Plan, verdict: str
) -> None:
    run_id = died_within(doubting, registry, _post, then)
    assert doubting.run(run_id)["status"] == "WAITING_FOR_HUMAN", doubting.run(run_id)["waiting_reason"]
    asked = task(doubting, run_id)
    assert (asked["kind"], asked["call_seq"]) == ("unknown", 2)
    assert "registry.post" in asked["note"] and f"lh-{run_id}-2-2-0" in asked["note"], "the open call is not named"
    answer(doubting, run_id, verdict)
    for _ in range(TIMES):
        run = doubting.run(run_id)
        assert run["status"] == "DEAD_LETTER" and "Diverged" in run["waiting_reason"]
        assert SAYS.get(then, "") in run["waiting_reason"]
        assert task(doubting, run_id)["kind"] == "triage"
        operate.redrive(doubting.rt, run_id, actor="person:olga", reason="try it")
        doubting.go()
    assert [each["word"] for each in registry.told] == ["first"], "something was sent"
    assert doubting.one("SELECT count(*) AS n FROM human_tasks WHERE kind = 'unknown'")["n"] == 1


def test_a_doubt_waits_until_it_is_known_what_became_of_the_open_call(doubting: Travel, registry: Registry) -> None:
    run_id = died_within(doubting, registry, _post, _unsure)
    assert task(doubting, run_id)["kind"] == "unknown"
    answer(doubting, run_id, HAPPENED)
    asked = task(doubting, run_id)
    assert asked["kind"] == "doubt" and "registry.post" in asked["note"], "it is not told as done"
    registry.plan = _post
    answer(doubting, run_id, "again")
    assert doubting.run(run_id)["status"] == "COMPLETE" and [each["word"] for each in registry.told] == ["first"]
    assert doubting.rt.database.transact(lambda db: verify(db, run_id)).holds


def test_a_step_that_gives_up_with_a_call_open_says_so_to_whoever_triages_it(
    doubting: Travel, registry: Registry
) -> None:
    run_id = died_within(doubting, registry, _post, _hopeless)
    assert doubting.run(run_id)["status"] == "DEAD_LETTER"
    assert "Nobody knows whether registry.post happened" in task(doubting, run_id)["note"]


def _look(step: Any, data: Notes) -> str:
    step.call(TELL, word="first")
    step.call(ASK, what="second")
    return "sure"


def _look_elsewhere(step: Any, data: Notes) -> str:
    step.call(TELL, word="first")
    step.call(ASK, what="else")
    return "sure"


def test_nobody_is_asked_about_an_open_call_that_only_reads(doubting: Travel, registry: Registry) -> None:
    registry.plan, registry.says = _look, ["yes"]
    run_id = begin(doubting, registry.workflow())
    registry.plan = _look_elsewhere
    doubting.tamper(
        "UPDATE checkpoints SET status = 'INTENT', output = NULL, output_hash = NULL WHERE run_id = %s AND call_seq = 2",
        run_id,
    )
    doubting.tamper(
        "UPDATE checkpoints SET status = 'INTENT' WHERE run_id = %s AND (step_seq, call_seq) = (2, 0)", run_id
    )
    doubting.tamper(
        "UPDATE runs SET state = 'TELLING', queue = 'steps.doubting.v1', finished_at = NULL WHERE id = %s", run_id
    )
    taken_back(doubting, run_id)
    assert doubting.run(run_id)["status"] == "DEAD_LETTER"


def _together(step: Any, data: Notes) -> str:
    step.call_all([(TELL, {"word": "first"}), (POST, {"word": "second"})])
    return "sure"


def test_calls_made_at_the_same_time_are_all_settled_before_one_of_them_stops_the_run(
    doubting: Travel, registry: Registry
) -> None:
    registry.plan = _together

    def fail(key: str) -> None:
        if key.endswith("-1-0"):
            raise NeedsPerson("It looks odd.", "nobody knows")
        raise TimeoutError("no answer")

    registry.deed = fail
    run_id = begin(doubting, registry.workflow())
    assert doubting.run(run_id)["status"] == "WAITING_FOR_TIMER", "its own rules settle it first"
    registry.deed = lambda key: None
    for _ in range(3):
        doubting.tamper(
            "UPDATE runs SET status = 'READY', ready_at = app_now() WHERE id = %s AND status = 'WAITING_FOR_TIMER'",
            run_id,
        )
        doubting.go()
    assert task(doubting, run_id)["kind"] == "unknown"


def _caught(step: Any, data: Notes) -> str:
    with suppress(Exception):
        step.call(TELL, word="first")
    return "sure"


def test_a_step_does_not_end_with_a_call_of_its_own_open_whatever_its_code_catches(
    doubting: Travel, registry: Registry
) -> None:
    def fail(key: str) -> None:
        raise TimeoutError("no answer")

    registry.plan, registry.deed = _caught, fail
    run_id = begin(doubting, registry.workflow())
    assert doubting.run(run_id)["status"] == "WAITING_FOR_TIMER"
    registry.deed = lambda key: None
    doubting.tamper("UPDATE runs SET status = 'READY', ready_at = app_now() WHERE id = %s", run_id)
    doubting.go()
    assert doubting.run(run_id)["status"] == "COMPLETE" and len(registry.told) == 1


def test_a_missing_call_behind_one_that_failed_is_noticed(doubting: Travel, registry: Registry) -> None:
    run_id = died_within(doubting, registry, _post, _fewer_calls)
    answer(doubting, run_id, HAPPENED)
    assert doubting.run(run_id)["status"] == "DEAD_LETTER"
    doubting.tamper("DELETE FROM checkpoints WHERE run_id = %s AND (step_seq, call_seq) = (2, 1)", run_id)
    operate.redrive(doubting.rt, run_id, actor="person:olga", reason="try it")
    doubting.go()
    assert doubting.run(run_id)["status"] == "DEAD_LETTER", "one call made, one recorded, and they are not the same"
