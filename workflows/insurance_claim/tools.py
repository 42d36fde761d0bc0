"""The tools a claim uses. Each says what becomes of an unknown outcome; money and decision letters are irreversible."""

from __future__ import annotations

from pydantic import BaseModel, Field

from app.core.declarations.tools import Tool


class OfPolicy(BaseModel):
    """Which policy; the claim's own, a model does not choose it."""

    policy_number: str


class OfCoverage(OfPolicy):
    """Which coverage of it."""

    coverage: str = Field(description="a coverage's code, such as COLLISION")


POLICY = Tool(
    "insurer.policy",
    reads_only=True,
    timeout="10s",
    downstream="policy",
    takes=OfPolicy,
    about="The policy as the insurer's database has it: insured, period, vehicles, coverages, limits, deductibles.",
)
HISTORY = Tool(
    "insurer.claim_history",
    reads_only=True,
    timeout="10s",
    downstream="policy",
    takes=OfPolicy,
    about="Earlier claims under this policy: date of loss, status, what they were about.",
)
EARLIER_PAYMENTS = Tool(
    "insurer.payments",
    reads_only=True,
    timeout="10s",
    downstream="policy",
    takes=OfPolicy,
    about="What was paid before under this policy: claim, coverage, amount, day.",
)
WORDING = Tool(
    "insurer.wording",
    reads_only=True,
    timeout="10s",
    downstream="policy",
    takes=OfCoverage,
    about="The words of the policy about one coverage, with the provisions that hold for every coverage.",
)
ABOUT_POLICY = (POLICY, HISTORY, EARLIER_PAYMENTS, WORDING)
"""What an assessor may look up, all of it about the claim's own policy."""
ELSEWHERE = Tool("documents.elsewhere", reads_only=True, timeout="10s")
SAME_LOSS = Tool("claims.same_loss", reads_only=True, timeout="10s")
WRITE_LETTER = Tool(
    "letters.write", reads_only=True, timeout="30s"
)  # stored under its content hash: the same every time
SEND_LETTER = Tool("letters.send", idempotent_for="24h", reconciles=True, timeout="20s", downstream="letters")
SEND_DECISION = Tool(
    "letters.send_decision",
    idempotent_for="24h",
    reconciles=True,
    irreversible=True,
    timeout="20s",
    downstream="letters",
)
PAY = Tool(
    "payments.pay", idempotent_for="24h", reconciles=True, irreversible=True, timeout="20s", downstream="payments"
)
