"""The second signature: whoever gives it has proved in the last ten minutes who they are, and loses no word over it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from app.accounts import passwords
from app.engine.runtime import Runtime
from app.store.database import Database
from tests.support.clock import later
from tests.web.complaints import Desk
from tests.web.conftest import Visitor, task_of
from tests.web.test_tasks import stored

BELA, PASSWORD = "bela.ostrander", "four words in a row"


@pytest.fixture
def task(desk: Desk, owner: Database) -> UUID:
    """A task that would sign off what ada decided."""
    task_id = task_of(owner, desk.file("CMP-1"))
    with owner.transaction() as db:
        db.execute("UPDATE human_tasks SET not_by = '{ada.quillmore}' WHERE id = %s", [task_id])
    return task_id


@pytest.fixture
def bela(web: Runtime, visitor: Callable[[str], Visitor], owner: Database) -> Visitor:
    """With a password, and signed in eleven minutes ago."""
    passwords.change(web, BELA, PASSWORD)
    return waited(visitor(BELA), owner)


def waited(who: Visitor, owner: Database) -> Visitor:
    with owner.transaction() as db:
        db.execute(later(timedelta(minutes=11)))
    return who


def test_an_old_proof_is_not_enough_and_the_text_is_kept(bela: Visitor, owner: Database, task: UUID) -> None:
    assert "Your password" in bela.get(f"/tasks/{task}").text
    refused = bela.answer(task, "pay", comment="My reasons, at length.")
    assert refused.status_code == 403
    assert "it signs off, so write your password below" in refused.text
    assert "My reasons, at length." in refused.text
    assert stored(owner, task).status == "OPEN"


def test_a_wrong_password_signs_nothing_and_counts_as_a_guess(bela: Visitor, owner: Database, task: UUID) -> None:
    refused = bela.post(
        f"/tasks/{task}/complete", outcome="pay", row_version="1", **{**form(), "proof.password": "wrong"}
    )
    assert refused.status_code == 403
    assert "the password is wrong" in refused.text and 'value="wrong"' not in refused.text
    assert stored(owner, task).status == "OPEN"


def test_the_password_with_the_answer_is_enough(bela: Visitor, owner: Database, task: UUID) -> None:
    done = bela.post(
        f"/tasks/{task}/complete", outcome="pay", row_version="1", **{**form(), "proof.password": PASSWORD}
    )
    assert done.status_code == 200
    row = stored(owner, task)
    assert (row.status, row.completed_by) == ("COMPLETED", BELA)


def test_who_just_signed_in_is_asked_for_nothing(
    visitor: Callable[[str], Visitor], owner: Database, task: UUID
) -> None:
    fresh = visitor(BELA)
    assert "Your password" not in fresh.get(f"/tasks/{task}").text
    assert fresh.answer(task, "pay").status_code == 200
    assert stored(owner, task).status == "COMPLETED"


def test_who_has_no_password_is_told_what_to_do(visitor: Callable[[str], Visitor], owner: Database, task: UUID) -> None:
    refused = waited(visitor(BELA), owner).answer(task, "pay")
    assert refused.status_code == 403
    assert "ask for a new sign-in link" in refused.text
    assert stored(owner, task).status == "OPEN"


def test_what_signs_nothing_off_asks_for_no_proof(bela: Visitor, desk: Desk, owner: Database, task: UUID) -> None:
    assert bela.answer(task, "do_not_pay").status_code == 200
    first_signature = task_of(owner, desk.file("CMP-2"))
    assert "Your password" not in bela.get(f"/tasks/{first_signature}").text
    assert bela.answer(first_signature, "pay").status_code == 200


def form() -> dict[str, str]:
    typed = {
        "comment": "The photographs agree.",
        "amount": "1240.00",
        "wheels": "2",
        "severity": "slight",
        "seen": "true",
    }
    return {f"answer.{name}": text for name, text in typed.items()}
