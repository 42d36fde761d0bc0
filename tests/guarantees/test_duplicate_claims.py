"""One bill under two claim numbers is paid twice only if a second person, who was shown both claims, says so.

Whichever claim is decided later is the one that is stopped, whatever the order in which they were sent and checked.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.core.errors import NotEntitled
from app.humans.complete import complete
from app.insurance.demo.samples import SampleClaim
from app.insurance.demo.staff import DEMO_ADJUSTER, DEMO_SUPERVISOR
from tests.support.claims import Office
from tests.support.stack import MakeStack, Stack

pytestmark = pytest.mark.guarantee

SECOND = "CLM-SECOND"


@pytest.fixture
def stack(make_stack: MakeStack) -> Stack:
    """Two workers and a beat."""
    found = make_stack()
    found.workers(2)
    found.beat()
    return found


@pytest.fixture
def office(stack: Stack) -> Iterator[Office]:
    with closing(Office(stack)) as found:
        yield found


def under_another_number(sample: SampleClaim, folder: Path) -> Path:
    """The papers of a claim, sent in again by somebody who names another claim number."""
    shutil.copytree(sample.folder, folder)
    sheet = folder / "claim.json"
    sheet.write_text(json.dumps(json.loads(sheet.read_text()) | {"claim": SECOND}))
    return folder


def warned(office: Office, run_id: UUID) -> dict[str, Any]:
    """The finding that names the other claim."""
    found = [f for f in office.data(run_id)["findings"] if f["code"] == "DUPLICATE_CLAIM"]
    assert len(found) == 1, office.data(run_id)["findings"]
    finding: dict[str, Any] = found[0]
    return finding


def paid(stack: Stack) -> list[str]:
    """The claims that money was paid for, as the payments service has them."""
    return [str(row[0]) for row in stack.payments.rows("SELECT claim FROM payments ORDER BY claim")]


def test_a_bill_that_was_paid_under_one_number_is_not_paid_under_another_by_the_adjuster_alone(
    stack: Stack, office: Office, tmp_path: Path
) -> None:
    sample = office.sample("clean")
    first = office.submit(sample.folder)
    office.settle(first)
    stack.until_complete(first)

    second = office.submit(under_another_number(sample, tmp_path / "second"))
    task = office.task(second)
    finding = warned(office, second)
    amount = office.data(first)["settlement"]["amount"]
    assert f"also sent under {sample.claim} (paid {amount} USD on " in finding["summary"]
    assert finding["summary"] in task.note
    assert finding in task.evidence
    assert office.data(second)["recommendation"]["outcome"] != "settle"

    answer = {"comment": "looks right to me", "amount": amount}
    complete(office.rt, task.id, by=DEMO_ADJUSTER.username, outcome="settle", answer=answer)
    assert stack.until_status(second, "WAITING_FOR_HUMAN")["state"] == "AWAITING_SIGN_OFF", "it needs no sign-off"
    sign_off = office.task(second)
    assert finding["summary"] in sign_off.note
    with pytest.raises(NotEntitled):
        complete(office.rt, sign_off.id, by=DEMO_ADJUSTER.username, outcome="settle", answer={"comment": "x"})
    complete(office.rt, sign_off.id, by=DEMO_SUPERVISOR.username, outcome="refuse", answer={"comment": "paid before"})
    assert office.task(second).state == "AWAITING_HUMAN_REVIEW"
    assert paid(stack) == [sample.claim]


def test_of_two_claims_with_one_bill_the_one_decided_later_waits_for_a_second_person_though_it_was_checked_first(
    stack: Stack, office: Office, tmp_path: Path
) -> None:
    sample = office.sample("clean")
    first = office.submit(sample.folder)
    office.task(first)
    assert office.data(first)["findings"] == []

    second = office.submit(under_another_number(sample, tmp_path / "second"))
    office.task(second)
    office.settle(first)
    assert stack.until_status(first, "WAITING_FOR_HUMAN")["state"] == "AWAITING_SIGN_OFF", "it needs no sign-off"
    sign_off = office.task(first)
    assert f"also sent under {SECOND} (not paid yet, awaiting human review)" in sign_off.note
    assert paid(stack) == []

    complete(office.rt, sign_off.id, by=DEMO_SUPERVISOR.username, outcome="settle", answer={"comment": "the first"})
    stack.until_complete(first)
    assert paid(stack) == [sample.claim]


def test_an_upload_counts_like_what_came_with_the_claim(stack: Stack, office: Office, tmp_path: Path) -> None:
    sample = office.sample("missing_estimate")
    waiting = office.submit(sample.folder)
    stack.until_status(waiting, "WAITING_FOR_EVENT")
    other = office.sample("clean")
    office.submit(other.folder)
    bill = next(path for path in sorted(other.folder.glob("*.pdf")) if "stimate" in path.name or "quote" in path.name)
    office.upload(waiting, bill)
    office.task(waiting)
    assert warned(office, waiting)["summary"].startswith(f"{bill.name} was also sent under {other.claim} (")
