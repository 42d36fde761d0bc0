"""The same loss typed in again under another number, no paper the same: it is found by what it is about, and nobody settles it alone."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from longhaul.testing import FakeStep
from tests.workflows.claims import ANSWERS, VIN, claim, fact, findings, with_facts
from tests.workflows.test_claim_decision import answered
from workflows.insurance_claim import intake
from workflows.insurance_claim.assessing import assess
from workflows.insurance_claim.decision import ask_sign_off, weigh
from workflows.insurance_claim.facts import StatedDate
from workflows.insurance_claim.models import ClaimFile2
from workflows.insurance_claim.same_loss import look, names
from workflows.insurance_claim.tools import SAME_LOSS

AT = datetime(2031, 5, 12, 9, 0, tzinfo=UTC)
PAID = {"status": "EXECUTED", "amount": "1228.00", "currency": "USD", "at": "2031-05-12T09:00:00+00:00"}
MINE = {"claim": "CLM-88214", "payee": "Nora Quill", **PAID}


def step(*, claims: Any = (), paid: Any = (), alike: Any = (), answer: Any = None) -> FakeStep:
    """A step whose tool tells of these."""
    told = {"claims": list(claims), "of": len(claims), "paid": list(paid), "alike": list(alike)}
    return FakeStep(answer=answer, now=AT, calls=ANSWERS | {SAME_LOSS.name: told}, subject="CLM-88214")


def other(number: str, *shares: str, **more: Any) -> dict[str, Any]:
    told = {
        "subject": number,
        "shares": list(shares or (f"{VIN} on 2031-05-12",)),
        "state": "COMPLETE",
        "status": "COMPLETE",
        "since": "2031-05-01T08:00:00+00:00",
        "action": PAID,
    }
    return told | more


def test_a_claim_goes_by_its_policy_and_its_vehicle_with_the_day_and_by_its_bills() -> None:
    file = with_facts(claim(), "bill", vin=fact(VIN))
    file.policy_number = "NW-2031-00417"
    assert names(file) == [
        ("loss", "NW203100417 on 2031-05-12"),
        ("loss", f"{VIN} on 2031-05-12"),
        ("bill", "E2201 over 1728.00"),
        ("bill", f"E2201 for {VIN}"),
    ]
    assert ("policy", "NW-2031-00417") in intake.other_names(file)
    assert set(names(file)) < set(intake.other_names(file))


@pytest.mark.parametrize(
    ("policy", "day"), [("nw 2031 00417", date(2031, 5, 12)), ("NW-2031-00417", date(2031, 5, 14))]
)
def test_however_it_is_spelled_and_a_few_days_off_it_asks_for_the_same(policy: str, day: date) -> None:
    file = ClaimFile2(claim_number="CLM-OTHER", policy_number=policy, date_of_loss=StatedDate(raw="x", value=day))
    at = step()
    look(at, file)
    assert "NW203100417 on 2031-05-12" in at.calls_of(SAME_LOSS)[0]["names"]


@pytest.mark.parametrize("day", [date(2031, 5, 8), date(2031, 5, 16), date(2030, 5, 12)])
def test_another_accident_of_the_same_vehicle_is_another_loss(day: date) -> None:
    file = ClaimFile2(
        claim_number="CLM-OTHER", policy_number="NW203100417", date_of_loss=StatedDate(raw="x", value=day)
    )
    at = step()
    look(at, file)
    assert "NW203100417 on 2031-05-12" not in at.calls_of(SAME_LOSS)[0]["names"]


def test_the_same_loss_is_a_finding_that_blocks_and_says_whether_it_was_paid() -> None:
    file = claim()
    assert assess.assess(file).outcome == "settle"
    look(
        step(
            claims=[
                other("CLM-1"),
                other("CLM-2", "E2201 over 1728.00", status="READY", state="VALIDATING", action=None),
            ]
        ),
        file,
    )
    (found,) = file.findings = findings(file)
    assert (found.code, found.severity, found.subjects) == ("SAME_LOSS", "blocking", ["CLM-1", "CLM-2"])
    assert f"CLM-1 ({VIN} on 2031-05-12; paid 1228.00 USD on 2031-05-12)" in found.summary
    assert "CLM-2 (E2201 over 1728.00; not paid yet, validating)" in found.summary
    assert assess.assess(file).outcome == "investigate"


def test_nearly_the_same_amount_to_the_same_payee_is_the_same_loss_until_somebody_says_otherwise() -> None:
    file = claim()
    file.payee = "Nora Quill"
    at = step(alike=[{**MINE, "claim": "CLM-9"}])
    look(at, file)
    (found,) = findings(file)
    assert (found.code, found.severity) == ("SAME_LOSS", "blocking")
    assert "CLM-9 (nearly the same amount to Nora Quill; paid 1228.00 USD" in found.summary


def test_what_was_paid_for_this_very_claim_is_a_finding_that_blocks() -> None:
    file = claim()
    look(step(paid=[MINE, MINE | {"payee": "Bob Alder", "at": None, "status": "UNKNOWN"}]), file)
    (found,) = findings(file)
    assert (found.code, found.severity) == ("ALREADY_PAID", "blocking")
    assert (
        "1228.00 USD to Nora Quill on 2031-05-12 and 1228.00 USD to Bob Alder, begun, its outcome not known yet"
        in found.summary
    )


def settled() -> dict[str, Any]:
    paid = {
        "id": "a1",
        "purpose": "payment",
        "payee": "Nora Quill",
        "amount": "1228.00",
        "currency": "USD",
        "coverage": "COLLISION",
        "status": "APPROVED",
    }
    return answered("settle", "ada", actions={"payment": paid})


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"claims": [other("CLM-1")]}, "the same loss seems to be claimed under another number"),
        ({"alike": [{**MINE, "claim": "CLM-9"}]}, "the same loss seems to be claimed under another number"),
        ({"paid": [MINE]}, "the claim has been paid already"),
    ],
)
def test_what_came_up_since_the_checks_takes_a_second_person(told: dict[str, Any], words: str) -> None:
    file = claim()
    assert weigh(step(answer=settled()), file) == "within_authority"
    assert weigh(step(answer=settled(), **told), file) == "needs_sign_off"
    assert file.review is not None and words in file.review.sign_off_reasons
    assert file.findings[0].summary in ask_sign_off(step(), file).note


def test_the_amount_that_was_decided_is_the_one_that_is_compared() -> None:
    at = step(answer=settled())
    weigh(at, claim())
    (asked,) = at.calls_of(SAME_LOSS)
    assert (asked["payee"], asked["amount"], asked["currency"]) == ("Nora Quill", "1228.00", "USD")


def test_what_was_known_of_a_claim_that_is_erased_since_stays_known() -> None:
    file = claim()
    look(step(claims=[other("CLM-1")]), file)
    look(step(), file)
    assert [known.number for known in file.same_loss] == ["CLM-1"]
