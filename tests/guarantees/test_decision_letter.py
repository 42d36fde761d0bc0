"""A decision's letter is sent as it was approved: these bytes to this recipient, or nothing is sent.

Real workers; the letter lies in the document store before anybody is asked, whoever is asked has its words before them,
and what was sent is counted in the mail room's own file.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any
from uuid import UUID

import pytest

import app.insurance.intake
from app.engine.control import operate
from app.humans.complete import complete
from app.insurance.demo.staff import DEMO_ADJUSTER, DEMO_SUPERVISOR
from tests.support.claims import Office
from tests.support.stack import MakeStack, Row, Stack
from workflows.insurance_claim import INSURANCE_CLAIM_1

pytestmark = pytest.mark.guarantee

LETTERS = ("settlement_letter", "denial_letter")


def sent(stack: Stack, kind: str = "settlement") -> list[Any]:
    """Recipient and hash of every such letter that the mail room sent."""
    return [tuple(row) for row in stack.payments.rows(f"SELECT recipient, sha256 FROM letters WHERE kind = '{kind}'")]


def approved(stack: Stack, run_id: UUID) -> Row:
    """The letter that stands as approved, or was sent."""
    (action,) = stack.all(
        "SELECT * FROM actions WHERE run_id = %s AND purpose = ANY(%s) AND status <> 'VOID'", run_id, list(LETTERS)
    )
    return action


def reviewed(office: Office, stack: Stack) -> UUID:
    """A claim that waits for its review, and no worker."""
    (worker,) = stack.workers(1)
    sample = office.sample("clean")
    run_id = office.submit(sample.folder, sample.key)
    office.task(run_id)
    worker.kill()
    return run_id


def test_a_letter_is_written_shown_and_approved_before_it_is_sent(make_stack: MakeStack) -> None:
    stack = make_stack()
    stack.beat()
    with closing(Office(stack)) as office:
        run_id = reviewed(office, stack)
        task = office.task(run_id)
        (proposal,) = [each for each in task.proposals if each["purpose"] == "settlement_letter"]
        content = proposal["content"]
        letter = office.rt.documents.get(content["sha256"])
        assert letter.startswith(b"%PDF-")
        assert f"The letter to {content['recipient']}, as it is sent if you approve it:" in task.note
        assert "We are paying" in task.note and "Yours sincerely," in task.note
        office.settle(run_id)
        action = approved(stack, run_id)
        assert (action["status"], action["content"]) == ("APPROVED", content)
        stack.workers(1)
        stack.until_complete(run_id)
        assert sent(stack) == [(content["recipient"], content["sha256"])]
        assert approved(stack, run_id)["status"] in ("EXECUTED", "CONFIRMED")


def to_somebody_else(stack: Stack, run_id: UUID) -> None:
    """Whoever may write the run's data names another recipient."""
    stack.do(
        """UPDATE run_data SET data = jsonb_set(data, '{decision_letters,-1,recipient}', '"Eve"') WHERE run_id = %s""",
        run_id,
    )


def with_another_letter(stack: Stack, run_id: UUID) -> None:
    """The same for the hash: that of a letter which exists."""
    stack.do(
        """UPDATE run_data SET data = jsonb_set(data, '{decision_letters,-1,sha256}', data #> '{letters,0,sha256}')
           WHERE run_id = %s""",
        run_id,
    )


@pytest.mark.parametrize("forge", [to_somebody_else, with_another_letter])
def test_nothing_is_sent_to_another_recipient_or_of_another_hash_than_was_approved(
    make_stack: MakeStack, forge: Callable[[Stack, UUID], None]
) -> None:
    stack = make_stack()
    stack.beat()
    with closing(Office(stack)) as office:
        run_id = reviewed(office, stack)
        office.settle(run_id)
        forge(stack, run_id)
        stack.workers(1)
        row = stack.wait(lambda: stopped(stack, run_id), "the letter to be refused")
        assert "no live approval matches the settlement_letter" in row["waiting_reason"]
        assert sent(stack) == []
        assert approved(stack, run_id)["status"] == "APPROVED", "what was approved may still be sent"


