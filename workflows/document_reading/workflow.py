"""document_reading: RECEIVED -> COMPLETE. A document that cannot be read is an answer, with its reason, not a failure."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from app.core.extraction import DocumentFacts, PageText
from app.core.retry import PATIENT
from app.core.tools import Tool
from app.core.workflow import Step, Workflow
from workflows.document_reading.reading import read_pages

READ = Tool("documents.read", reads_only=True, timeout="2m")
MOST_CHARACTERS = 120_000  # of one document's facts; a run's data holds 262,144


class DocumentReading(BaseModel):
    """One document on its way from bytes to facts."""

    model_config = ConfigDict(validate_assignment=True)

    document_id: str
    sha256: str
    filename: str
    media_type: str = "application/octet-stream"
    status: str = "received"
    reason: str | None = None
    sentence: str = ""
    engine: str = ""
    pages: int | None = None
    pages_without_text: list[int] = []
    facts: DocumentFacts | None = None
    provider: str = ""


def read(step: Any, data: DocumentReading) -> str:
    """Read the document in a confined child process, then extract what it states; each quote must stand in its page."""
    result = step.call(READ, sha256=data.sha256, filename=data.filename)
    data.status, data.reason = result["status"], result.get("reason")
    data.sentence, data.engine = result.get("sentence", ""), result.get("engine", "")
    pages = [PageText.model_validate(page) for page in result.get("pages", [])]
    data.pages = len(pages) or None
    data.pages_without_text = [page.number for page in pages if not page.text.strip()]
    if data.status != "read":
        return "unreadable"
    facts, data.provider = read_pages(step, data.document_id, data.filename, pages)
    many = len(facts.model_dump_json()) > MOST_CHARACTERS
    data.facts = without_lines(facts) if many else facts
    return "read"


def without_lines(facts: DocumentFacts) -> DocumentFacts:
    """The facts of a document with more billed lines than can be kept; a note says so, and no sum is checked by lines."""
    said = (
        f"lines: {len(facts.lines)} billed lines are left out, they are more than a claim file holds; see the document"
    )
    return facts.model_copy(update={"lines": [], "notes": [*facts.notes, said]})


DOCUMENT_READING = Workflow(
    name="document_reading",
    version=1,
    data=DocumentReading,
    starts_at="READING",
    expected="2m",
    states=[
        Step("READING", does=read, pool="documents", expected="10s", timeout="4m", retry=PATIENT,
             then={"read": "COMPLETE", "unreadable": "COMPLETE"}),
    ],
)  # fmt: skip
