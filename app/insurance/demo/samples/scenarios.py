"""The scenarios of the demo, one row a claim, in the order they are sent in; the last submission repeats the first.

The demo automaton answers eleven of the twenty-one human tasks there are. It approves what no finding speaks against,
denies what was not covered (a supervisor automaton signs what needs signing), and leaves every doubt to a person.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from app.insurance.demo.samples import twists
from app.insurance.demo.samples.casefile import BillKind, Size
from app.insurance.demo.samples.model import DemoAnswer, DocumentKind, Envelope, FindingCode, Twist
from app.insurance.demo.samples.papers import damage

DONE: Final = "COMPLETE"
WITH_A_PERSON: Final = "AWAITING_HUMAN_REVIEW"
WAITING: Final = "WAITING_FOR_DOCUMENT"

ESTIMATE: Final = "repair_estimate"
INVOICE: Final = "repair_invoice"
_PHOTOS: Final[tuple[DocumentKind, ...]] = ("photo_sheet",)
_DECLARATION: Final[tuple[DocumentKind, ...]] = ("policy_declaration",)
_LETTER: Final[tuple[DocumentKind, ...]] = ("correspondence",)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One claim: how its case is made and spoilt, what is sent, and what is expected and why."""

    name: str
    why: str
    size: Size = "small"
    bill: BillKind = ESTIMATE
    twist: Twist = twists.honest
    envelope: Envelope = damage.as_sent
    extras: tuple[DocumentKind, ...] = ()
    unsent: tuple[DocumentKind, ...] = ()
    claim_json: bool = True
    policy_known: bool = True
    findings: tuple[FindingCode, ...] = ()
    missing: tuple[DocumentKind, ...] = ()
    answer: DemoAnswer = "leave"
    end: str = WITH_A_PERSON
    again: int | None = None
    """The number of the paid claim whose papers, but for the form, are sent in again under this one's."""


def _clean(why: str, size: Size, bill: BillKind, extras: tuple[DocumentKind, ...], claim_json: bool = True) -> Scenario:
    return Scenario("clean", why, size, bill, extras=extras, claim_json=claim_json, answer="approve", end=DONE)


_SMALL: Final = "complete and consistent, below 5,000: approved by the demo adjuster alone"
_BELOW: Final = "complete and consistent, below 25,000: approved by the demo adjuster alone"

