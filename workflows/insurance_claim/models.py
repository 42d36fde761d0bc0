"""The typed data of a claim: what a run carries from state to state.

The law: everything here survives a JSON round trip unchanged (amounts are decimals and travel as strings, times carry
their zone), and nothing is stated without saying where it comes from. What a document states keeps its page and
quote, what a person decided keeps the person and the time.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from app.insurance.reading.extraction import DocumentFacts, DocumentKind, Money
from workflows.document_reading import Hidden
from workflows.insurance_claim.facts import Notice, Part, PolicyRecord, StatedDate

Severity = Literal["blocking", "warning", "info"]
"""blocking: no payment before a person settled it; warning: a person should weigh it; info: for the record."""

FindingCode = Literal[
    "POLICY_NOT_FOUND",
    "LOSS_OUTSIDE_POLICY",
    "DATE_OF_LOSS_CONFLICT",
    "IMPOSSIBLE_DATE",
    "FUTURE_DATE",
    "IDENTITY_CONFLICT",
    "LINES_DO_NOT_ADD_UP",
    "CLAIMED_TOTAL_MISMATCH",
    "VIN_CHECK_DIGIT",
    "PART_NOT_CLAIMED",
    "WRONG_DOCUMENT_TYPE",
    "DUPLICATE_DOCUMENT",
    "UNREADABLE_DOCUMENT",
    "CURRENCY_CONFLICT",
    "INSTRUCTIONS_IN_DOCUMENT",
    "DUPLICATE_CLAIM",
    "UNCONFIRMED_VALUE",
    "HIDDEN_TEXT",
    "SAME_LOSS",
    "ALREADY_PAID",
]
"""Stable: alerts, tests and reports name findings by these."""


class DocumentRef(Part):
    """A document of the claim. `id` is unique in the claim, `sha256` is where the bytes are; `size` in bytes.

    `status`: 'received' until read; then 'read' or 'unreadable' with the reader's `reason` code and `sentence`.
    """

    id: str = Field(min_length=1, max_length=100)
    sha256: str
    filename: str
    media_type: str = "application/octet-stream"
    size: int = Field(default=0, ge=0)
    expected_kind: DocumentKind | None = Field(default=None, description="what the sender said it is")
    status: Literal["received", "read", "unreadable"] = "received"
    kind: DocumentKind | None = Field(default=None, description="what its words say it is")
    reason: str | None = None
    sentence: str = ""
    pages: int | None = None
    pages_without_text: list[int] = Field(default_factory=list)
    pages_unsure: list[int] = Field(default_factory=list, description="read by OCR, some lines perhaps wrongly")
    unsure: list[str] = Field(default_factory=list, description="those lines, as OCR read them")
    hidden: list[Hidden] = Field(default_factory=list, description="words on it that nobody sees")
    dropped: list[str] = Field(default_factory=list, description="what lay within it and was not taken out, and why")
    engine: str = ""
    received_at: AwareDatetime | None = None


class Begun(Part):
    """A payment of another claim, as the ledger has it; `at` None: it was begun, and its outcome is not known."""

    status: str
    amount: Money
    currency: str
    at: AwareDatetime | None = None


class OtherClaim(Part):
    """A claim under another number that was sent some of the same files, as it stood when it was looked for."""

    number: str
    sha256: list[str]
    state: str
    status: str
    since: AwareDatetime
    payment: Begun | None = None


class SameLoss(Part):
    """A claim under another number that is about the same loss, as it stood when it was looked for. `shares`: what in common."""

    number: str
    shares: list[str]
    state: str = ""
    status: str = ""
    payment: Begun | None = None


class PaidBefore(Part):
    """A payment as the ledger has it: for which claim, to whom."""

    claim: str
    payee: str
    paid: Begun


class Evidence(Part):
    """Where something stands. `page` is None for what has no pages: the notice, the policy database."""

    document: str
    filename: str
    page: int | None = None
    quote: str = ""


class Finding(Part):
    """Something a check saw: what, where, and why it is not certain. `subjects`: other claims to compare with."""

    code: FindingCode
    severity: Severity
    summary: str
    evidence: list[Evidence] = Field(default_factory=list)
    subjects: list[str] = Field(default_factory=list)
    why_uncertain: str


class Reason(Part):
    """One reason of an assessment. `cites`: ids of what it rests on; `sources`: the same in words."""

    says: str = Field(min_length=1, max_length=400)
    cites: list[str] = Field(default_factory=list, max_length=12)
    sources: list[str] = Field(default_factory=list)


class Recommendation(Part):
    """What the assessment suggests; it decides nothing. `provider` names the model, or the rules."""

    outcome: Literal["settle", "investigate", "abstain"]
    amount: Money | None = None
    currency: str | None = None
    reasons: list[Reason] = Field(default_factory=list)
    confidence: float = Field(default=0.0, ge=0.0, le=1.0)
    provider: str = ""


class Review(Part):
    """The adjuster's answer. A denial cites a provision and its text."""

    outcome: Literal["settle", "deny", "more_information", "refer_to_siu"]
    reviewer: str
    reviewer_name: str = ""
    role: str = "adjuster"
    amount: Money | None = None
    currency: str | None = None
    payee: str | None = None
    coverage: str | None = None
    reason: str = ""
    provision_id: str | None = None
    provision_text: str | None = None
    documents_wanted: list[str] = Field(default_factory=list)
    sign_off_reasons: list[str] = Field(default_factory=list)
    decided_at: AwareDatetime | None = None


