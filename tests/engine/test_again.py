"""A doubt answered "again" enters its state anew with what was done: nothing is done a second time, and the person reads so."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.core.errors import NeedsPerson
from app.engine.control import operate
from app.engine.control.fork import fork
from app.engine.control.purge import purge
from app.evidence.check import check_pack
from app.store.database import connect
from app.store.ledger import effects
from app.store.records.verify import verify
from tests.support.doubting import ASK, TELL, Notes, Registry, answer, begin
from tests.support.journey import Travel
from tests.support.packs import pack_of

WHY: dict[str, Any] = {"actor": "person:olga", "reason": "look at it again"}


def doubted(doubting: Travel, registry: Registry, **data: Any) -> UUID:
    """A run that told the registry, and then was unsure."""
    registry.says = ["yes", "unsure"]
    run_id = begin(doubting, registry.workflow(), **data)
    assert doubting.run(run_id)["status"] == "WAITING_FOR_HUMAN"
    return run_id


def calls(doubting: Travel, run_id: UUID, step_seq: int) -> list[tuple[Any, ...]]:
    rows = doubting.rows(
        "SELECT call_seq, name, idempotency_key FROM checkpoints WHERE run_id = %s AND step_seq = %s AND call_seq > 0 ORDER BY 1",
        run_id,
        step_seq,
    )
    return [tuple(row.values()) for row in rows]


def holds(doubting: Travel, run_id: UUID) -> None:
    verdict = doubting.rt.database.transact(lambda db: verify(db, run_id))
    assert verdict.holds, verdict.broken


def test_what_was_done_before_a_doubt_is_not_done_again_and_what_came_after_it_is(
    doubting: Travel, registry: Registry
) -> None:
    run_id = doubted(doubting, registry)
    doubting.advance_clock(timedelta(days=3))
    answer(doubting, run_id, "again")
    assert doubting.run(run_id)["status"] == "COMPLETE", doubting.run(run_id)
    assert [each["key"] for each in registry.told] == [f"lh-{run_id}-2-2-0"], "an effect was made a second time"
    assert registry.asked == ["before", "after", "after"], (
        "what the effect rests on is kept, what was doubted is asked anew"
    )
    assert calls(doubting, run_id, 3)[:2] == calls(doubting, run_id, 2)[:2]
    assert calls(doubting, run_id, 3)[2] == (3, ASK.name, f"lh-{run_id}-3-3-0")
    holds(doubting, run_id)


def test_a_state_entered_anew_has_the_cause_and_signals_it_was_entered_with_and_the_answer_beside(
    doubting: Travel, registry: Registry
) -> None:
    run_id = doubted(doubting, registry)
    answer(doubting, run_id, "again")
    seen = doubting.one("SELECT data FROM run_data WHERE run_id = %s", run_id)["data"]["seen"]
    assert seen == ["yes", "yes", "signals came", {"comment": "looked at"}]


def test_the_person_is_told_what_was_done_and_will_not_be_done_again(doubting: Travel, registry: Registry) -> None:
    run_id = doubted(doubting, registry, words=["one", "two"])
    task = doubting.one("SELECT note, evidence FROM human_tasks WHERE run_id = %s AND kind = 'doubt'", run_id)
    assert "Done by TELLING already, and not done again" in task["note"]
    for n in (2, 3):
        assert f"- registry.tell, under the key lh-{run_id}-2-{n}-0" in task["note"]
    assert ASK.name not in task["note"], "asking a registry is nothing that was done"
    assert [each["parameters"]["word"] for each in task["evidence"]] == ["one", "two"]


def test_however_often_a_doubt_is_answered_again_an_effect_is_made_once(doubting: Travel, registry: Registry) -> None:
    run_id = doubted(doubting, registry)
    for _ in range(3):
        registry.says = ["unsure"]
        answer(doubting, run_id, "again")
    answer(doubting, run_id, "again")
    assert doubting.run(run_id)["status"] == "COMPLETE" and doubting.run(run_id)["step_seq"] == 6
    assert len(registry.told) == 1
    holds(doubting, run_id)
    shown = doubting.rt.database.transact(lambda db: effects.of_run(db, run_id))
    assert [sent.step_seq for sent in shown if sent.name == TELL.name] == [2], "one effect is shown as several"


def test_a_doubt_before_anything_was_done_enters_the_state_as_it_always_did(
    doubting: Travel, registry: Registry
) -> None:
    def look(step: Any, data: Notes) -> str:
        if step.call(ASK, what="anything")["said"] == "unsure":
            raise NeedsPerson("The registry is unsure.", "nobody knows")
        return "sure"

    registry.plan, registry.says = look, ["unsure"]
    run_id = begin(doubting, registry.workflow())
    answer(doubting, run_id, "again")
    assert doubting.run(run_id)["status"] == "COMPLETE" and registry.asked == ["anything"] * 2


@pytest.mark.parametrize("words", [["other"], []], ids=["another input", "no call at all"])
def test_corrected_data_that_would_make_another_call_are_shown_to_a_person_and_nothing_is_done(
    doubting: Travel, registry: Registry, words: list[str]
) -> None:
    run_id = doubted(doubting, registry)
    registry.says = ["yes"]
    answer(doubting, run_id, "again", data={"words": words})
    assert len(registry.told) == 1 and doubting.run(run_id)["status"] == "WAITING_FOR_HUMAN", doubting.run(run_id)
    task = doubting.one("SELECT kind, note, evidence FROM human_tasks WHERE run_id = %s AND status = 'OPEN'", run_id)
    assert task["kind"] == "doubt" and "registry.tell was called before" in task["note"]
    assert task["evidence"][0]["parameters"]["word"] == "one"
    answer(doubting, run_id, "again", data={"words": ["one"]})
    assert doubting.run(run_id)["status"] == "COMPLETE" and len(registry.told) == 1
    holds(doubting, run_id)


def test_an_answer_that_names_an_outcome_carries_nothing(doubting: Travel, registry: Registry) -> None:
    run_id = doubted(doubting, registry)
    answer(doubting, run_id, "elsewhere", data={"words": ["other"]})
    assert doubting.run(run_id)["status"] == "COMPLETE" and calls(doubting, run_id, 3) == []
    assert len(registry.told) == 1
    holds(doubting, run_id)


def test_a_doubt_from_before_carries_over_what_may_have_had_an_effect(doubting: Travel, registry: Registry) -> None:
    run_id = doubted(doubting, registry)
    doubting.tamper("UPDATE runs SET routes = routes #- '{again,carries}' WHERE id = %s", run_id)
    answer(doubting, run_id, "again", data={"words": ["one"]})
    assert len(registry.told) == 1 and len(calls(doubting, run_id, 3)) == 3
    assert doubting.run(run_id)["status"] == "WAITING_FOR_HUMAN", "the registry's old answer was carried over too"


def test_a_cancel_or_a_pause_accepted_before_the_answer_carries_over_what_it_must(
    doubting: Travel, registry: Registry
) -> None:
    run_id = doubted(doubting, registry)
    operate.pause(doubting.rt, run_id, **WHY)
    answer(doubting, run_id, "again")
    assert doubting.run(run_id)["status"] == "PAUSED" and len(calls(doubting, run_id, 3)) == 2
    operate.resume(doubting.rt, run_id, **WHY)
    doubting.go()
    assert doubting.run(run_id)["status"] == "COMPLETE" and len(registry.told) == 1


def test_forks_packs_and_erasure_know_a_carried_call(doubting: Travel, registry: Registry, tmp_path: Path) -> None:
    run_id = doubted(doubting, registry)
    registry.says = ["unsure"]
    answer(doubting, run_id, "again")
    answer(doubting, run_id, "again")
    made = fork(doubting.rt, run_id, 4, **WHY)
    doubting.go()
    assert doubting.run(made.run_id)["status"] == "COMPLETE" and len(registry.told) == 1
    holds(doubting, made.run_id)
    for each in (run_id, made.run_id):
        verdict = check_pack(pack_of(doubting.rt, each, tmp_path / f"{each}.zip"))
        assert verdict.holds, verdict.broken
    purge(doubting.rt.database, run_id, forget_document=lambda _sha: True, **WHY)
    holds(doubting, run_id)
    holds(doubting, made.run_id)


@pytest.mark.parametrize(
    "spoilt",
    [
        "idempotency_key = 'lh-another'",
        "output_hash = 'sha', output = '{\"told\": 2}'",
        "status = 'FAILED', output = NULL, output_hash = NULL",
    ],
)
def test_a_carried_call_that_is_not_the_call_it_is_said_to_be_is_found(
    doubting: Travel, registry: Registry, spoilt: str
) -> None:
    run_id = doubted(doubting, registry)
    answer(doubting, run_id, "again")
    holds(doubting, run_id)
    doubting.tamper(f"UPDATE checkpoints SET {spoilt} WHERE run_id = %s AND step_seq = 3 AND call_seq = 2", run_id)
    assert not doubting.rt.database.transact(lambda db: verify(db, run_id)).holds


def test_a_key_of_the_step_before_is_accepted_only_where_the_answer_carried_the_call(
    doubting: Travel, registry: Registry
) -> None:
    run_id = doubted(doubting, registry)
    answer(doubting, run_id, "again")
    doubting.tamper(
        """UPDATE checkpoints c SET idempotency_key = o.idempotency_key, input = o.input, input_hash = o.input_hash
           FROM checkpoints o WHERE c.run_id = %s AND (c.step_seq, c.call_seq) = (3, 3)
             AND (o.run_id, o.step_seq, o.call_seq) = (c.run_id, 2, 3)""",
        run_id,
    )
    broken = doubting.rt.database.transact(lambda db: verify(db, run_id)).broken
    assert broken is not None and "idempotency key" in broken.what


def test_nobody_has_calls_carried_over_into_a_step_that_was_not_just_entered_anew(
    doubting: Travel, registry: Registry
) -> None:
    run_id = doubted(doubting, registry)
    for role in ("web", "worker"):
        with connect(doubting.url, role) as db, pytest.raises(Exception, match="has not just been entered anew"):
            db.execute("SELECT carry_calls_over(%s)", [run_id])
