"""Many runs that stopped of the same thing: each keeps its row and its task, people see one entry, and one goes on first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from app.core.errors import NotFound, Refused
from app.engine.control import bulk
from app.store.database import connect
from app.store.human_tasks import task_list
from app.store.human_tasks.task_list import TaskFilter
from app.store.reads import alert_list
from app.sweeps import alerts
from tests.support.journey import Travel, travel

MANY = 5
QUEUE = TaskFilter(roles=("operator", "adjuster"), snoozed=False, as_one=True)
WHY: dict[str, Any] = {"actor": "person:olga", "reason": "the registry is back"}


@pytest.fixture
def journey(database_url: str) -> Iterator[Travel]:
    with travel(database_url, late_retries=0) as found:
        found.enrol("olga", "operator")
        yield found


def stopped(journey: Travel, many: int = MANY) -> list[UUID]:
    """So many runs whose registry was closed for good."""
    made = [journey.begin(f"J-{n}", mood="hopeless") for n in range(many)]
    journey.go()
    return made


def kind(journey: Travel) -> str:
    return str(journey.one("SELECT DISTINCT fingerprint FROM human_tasks WHERE kind = 'triage'")["fingerprint"])


def heal(journey: Travel) -> None:
    journey.tamper("""UPDATE run_data SET data = jsonb_set(data, '{mood}', '"well"')""")


def test_each_run_keeps_its_task_and_its_alert_and_people_see_one_of_each(journey: Travel) -> None:
    runs = stopped(journey)
    journey.begin("J-other", mood="doubtful")
    journey.go()
    assert {row["run_id"] for row in journey.rows("SELECT run_id FROM human_tasks WHERE kind = 'triage'")} == set(runs)
    assert len(journey.rows("SELECT 1 FROM alerts WHERE rule = 'dead_letter' AND resolved_at IS NULL")) == MANY
    with connect(journey.url, "web") as db:
        tasks = task_list.page(db, QUEUE, order="due", limit=50)
        counts = task_list.counts(db, {"roles": QUEUE, "all": TaskFilter(as_one=True), "each": TaskFilter()})
        found = alert_list.still_open(db, limit=50)
    assert sorted((task.kind, task.alike) for task in tasks) == [("doubt", 1), ("triage", MANY)]
    assert counts == {"roles": 2, "all": 2, "each": MANY + 1}
    assert [(a.rule, a.alike) for a in found if a.rule == "dead_letter"] == [("dead_letter", MANY)]
    alerts.run_once(journey.rt)
    opened = journey.rows(
        "SELECT rule, count(*) AS n FROM alerts WHERE resolved_at IS NULL GROUP BY rule ORDER BY rule"
    )
    assert [(a["rule"], a["n"]) for a in opened] == [("dead_letter", MANY), ("dead_letter_spike", 1)], (
        "nothing is multiplied"
    )


def test_entries_are_continued_behind_the_last_one(journey: Travel) -> None:
    stopped(journey)
    journey.begin("J-other", mood="doubtful")
    journey.go()
    with connect(journey.url, "web") as db:
        first = alert_list.still_open(db, limit=1)
        rest = alert_list.still_open(db, limit=9, behind=(first[0].opened_at, first[0].id))
        task = task_list.page(db, QUEUE, order="due", limit=1)[0]
        others = task_list.page(db, QUEUE, order="due", behind=(task.due_at, task.id), limit=9)
    assert first[0].id not in {a.id for a in rest}
    assert len(others) == 1
    assert others[0].id != task.id


def test_one_goes_on_first_and_the_others_once_it_has_passed(journey: Travel) -> None:
    runs = stopped(journey)
    alike = kind(journey)
    with pytest.raises(Refused, match="redrive one of the 5 first"):
        bulk.of_a_kind(journey.rt, "redrive", alike, the_rest=True)
    (one,) = bulk.of_a_kind(journey.rt, "redrive", alike, the_rest=False)
    assert one in runs
    bulk.apply(journey.rt, "redrive", [one], **WHY)
    with pytest.raises(Refused, match="has not passed the step it stopped at"):
        bulk.of_a_kind(journey.rt, "redrive", alike, the_rest=True)
    journey.go()  # it stops of the same thing again
    with pytest.raises(Refused, match="is DEAD_LETTER and has not passed"):
        bulk.of_a_kind(journey.rt, "redrive", alike, the_rest=True)
    (another,) = bulk.of_a_kind(journey.rt, "redrive", alike, the_rest=False)
    assert another != one, "not the same one over and over"
    heal(journey)
    bulk.apply(journey.rt, "redrive", [another], **WHY)
    journey.go()
    rest = bulk.of_a_kind(journey.rt, "redrive", alike, the_rest=True)
    assert set(rest) == set(runs) - {another}
    assert all(done.refusal is None for done in bulk.apply(journey.rt, "redrive", rest, **WHY))
    with pytest.raises(NotFound, match="no run is stopped"):
        bulk.of_a_kind(journey.rt, "redrive", alike, the_rest=True)


def test_a_run_that_passed_in_an_earlier_outage_says_nothing_of_this_one(journey: Travel) -> None:
    (early,) = stopped(journey, 1)
    heal(journey)
    bulk.apply(journey.rt, "redrive", [early], **WHY)
    journey.go()
    made = [journey.begin(f"J-late-{n}", mood="hopeless") for n in range(2)]
    journey.go()
    assert made
    with pytest.raises(Refused, match="redrive one of the 2 first"):
        bulk.of_a_kind(journey.rt, "redrive", kind(journey), the_rest=True)


def test_giving_up_needs_no_trial_run(journey: Travel) -> None:
    runs = stopped(journey)
    assert set(bulk.of_a_kind(journey.rt, "fail", kind(journey), the_rest=False)) == set(runs)
