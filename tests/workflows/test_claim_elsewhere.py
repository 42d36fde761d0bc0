"""What an adjuster is told when a claim's files were sent under another number too, and what follows from it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from longhaul.testing import FakeStep
from tests.workflows.claims import ANSWERS, TODAY, claim, findings, ref, with_document
from workflows.insurance_claim.assessing import assess
from workflows.insurance_claim.checks import check_claim
from workflows.insurance_claim.decision import ask_sign_off, weigh
from workflows.insurance_claim.elsewhere import look
from workflows.insurance_claim.models import ClaimFile2, Finding
from workflows.insurance_claim.tools import ELSEWHERE

AT = datetime(2031, 5, 12, 9, 0, tzinfo=UTC)
BILL, REPORT = "bill" * 8, "report" * 8
PAID = {"status": "EXECUTED", "amount": "1728.00", "currency": "USD", "at": "2031-05-12T09:00:00+00:00"}


def subject(number: str, *files: str, **more: Any) -> dict[str, Any]:
    """Another claim as the tool tells of it."""
    told = {
        "subject": number,
        "sha256": list(files or (BILL,)),
        "state": "AWAITING_HUMAN_REVIEW",
        "status": "WAITING_FOR_HUMAN",
        "since": "2031-05-01T08:00:00+00:00",
        "action": None,
    }
    return told | more


def step(*subjects: dict[str, Any], of: int | None = None, **answer: Any) -> FakeStep:
    """A step whose tool tells of these claims. Nobody claims the same loss."""
    told = {"subjects": list(subjects), "of": len(subjects) if of is None else of}
    return FakeStep(answer=answer, now=AT, calls=ANSWERS | {ELSEWHERE.name: told}, subject="CLM-88214")


def billed() -> ClaimFile2:
    """A claim in order whose bill is known as one."""
    file = claim()
    kinds = {"form": "claim_form", "report": "police_report", "bill": "repair_estimate"}
    file.documents = [r.model_copy(update={"kind": kinds[r.id]}) for r in file.documents]
    return file


def told(*subjects: dict[str, Any], of: int | None = None) -> list[Finding]:
    """What the checks say of a claim in order whose files other claims were sent."""
    file = billed()
    look(step(*subjects, of=of), file)
    return findings(file)


def test_a_claim_whose_files_nobody_else_was_sent_has_nothing_to_say() -> None:
    assert told() == []


@pytest.mark.parametrize(
    ("standing", "words"),
    [
        ({}, "not paid yet, awaiting human review"),
        ({"status": "COMPLETE", "state": "COMPLETE"}, "closed without a payment"),
        ({"status": "CANCELLED"}, "withdrawn, not paid"),
        ({"status": "FAILED"}, "given up, not paid"),
        ({"status": "COMPLETE", "action": PAID}, "paid 1728.00 USD on 2031-05-12"),
        ({"action": PAID | {"status": "CONFIRMED"}}, "paid 1728.00 USD on 2031-05-12"),
        ({"action": PAID | {"status": "DISPUTED"}}, "paid 1728.00 USD on 2031-05-12, disputed"),
        (
            {"action": PAID | {"status": "UNKNOWN", "at": None}},
            "a payment of 1728.00 USD was begun, its outcome is not known yet",
        ),
    ],
)
def test_the_adjuster_reads_which_file_under_which_number_and_whether_it_was_paid(
    standing: dict[str, Any], words: str
) -> None:
    (found,) = told(subject("CLM-1", **standing))
    assert (found.code, found.severity) == ("DUPLICATE_CLAIM", "warning")
    assert found.summary == f"bill.pdf was also sent under CLM-1 ({words})."
    assert [evidence.document for evidence in found.evidence] == ["bill"]


def test_why_it_may_be_innocent_depends_on_what_was_sent_twice() -> None:
    bill, report = told(subject("CLM-1")), told(subject("CLM-1", REPORT))
    assert "entered twice" in bill[0].why_uncertain
    assert "Two parties" not in bill[0].why_uncertain
    assert "Two parties of one accident send the same police report" in report[0].why_uncertain
    assert all("byte for byte" in found.why_uncertain for found in (*bill, *report))


def test_claims_that_share_the_same_files_are_one_finding_and_the_unlisted_are_counted() -> None:
    both, one = told(subject("CLM-1", BILL, REPORT), subject("CLM-3"), subject("CLM-2", REPORT, BILL), of=9)
    assert both.summary.startswith("report.pdf and bill.pdf were also sent under CLM-1 (")
    assert "), CLM-2 (" in both.summary.replace(" and", ",")
    assert "CLM-3" in one.summary
    assert sum("6 more claims" in found.summary for found in (both, one)) == 1


def test_many_claims_and_files_are_named_in_bounds() -> None:
    file = billed()
    for n in range(200):
        file = with_document(file, ref(f"x{n:03}"))
    look(step(*(subject(f"CLM-{n}", *(f"x{k:03}" * 8 for k in range(200))) for n in range(10)), of=5000), file)
    file.findings = check_claim(file, TODAY)
    (found,) = [f for f in file.findings if f.code == "DUPLICATE_CLAIM"]
    assert "x004.pdf and 20 more" in found.summary
    assert "and 5 more. 4990 more claims" in found.summary
    assert len(file.model_dump_json()) < 120_000


def test_the_rules_abstain() -> None:
    file = billed()
    assert assess.assess(file).outcome == "settle"
    look(step(subject("CLM-1", REPORT)), file)
    file.findings = findings(file)
    suggested = assess.assess(file)
    assert suggested.outcome == "abstain"
    assert any("DUPLICATE_CLAIM" in reason.says for reason in suggested.reasons)


def settled() -> dict[str, Any]:
    paid = {
        "id": "a1",
        "purpose": "payment",
        "payee": "Nora Quill",
        "amount": "1728.00",
        "currency": "USD",
        "coverage": "COLLISION",
        "status": "APPROVED",
    }
    return {
        "outcome": "settle",
        "by": "ada",
        "name": "Ada",
        "at": AT,
        "authority": "25000",
        "values": {"comment": "x"},
        "actions": {"payment": paid},
    }


def test_nobody_settles_alone_what_was_sent_under_another_number_since_they_looked() -> None:
    file = claim()
    assert weigh(step(**settled()), file) == "within_authority"
    at = step(subject("CLM-2", action=PAID), **settled())
    assert weigh(at, file) == "needs_sign_off"
    assert at.calls_of(ELSEWHERE) == [
        {
            "sha256": ["form" * 8, REPORT, BILL],
            "workflow": "insurance_claim",
            "subject": "CLM-88214",
            "purpose": "payment",
        }
    ]
    asked = ask_sign_off(step(), file)
    assert "paid 1728.00 USD on 2031-05-12" in str(asked.evidence)
    assert "also sent under CLM-2" in asked.note


def test_what_was_known_of_a_claim_that_is_erased_since_stays_known() -> None:
    file = claim()
    look(step(subject("CLM-1")), file)
    file.findings = findings(file)
    assert weigh(step(**settled()), file) == "needs_sign_off"
    assert [found.code for found in file.findings] == ["DUPLICATE_CLAIM"]


def test_a_claim_without_documents_asks_nobody() -> None:
    file = claim()
    file.documents = []
    at = step()
    look(at, file)
    assert at.calls_of(ELSEWHERE) == []
