"""One verb on many runs: a trial says what would become of each, and the deed does just that, run by run."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from app.core.errors import BadInput
from app.core.ids import new_id
from app.core.lifecycle import Status
from app.engine.control import bulk
from app.store.runs import runs
from tests.support.journey import Travel

WHY: dict[str, Any] = {"actor": "person:noor", "reason": "the archive is back"}


def standing(journey: Travel, run_id: UUID) -> Status:
    run = journey.rt.database.transact(lambda db: runs.read(db, run_id))
    assert run is not None
    return run.status


def test_a_trial_changes_nothing_and_says_what_the_deed_then_does(journey: Travel) -> None:
    dead, well, unknown = journey.begin("dead", mood="hopeless"), journey.begin("well"), new_id()
    journey.go()
    assert standing(journey, dead) is Status.DEAD_LETTER
    before = journey.rows("SELECT count(*) FROM transitions")
    trial = bulk.apply(journey.rt, "redrive", [dead, well, unknown], **WHY, dry_run=True)
    assert journey.rows("SELECT count(*) FROM transitions") == before
    deed = bulk.apply(journey.rt, "redrive", [dead, well, unknown], **WHY)
    assert [one.refusal is None for one in trial] == [one.refusal is None for one in deed] == [True, False, False]
    assert standing(journey, dead) is Status.READY
    assert "there is no run" in (deed[2].refusal or "")


def test_doing_it_again_is_refused_run_by_run_and_harmless(journey: Travel) -> None:
    dead = [journey.begin(f"dead-{n}", mood="hopeless") for n in range(3)]
    journey.go()
    assert all(one.refusal is None for one in bulk.apply(journey.rt, "fail", dead, **WHY))
    again = bulk.apply(journey.rt, "fail", [*dead, dead[0]], **WHY)
    assert [one.status for one in again] == ["FAILED"] * 3, "a run named twice is done once"
    assert all("impossible while the run is FAILED" in (one.refusal or "") for one in again)


@pytest.mark.parametrize("verb", bulk.VERBS)
def test_what_is_said_to_be_possible_is_and_what_is_refused_is_refused(journey: Travel, verb: str) -> None:
    """For a run in each of the places the tests' workflow can bring it to."""
    made = [journey.begin("ready"), journey.begin("dead", mood="hopeless"), journey.begin("waits")]
    journey.go()
    made.append(journey.begin("fresh"))
    for run_id in made:
        run = journey.rt.database.transact(lambda db, one=run_id: runs.read(db, one))  # type: ignore[misc]
        assert run is not None
        said = bulk.possible(run)[verb]
        (done,) = bulk.apply(journey.rt, verb, [run_id], **WHY)
        assert (done.refusal is None) == (said is None), (
            f"{verb} of {run.subject} that is {run.status}: {said} / {done.refusal}"
        )


@pytest.mark.parametrize(
    ("verb", "many", "reason", "problem"),
    [
        ("explode", 1, "x", "verb: there is no"),
        ("retry", 1, " ", "reason: say why"),
        ("retry", 1001, "x", "at most 1,000"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything(
    journey: Travel, verb: str, many: int, reason: str, problem: str
) -> None:
    with pytest.raises(BadInput, match=problem):
        bulk.apply(journey.rt, verb, [new_id() for _ in range(many)], actor="person:noor", reason=reason)
