"""Whoever took part in a run approves no money of it: the ledger looks for itself, whatever the task says."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest

from app.accounts import administer
from app.accounts.people import Person
from app.core.errors import NotEntitled
from app.core.ids import new_id
from app.diagnosis.explain import explain
from app.engine import start
from app.engine.control.fork import fork
from app.humans.complete import complete
from app.store.accounts import upload_links
from app.store.reads import situation
from app.store.records import documents
from tests.actions.conftest import Bureau
from tests.actions.test_roles import attempt
from tests.support.payouts import PAYOUT, Payout

BY_HAND = "SELECT approve_action(%s, %s, %s, 'ada', 'payment', 'Ada Ferncastle', 100, 30)"
Part = Callable[[Bureau], UUID]


def begun_by(bureau: Bureau, actor: str) -> UUID:
    run_id = bureau.journey.rt.database.transact(
        lambda db: start.start(db, PAYOUT, subject="S-1", data=Payout(), key=None, actor=actor)
    ).run_id
    bureau.journey.go()
    return run_id


def submit(bureau: Bureau) -> UUID:
    return begun_by(bureau, "person:ada")


def upload(bureau: Bureau) -> UUID:
    run_id = bureau.begin()
    bureau.journey.rt.database.transact(
        lambda db: documents.insert(
            db,
            new_id(),
            run_id,
            sha256="ab",
            filename="bill.pdf",
            media_type="application/pdf",
            size=3,
            by="person:ada",
        )
    )
    return run_id


def invite(bureau: Bureau) -> UUID:
    run_id = bureau.begin()
    bureau.journey.rt.database.transact(
        lambda db: upload_links.insert(db, new_id(), run_id, token_hash="h", asks="a bill", by="ada", days=3)
    )
    return run_id


def fork_it(bureau: Bureau) -> UUID:
    run_id = bureau.begin()
    made = fork(bureau.journey.rt, run_id, step_seq=1, actor="person:ada", reason="another payee")
    bureau.journey.go()
    return made.run_id


def fork_what_she_submitted(bureau: Bureau) -> UUID:
    made = fork(bureau.journey.rt, submit(bureau), step_seq=1, actor="person:sue", reason="another payee")
    bureau.journey.go()
    return made.run_id


def change_roles(bureau: Bureau) -> UUID:
    run_id = bureau.begin()
    administer.change(bureau.journey.rt, "bea", roles=["adjuster"], authority=Decimal(5000), by="person:ada")
    return run_id


def enrol_somebody(bureau: Bureau) -> UUID:
    run_id = bureau.begin()
    puppet = Person("puppet", "Puppet", ("supervisor",), Decimal(5000))
    administer.enrol(bureau.journey.rt, puppet, by="person:ada")
    return run_id


@pytest.mark.parametrize(
    ("take_part", "part"),
    [
        (submit, "submitted it"),
        (upload, "sent it a document"),
        (invite, "invited its claimant"),
        (fork_it, "forked it"),
        (fork_what_she_submitted, "submitted it"),
        (change_roles, "changed who may do what since it began"),
        (enrol_somebody, "changed who may do what since it began"),
    ],
)
def test_who_took_part_approves_nothing_of_it(bureau: Bureau, take_part: Part, part: str) -> None:
    run_id = take_part(bureau)
    task = bureau.task(run_id)["id"]
    with pytest.raises(NotEntitled, match=f"you took part .you {part}.; somebody else must answer"):
        complete(bureau.journey.rt, task, by="ada", outcome="pay", answer={})
    with pytest.raises(psycopg.Error, match=part) as refused:
        attempt(bureau, "web", BY_HAND, new_id(), new_id(), task)
    assert refused.value.sqlstate == "LH002"
    said = explain(
        bureau.journey.rt.database.transact(lambda db: situation.read(db, run_id)), bureau.journey.rt.settings
    )
    assert "Bea may answer" in said.sentence and "Ada" not in said.sentence
    bureau.answer(run_id, "bea")
    assert bureau.status(run_id) == "COMPLETE"


def test_rights_that_were_given_before_a_run_began_bar_nobody_from_it(bureau: Bureau) -> None:
    administer.change(bureau.journey.rt, "bea", roles=["adjuster"], authority=Decimal(5000), by="person:ada")
    run_id = begun_by(bureau, "person:sue")
    bureau.answer(run_id, "ada")
    assert bureau.status(run_id) == "COMPLETE"


def test_who_changed_whose_rights_is_kept_and_never_rewritten(bureau: Bureau) -> None:
    change_roles(bureau)
    kept = bureau.journey.one("SELECT * FROM people_changes")
    assert (kept["username"], kept["changed_by"], kept["change"], kept["authority"]) == (
        "bea",
        "person:ada",
        "changed",
        5000,
    )
    for statement in ("UPDATE people_changes SET changed_by = 'eve'", "DELETE FROM people_changes"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            attempt(bureau, "web", statement)
