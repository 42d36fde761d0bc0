"""What an assessment of a claim is, and when one can be believed.

The law: an assessor has tools that only read, about this policy alone, and answers in a form without a denial in it.
Every reason cites what exists, and names no amount that nobody told it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from app.core.canonical import canonical
from app.core.values.amounts import amounts_in
from app.insurance.reading.extraction import Money
from app.insurance.reading.quotes import amounts_of
from workflows.insurance_claim.facts import Part
from workflows.insurance_claim.models import Reason


class Assessment(Part):
    """What an assessor suggests. There is no denial in it: whether to deny is for people to ask."""

    outcome: Literal["settle", "investigate", "abstain"]
    amount: Money | None = Field(
        default=None, description="what the coverage pays of the billed total; only if it can be computed"
    )
    reasons: list[Reason] = Field(min_length=1, max_length=24)
    confidence: float = Field(default=0.0, ge=0.0, le=1.0)


def check(answer: Assessment, request: Mapping[str, Any]) -> list[str]:
    """What is wrong with an assessment; the sentences name places, never what stands in them."""
    entries = [e for part in ("amounts", "open_questions", "decisions", "facts") for e in request["summary"][part]]
    findings, tools = request["last_step"]["findings"], request.get("tools", [])
    known = {entry["id"] for entry in [*entries, *findings]} | {said["ref"] for said in tools}
    total = next((entry["id"] for entry in request["summary"]["amounts"] if entry["name"] == "billed total"), None)
    told = amounts_of(canonical([entries, tools, request["last_step"]]), "point")
    told.add(answer.amount)
    wrong = []
    for n, reason in enumerate(answer.reasons, start=1):
        if not reason.cites and known:
            wrong.append(f"reason {n} cites nothing")
        wrong += [
            f"reason {n} cites {cited[:20]!r}, which does not exist" for cited in reason.cites if cited not in known
        ]
        if {read.value for read in amounts_in(reason.says, "point")} - told:
            wrong.append(f"reason {n} names an amount that stands nowhere")
    if answer.outcome == "settle" and answer.amount is None:
        wrong.append("to settle takes an amount")
    if answer.amount is not None and (total is None or not any(total in reason.cites for reason in answer.reasons)):
        wrong.append(
            "an amount rests on the billed total, which no reason cites"
            if total
            else "there is no billed total to pay of"
        )
    if answer.outcome == "settle" and (blocks := [f["id"] for f in findings if f["severity"] == "blocking"]):
        wrong.append(f"{', '.join(blocks)} must be settled by a person before anything is paid")
    return wrong