class SiuReview(Part):
    """What the special investigation unit found."""

    outcome: Literal["cleared", "fraud_indicated"]
    reviewer: str
    reason: str = ""
    decided_at: AwareDatetime | None = None


class SignOff(Part):
    """The second pair of eyes: never the reviewer's."""

    verdict: Literal["approved", "refused"]
    approver: str
    approver_name: str = ""
    role: str = "supervisor"
    reason: str = ""
    decided_at: AwareDatetime | None = None


class Settlement(Part):
    """The payment; `reference` is what the payments service answered."""

    amount: Money
    currency: str
    payee: str
    coverage: str = ""
    reference: str | None = None
    paid_at: AwareDatetime | None = None


class Letter(Part):
    """A letter that was written; its bytes lie in the document store."""

    kind: Literal["settlement", "denial", "acknowledgement", "document_request"]
    sha256: str
    filename: str
    reference: str | None = None
    sent_at: AwareDatetime | None = None


class DecisionLetter(Part):
    """A decision's letter as it was written for people to approve, with what it states. Its bytes lie in the document store."""

    kind: Literal["settlement", "denial"]
    sha256: str
    filename: str
    recipient: str
    payee: str
    amount: Money = Decimal("0.00")
    currency: str


class ClaimFile(BaseModel):
    """What a run of every version carries. Steps assign its fields; every assignment is validated.

    No field is added here: a run of version 1 would be stranded.
    """

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    claim_number: str
    number_is_provisional: bool = Field(default=False, description="made by us: no notice named the claim")
    policy_number: str | None = None
    claimant: str | None = None
    date_of_loss: StatedDate | None = None
    amount_claimed: Money | None = None
    currency: str | None = None
    payee: str | None = None
    line_of_business: str = "motor"
    jurisdiction: str = ""

    notice: Notice | None = None
    policy: PolicyRecord | None = None
    policy_checked: bool = Field(default=False, description="the policy database was asked; policy None: not there")
    documents: list[DocumentRef] = Field(default_factory=list)
    extractions: list[DocumentFacts] = Field(default_factory=list)
    elsewhere: list[OtherClaim] = Field(default_factory=list, description="claims that were sent the same files")
    more_elsewhere: int = Field(default=0, description="such claims that are not listed")
    same_loss: list[SameLoss] = Field(default_factory=list, description="claims about the same loss")
    paid_before: list[PaidBefore] = Field(default_factory=list, description="payments for this very claim")
    findings: list[Finding] = Field(default_factory=list)
    missing: list[str] = Field(default_factory=list, description="kinds of documents still wanted")

    recommendation: Recommendation | None = None
    review: Review | None = None
    siu_review: SiuReview | None = None
    sign_off: SignOff | None = None
    actions: dict[str, str] = Field(default_factory=dict, description="ids of the approved actions, by purpose")
    settlement: Settlement | None = None
    letters: list[Letter] = Field(default_factory=list)
    paragraph: str = Field(default="", description="of the decision letter: what was drafted, or the template")
    drafted_by: str = ""
    notes: list[str] = Field(default_factory=list)

    def document(self, document_id: str) -> DocumentRef | None:
        """The document of that id."""
        return next((ref for ref in self.documents if ref.id == document_id), None)

    def facts(self, document_id: str) -> DocumentFacts | None:
        """What was extracted from that document."""
        return next((facts for facts in self.extractions if facts.document_id == document_id), None)


class ClaimFile2(ClaimFile):
    """What a run carries since version 2: the letter of its decision, before that is approved."""

    decision_letters: list[DecisionLetter] = Field(default_factory=list, description="as written; the last one counts")
    paragraph_of: Literal["", "settlement", "denial"] = Field(default="", description="which letter `paragraph` is for")
