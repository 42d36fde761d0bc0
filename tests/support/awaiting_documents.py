"""A run that waits for its claimant's documents, files them and rests: a workflow alone, as a process loads it by its name."""

from __future__ import annotations

from typing import Any

from app.core.workflow import Step, Timer, Wait, Workflow
from workflows.insurance_claim.intake import what_is_missing
from workflows.insurance_claim.models import ClaimFile


def _file(step: Any, data: ClaimFile) -> str:
    came = [ref["filename"] for signal in step.signals for ref in signal["payload"]["documents"]]
    data.notes = [*data.notes, *came]
    data.missing = []
    return "filed"


AWAITING_DOCUMENTS = Workflow(
    name="papers",
    version=1,
    data=ClaimFile,
    starts_at="WAITING_FOR_DOCUMENT",
    states=[
        Wait(
            "WAITING_FOR_DOCUMENT",
            event="document_uploaded",
            expires="90d",
            reason=what_is_missing,
            then={"document_uploaded": "FILING", "expired": "FILING"},
        ),
        Step("FILING", does=_file, then={"filed": "RESTING"}),
        Timer("RESTING", lasts="1h", then={"due": "CLOSING"}),
        Step("CLOSING", does=lambda step, data: "closed", then={"closed": "COMPLETE"}),
    ],
)
