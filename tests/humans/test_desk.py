"""Working at a task before it is answered: one holder at a time, everything with its line in the history, nothing lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from app.accounts import people
from app.accounts.people import Person
from app.core.errors import BadInput, NotEntitled, NotFound, Refused
from app.engine.runtime import Runtime
from app.humans import desk as at_desk
from app.humans.complete import complete
from app.store.database import Database
from app.store.human_tasks import handling as store
from app.store.human_tasks import human_tasks
from app.store.human_tasks.rows import HumanTask
from tests.web.complaints import Desk
from tests.web.conftest import task_of

ADA, BELA, CARL, SUE = "ada.quillmore", "bela.ostrander", "carl.vintergard", "sue.marchetti"
LATER = datetime.now(UTC) + timedelta(days=2)
ANSWER = {"comment": "The photographs agree.", "amount": "1240.00"}


@pytest.fixture
def task(desk: Desk, owner: Database) -> UUID:
    with owner.transaction() as db:
        people.enrol(db, Person(SUE, "Sue Marchetti", ("supervisor", "adjuster"), Decimal(0)))
    return task_of(owner, desk.file("CMP-1"))


def read(owner: Database, task: UUID) -> HumanTask:
    with owner.transaction() as db:
        found = human_tasks.read(db, task)
    assert found is not None
    return found


def told(owner: Database, task: UUID) -> list[tuple[str, str]]:
    with owner.transaction() as db:
        return [(e.event, e.actor.removeprefix("person:")) for e in human_tasks.events_of(db, task)[1:]]


def test_a_task_has_one_holder_however_many_reach_for_it(web: Runtime, owner: Database, task: UUID) -> None:
    refused: list[str] = []

    def reach(who: str) -> None:
        try:
            at_desk.claim(web, task, by=who)
        except Refused as problem:
            refused.append(str(problem))

    hands = [threading.Thread(target=reach, args=(who,)) for who in (ADA, BELA) * 4]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    held_by = read(owner, task).claimed_by
    assert told(owner, task) == [("claimed", held_by)], "claiming again renews and tells nothing twice"
    name = "Ada Quillmore, Adjuster" if held_by == ADA else "Bela Ostrander, Adjuster"
    assert refused == [f"{name} has claimed this task already"] * 4


def test_who_is_not_entitled_cannot_claim_it_and_is_told_why(web: Runtime, owner: Database, task: UUID) -> None:
    for act in (
        lambda: at_desk.claim(web, task, by=CARL),
        lambda: at_desk.snooze(web, task, by=CARL, until=LATER, reason="later"),
        lambda: at_desk.save_draft(web, task, by=CARL, draft={}),
    ):
        with pytest.raises(NotEntitled, match="for the role adjuster; you have operator"):
            act()
    assert told(owner, task) == []


def test_only_its_holder_releases_a_task(web: Runtime, owner: Database, task: UUID) -> None:
    at_desk.claim(web, task, by=ADA)
    with pytest.raises(Refused, match="you have not claimed this task"):
        at_desk.release(web, task, by=BELA)
    at_desk.release(web, task, by=ADA)
    at_desk.claim(web, task, by=BELA)
    assert [event for event, _ in told(owner, task)] == ["claimed", "released", "claimed"]


def test_a_supervisor_takes_over_with_a_reason_and_the_others_draft_stays(
    web: Runtime, owner: Database, task: UUID
) -> None:
    at_desk.claim(web, task, by=ADA)
    at_desk.save_draft(web, task, by=ADA, draft={"answer.comment": "half a thou"})
    with pytest.raises(NotEntitled, match="may not take over: that is for supervisor"):
        at_desk.take_over(web, task, by=BELA, reason="I want it")
    with pytest.raises(BadInput, match="reason: write 1 to"):
        at_desk.take_over(web, task, by=SUE, reason="  ")
    at_desk.take_over(web, task, by=SUE, reason="Ada is ill")
    assert read(owner, task).claimed_by == SUE
    with owner.transaction() as db:
        kept = store.draft(db, task, ADA)
        assert kept is not None
        assert kept.draft == {"answer.comment": "half a thou"}
        assert human_tasks.events_of(db, task)[-1].detail == {"from": ADA, "reason": "Ada is ill"}


def test_a_task_is_delegated_only_to_somebody_who_may_answer_it(web: Runtime, owner: Database, task: UUID) -> None:
    at_desk.claim(web, task, by=ADA)
    with pytest.raises(BadInput, match="to: Carl Vintergard, Operator may not answer"):
        at_desk.delegate(web, task, by=ADA, to=CARL, reason="yours")
    with pytest.raises(NotEntitled, match="may not take over"):
        at_desk.delegate(web, task, by=BELA, to=BELA, reason="mine")
    with pytest.raises(NotFound):
        at_desk.delegate(web, task, by=ADA, to="nobody", reason="yours")
    at_desk.delegate(web, task, by=ADA, to=BELA, reason="you know the garage")
    assert read(owner, task).claimed_by == BELA
    at_desk.delegate(web, task, by=SUE, to=ADA, reason="Bela is on leave")
    assert read(owner, task).claimed_by == ADA


def test_a_snoozed_task_stays_its_holders_until_its_time(web: Runtime, owner: Database, task: UUID) -> None:
    with pytest.raises(Refused, match="is past"):
        at_desk.snooze(web, task, by=ADA, until=LATER - timedelta(days=9), reason="x")
    with pytest.raises(BadInput, match="name the time zone"):
        at_desk.snooze(web, task, by=ADA, until=LATER.replace(tzinfo=None), reason="x")
    at_desk.snooze(web, task, by=ADA, until=LATER, reason="the garage answers on Friday")
    aside = read(owner, task)
    assert (aside.claimed_by, aside.snoozed_until, aside.snooze_reason) == (
        ADA,
        LATER,
        "the garage answers on Friday",
    )
    with pytest.raises(Refused, match="Ada Quillmore, Adjuster has claimed this task already"):
        at_desk.snooze(web, task, by=BELA, until=LATER, reason="mine now")
    at_desk.unsnooze(web, task, by=ADA)
    assert read(owner, task).snoozed_until is None
    with pytest.raises(Refused, match="not snoozed"):
        at_desk.unsnooze(web, task, by=ADA)


def test_comments_stay_also_after_the_answer_and_drafts_go_with_it(web: Runtime, owner: Database, task: UUID) -> None:
    at_desk.comment(web, task, by=CARL, body="  The scanner was repaired.  ")
    at_desk.save_draft(web, task, by=ADA, draft={"answer.comment": "The"})
    at_desk.save_draft(web, task, by=ADA, draft={"answer.comment": "The ph"})
    complete(web, task, by=ADA, outcome="pay", answer=ANSWER)
    at_desk.comment(web, task, by=ADA, body="Told the customer by telephone.")
    with owner.transaction() as db:
        assert [c.body for c in store.comments(db, task)] == [
            "The scanner was repaired.",
            "Told the customer by telephone.",
        ]
        assert store.draft(db, task, ADA) is None
    for act in (lambda: at_desk.claim(web, task, by=ADA), lambda: at_desk.save_draft(web, task, by=ADA, draft={})):
        with pytest.raises(Refused, match="completed already"):
            act()


def test_new_evidence_makes_every_older_sight_of_the_task_count_for_nothing(
    web: Runtime, owner: Database, task: UUID
) -> None:
    seen = read(owner, task)
    web.database.transact(lambda db: store.new_evidence(db, seen.run_id, files=["photo.png"], actor="claimant"))
    with pytest.raises(Refused, match="changed since you opened it"):
        complete(web, task, by=ADA, outcome="pay", answer=ANSWER, row_version=seen.row_version)
    assert told(owner, task) == [("new evidence", "claimant")]
    again = read(owner, task)
    assert again.evidence_at is not None
    complete(web, task, by=ADA, outcome="pay", answer=ANSWER, row_version=again.row_version)


@pytest.mark.parametrize("act", [at_desk.claim, at_desk.release, at_desk.unsnooze])
def test_a_task_that_does_not_exist_is_said_to(web: Runtime, owner: Database, act: Callable[..., None]) -> None:
    with pytest.raises(NotFound, match="no human task"):
        act(web, UUID(int=1), by=ADA)
