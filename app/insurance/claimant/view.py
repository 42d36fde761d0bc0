"""What a claimant is shown of their claim: its number, what is asked of them, and what they sent by this very link."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import ValidationError

from app.core.lifecycle import ENDED, Status
from app.engine.runtime import Runtime
from app.insurance import intake
from app.insurance.claimant import claimant_links
from app.store.database import Connection
from app.store.reads import pages
from app.store.records import documents
from app.store.runs import runs
from workflows.insurance_claim.intake import what_was_not_read
from workflows.insurance_claim.models import ClaimFile2

MOST_ASKED = 20
_LONGEST = 200  # characters of one thing asked
Standing = Literal["asked", "nothing", "ended"]


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """standing: whether something is asked now. asked: what, unread: which files could not be read, both as the letter says."""

    claim: str
    standing: Standing
    asked: Sequence[str]
    unread: Sequence[str]
    received: Sequence[documents.Document]
    expires_at: datetime


def see(rt: Runtime, token: str) -> View:
    """Look at a claim through a link. Raises LinkEnded."""
    with pages.snapshot(rt.database) as db:
        link = claimant_links.opened(db, token)
        run = runs.read(db, link.run_id)
        if run is None:
            raise claimant_links.LinkEnded("its run is gone")
        waits = run.status is Status.WAITING_FOR_EVENT and intake.SIGNAL in run.routes
        asked, unread = asked_of(db, run.id) if waits else ([], [])
        mine = [sent for sent in documents.of_run(db, run.id) if sent.uploaded_by == claimant_links.actor(link)]
        return View(
            claim=run.subject,
            standing="ended" if run.status in ENDED else "asked" if waits else "nothing",
            asked=asked,
            unread=unread,
            received=mine,
            expires_at=link.expires_at,
        )


def asked_of(db: Connection, run_id: Any) -> tuple[list[str], list[str]]:
    """What the last letter asked for: kinds of documents, and sentences about files that could not be read."""
    try:
        data = ClaimFile2.model_validate(runs.data_of(db, run_id))
    except ValidationError:
        return [], []  # another workflow's, or erased
    asked = [kind.replace("_", " ")[:_LONGEST] for kind in data.missing[:MOST_ASKED]]
    return asked, what_was_not_read(data)