def stopped(stack: Stack, run_id: UUID) -> Row | None:
    row = stack.run(run_id)
    return row if row["status"] == "DEAD_LETTER" else None


def test_a_letter_whose_bytes_were_changed_is_not_sent_until_they_are_put_back(make_stack: MakeStack) -> None:
    stack = make_stack()
    stack.beat()
    stack.enrol("noor", "operator")
    with closing(Office(stack)) as office:
        run_id = reviewed(office, stack)
        office.settle(run_id)
        content = approved(stack, run_id)["content"]
        file = stack.folder / "data" / "documents" / content["sha256"][:2] / content["sha256"]
        written = file.read_bytes()
        file.chmod(0o600)
        file.write_bytes(written.replace(b"%PDF-1", b"%PDF-2"))
        stack.workers(1)
        row = stack.wait(lambda: stopped(stack, run_id), "the letter to be refused")
        assert "the letter was not sent" in row["waiting_reason"] and "restore it" in row["waiting_reason"]
        assert sent(stack) == []
        file.write_bytes(written)
        operate.redrive(office.rt, run_id, actor="person:noor", reason="the letter is back")
        stack.until_complete(run_id)
        assert sent(stack) == [(content["recipient"], content["sha256"])]
        assert stack.payments_of(run_id) == 1


def answer(office: Office, run_id: UUID, outcome: str, role: str = "adjuster", **values: str) -> Row:
    """Answer the open task; the letter it proposed."""
    task = office.task(run_id)
    assert task.role == role
    by = DEMO_ADJUSTER if role == "adjuster" else DEMO_SUPERVISOR
    complete(office.rt, task.id, by=by.username, outcome=outcome, answer={"comment": "so", **values})
    letters = [each for each in task.proposals if each["purpose"] in LETTERS]
    return dict(letters[0]) if letters else {}


def test_whatever_is_decided_otherwise_is_told_in_another_letter_with_an_approval_of_its_own(
    make_stack: MakeStack,
) -> None:
    """The reviewer changes the amount a little, then the supervisor sends the claim back: three letters, the last is sent."""
    stack = make_stack()
    stack.workers(1)
    stack.beat()
    with closing(Office(stack)) as office:
        sample = office.sample("clean")
        run_id = office.submit(sample.folder, sample.key)
        suggested = float(office.task(run_id).defaults["amount"])
        first = answer(office, run_id, "settle", amount=f"{suggested - 1:.2f}")
        assert office.task(run_id).defaults["amount"] == f"{suggested - 1:.2f}", "asked again, with another letter"
        second = answer(office, run_id, "settle", amount=f"{suggested * 2:.2f}")
        third = answer(office, run_id, "refuse", "supervisor")
        answer(office, run_id, "deny", provision_id="1.2", provision_text="We cover loss within the period.")
        fourth = answer(office, run_id, "deny", "supervisor")
        stack.until_complete(run_id)
    hashes = [each["content"]["sha256"] for each in (first, second, third, fourth)]
    assert len(set(hashes)) == 4
    assert (sent(stack), sent(stack, "denial")) == ([], [(fourth["content"]["recipient"], hashes[3])])
    assert stack.payments_of(run_id) == 0
    voided = stack.all(
        "SELECT content, status FROM actions WHERE run_id = %s AND purpose = 'settlement_letter'", run_id
    )
    assert {row["status"] for row in voided} <= {"VOID", "PROPOSED"}


def test_a_claim_that_began_before_letters_were_approved_by_their_bytes_goes_on_as_it_began(
    make_stack: MakeStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.insurance.intake, "INSURANCE_CLAIM", INSURANCE_CLAIM_1)
    stack = make_stack()
    stack.workers(1)
    stack.beat()
    with closing(Office(stack)) as office:
        run_id = office.settled()
        assert stack.run(run_id)["workflow_version"] == 1
    assert len(sent(stack)) == 1 and stack.payments_of(run_id) == 1