SCENARIOS: Final[tuple[Scenario, ...]] = (
    _clean(_SMALL, "small", ESTIMATE, _PHOTOS + _DECLARATION),
    _clean(_SMALL, "small", INVOICE, _PHOTOS, claim_json=False),
    Scenario(
        "missing_estimate",
        "neither an estimate nor an invoice was sent: the run waits for one",
        extras=_PHOTOS + _LETTER,
        unsent=(ESTIMATE,),
        missing=(ESTIMATE,),
        end=WAITING,
    ),
    Scenario(
        "date_of_loss_conflict",
        "form and police report differ by days: a person must ask which is right",
        twist=twists.police_saw_another_day,
        extras=_PHOTOS,
        findings=("DATE_OF_LOSS_CONFLICT",),
    ),
    _clean(_BELOW, "medium", ESTIMATE, _LETTER),
    Scenario(
        "outside_policy_period",
        "the policy had ended before the loss: denied by a person, signed off by another",
        twist=twists.policy_had_ended,
        extras=_DECLARATION,
        findings=("LOSS_OUTSIDE_POLICY",),
        answer="deny",
        end=DONE,
    ),
    Scenario(
        "lines_do_not_add_up",
        "the subtotal is more than the lines give: a person must ask the shop",
        size="medium",
        twist=twists.subtotal_overstated,
        claim_json=False,
        findings=("LINES_DO_NOT_ADD_UP",),
    ),
    Scenario(
        "over_authority",
        "above the adjuster's 25,000: approved, then signed off by the demo supervisor",
        size="huge",
        extras=_PHOTOS + _DECLARATION,
        answer="approve",
        end=DONE,
    ),
    Scenario(
        "scanned_estimate",
        "the estimate is a scan, a picture without text: read by OCR, complete and consistent, so it ends as a clean one does",
        envelope=damage.scanned,
        answer="approve",
        end=DONE,
    ),
    Scenario(
        "missing_police_report",
        "what is named police_report.pdf is the declarations page: the run waits for the report",
        envelope=damage.declaration_as_police_report,
        extras=_DECLARATION,
        unsent=("police_report",),
        findings=("WRONG_DOCUMENT_TYPE",),
        missing=("police_report",),
        end=WAITING,
    ),
    _clean(_SMALL, "small", ESTIMATE, ()),
    Scenario(
        "vin_check_digit",
        "the VIN fails its check digit on every paper: a person must look at the car's papers",
        twist=twists.vin_miswritten,
        findings=("VIN_CHECK_DIGIT",),
    ),
    Scenario(
        "impossible_date",
        "the form says 31 February: a person must ask for the day",
        twist=twists.thirty_first_of_february,
        claim_json=False,
        findings=("IMPOSSIBLE_DATE",),
    ),
    Scenario(
        "identity_conflict",
        "the police report names another owner and VIN: a person must find out whose car it was",
        size="medium",
        twist=twists.somebody_elses_car,
        extras=_PHOTOS,
        findings=("IDENTITY_CONFLICT",),
    ),
    replace(_clean(_SMALL, "small", INVOICE, _LETTER), twist=twists.shop_knew_no_claim_number),
    Scenario(
        "part_not_claimed",
        "the invoice bills sunroof glass that nobody reported, so it is more than was claimed",
        bill=INVOICE,
        twist=twists.part_nobody_damaged,
        extras=_PHOTOS,
        findings=("PART_NOT_CLAIMED", "CLAIMED_TOTAL_MISMATCH"),
    ),
    Scenario(
        "corrupt_estimate",
        "the estimate is cut off and cannot be opened: the run waits for another copy",
        envelope=damage.corrupted,
        extras=_LETTER,
        findings=("UNREADABLE_DOCUMENT",),
        missing=(ESTIMATE,),
        end=WAITING,
    ),
    Scenario(
        "same_invoice_again",
        "an invoice that was paid under another claim number: approving it shows the sign-off",
        bill=INVOICE,
        findings=("DUPLICATE_CLAIM", "SAME_LOSS"),
        again=15,
    ),
    Scenario(
        "future_date",
        "all papers date the loss in the future: a person must find out how",
        twist=twists.not_yet_happened,
        claim_json=False,
        findings=("FUTURE_DATE",),
    ),
    Scenario(
        "only_the_form",
        "the claim form came twice and nothing else: the run waits for report and estimate",
        envelope=damage.form_sent_twice,
        unsent=("police_report", ESTIMATE),
        findings=("DUPLICATE_DOCUMENT",),
        missing=("police_report", ESTIMATE),
        end=WAITING,
    ),
    Scenario(
        "date_conflict_and_wrong_total",
        "the dates of loss differ and the total is not subtotal plus tax: a person must ask both",
        size="medium",
        bill=INVOICE,
        twist=twists.total_slipped,
        findings=("DATE_OF_LOSS_CONFLICT", "LINES_DO_NOT_ADD_UP"),
    ),
    Scenario(
        "unknown_policy",
        "no such policy in the database: a person must find it or answer the claimant",
        policy_known=False,
        findings=("POLICY_NOT_FOUND",),
    ),
    _clean(_BELOW, "large", INVOICE, _PHOTOS + _DECLARATION),
)

DUPLICATE_OF: Final = 1
DUPLICATE_WHY: Final = "the first claim sent in again, same folder and key: the same run, nothing is done twice"
SCANNED_WITHOUT_OCR: Final = Scenario(
    "scanned_estimate",
    "the estimate is a scan, and OCR is not installed here: a readable one is waited for",
    findings=("UNREADABLE_DOCUMENT",),
    missing=(ESTIMATE,),
    end=WAITING,
)
