"""The claims of a load, made up: honest cases of the demo's kind, each with a policy of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.insurance.demo.samples.casefile import honest_case, stream
from app.insurance.demo.samples.model import Policy
from app.insurance.demo.samples.papers.claim_form import claim_form
from app.insurance.demo.samples.papers.police_report import police_report
from app.insurance.demo.samples.papers.repair_bill import repair_bill

SEED = 7


@dataclass(frozen=True, slots=True)
class MadeClaim:
    """A claim to send in: what is stated of it and its documents (name, content); the policy that the insurer has."""

    stated: dict[str, Any]
    files: Sequence[tuple[str, bytes]]
    policy: Policy


def made(number: int, *, documents: bool) -> MadeClaim:
    """Claim `number`, counted from 1: complete and small enough for one adjuster, or its statement alone."""
    case = honest_case(SEED, number, datetime.now(UTC).date(), "small", "repair_estimate")
    stated = {"claim": case.claim, "policy": case.form.policy, "claimant": case.form.claimant}
    if not documents:
        return MadeClaim(stated, (), case.policy)
    rng = stream(SEED, f"{number}/papers")
    files = [
        ("claim_form.pdf", claim_form(case, rng)),
        ("police_report.pdf", police_report(case, rng)),
        ("estimate.pdf", repair_bill(case)),
    ]
    return MadeClaim(stated, files, case.policy)
