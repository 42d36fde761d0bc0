"""document_reading: RECEIVED -> COMPLETE. A document that cannot be read is an answer, with its reason, not a failure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from app.core.declarations.tools import Tool
from app.core.retry import PATIENT
from app.core.step import StepContext
from app.core.values.pages import PageText
from app.core.workflow import Step, Workflow
from app.insurance.reading.extraction import DocumentFacts
from workflows.document_reading.reading import read_pages

READ = Tool("documents.read", reads_only=True, timeout="2m")
READ_SCAN = Tool("documents.read_scan", reads_only=True, timeout="3m", downstream="ocr")
MOST_HIDDEN = 20  # places of one document with hidden text, of at most 500 characters each
SAME_WORDS = 0.8  # of an invisible text layer and of the picture above it: two programs read it, each with its errors
MOST_DROPPED = 20  # attachments of one document that are named as not taken
MOST_UNSURE = 20  # lines of one document that OCR may have misread, as they are told to a person
MOST_SCANNED_PAGES = 40  # of one document; the others go to a person
MOST_CHARACTERS = 120_000  # of one document's facts; a run's data holds 262,144


_WORD = re.compile(r"\w+")


class Hidden(BaseModel):
    """Words on a page that nobody sees who looks at it: no part of what is read, and a reason to look closer."""

    page: int
    text: str
    why: str


def is_scanners_own(found: Hidden, page: int, read: str) -> bool:
    """Whether an invisible text layer is the one that scanners lay under their pictures: it says what OCR reads there."""
    said = _WORD.findall(found.text.lower())
    seen = set(_WORD.findall(read.lower()))
    same = sum(word in seen for word in said)
    return found.page == page and found.why == "drawn invisibly" and same >= SAME_WORDS * len(said)


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
    pages_unsure: list[int] = []
    unsure: list[str] = []
    hidden: list[Hidden] = []
    dropped: list[str] = []
    facts: DocumentFacts | None = None
    provider: str = ""


def read(step: StepContext, data: DocumentReading) -> str:
    """Read the document in a confined child process, then extract what it states; each quote must stand in its page."""
    result = step.call(READ, sha256=data.sha256, filename=data.filename)
    data.status, data.reason = result["status"], result.get("reason")
    data.sentence, data.engine = result.get("sentence", ""), result.get("engine", "")
    data.hidden = [Hidden.model_validate(found) for found in result.get("hidden", [])[:MOST_HIDDEN]]
    data.dropped = [f"{a['filename']}: {a['dropped']}" for a in result.get("attachments", []) if a["dropped"]][
        :MOST_DROPPED
    ]
    pages = scans_read(
        step, data, {page["number"]: page["text"] for page in result.get("pages", [])}, result.get("scanned", [])
    )
    data.pages = len(pages) or None
    data.pages_without_text = [page.number for page in pages if not page.text.strip()]
    if data.status != "read":
        return "unreadable"
    facts, data.provider = read_pages(step, data.document_id, data.filename, pages)
    many = len(facts.model_dump_json()) > MOST_CHARACTERS
    data.facts = without_lines(facts) if many else facts
    return "read"


def scans_read(
    step: StepContext, data: DocumentReading, texts: dict[int, str], scanned: Sequence[int]
) -> list[PageText]:
    """The pages, those that are pictures read by OCR: one page a call, so that a page once read is never read again.

    What OCR found nothing on stays a page without text; what it is not sure of is kept for a person to compare.
    """
    why: tuple[str, str] | None = None
    for number in scanned[:MOST_SCANNED_PAGES]:
        scan = step.call(READ_SCAN, sha256=data.sha256, page=number)
        texts.setdefault(number, "")
        if scan["status"] != "read":
            why = why or (scan["reason"], scan["sentence"])
            continue
        texts[number] = scan["text"]
        data.hidden = [found for found in data.hidden if not is_scanners_own(found, number, scan["text"])]
        if scan["engine"] not in data.engine:
            data.engine = ", ".join(filter(None, [data.engine, scan["engine"]]))
        if scan["unsure"]:
            data.pages_unsure = [*data.pages_unsure, number]
            data.unsure = [*data.unsure, *scan["unsure"]][:MOST_UNSURE]
    for number in scanned[MOST_SCANNED_PAGES:]:
        texts.setdefault(number, "")
    if any(text.strip() for text in texts.values()):
        data.status, data.reason, data.sentence = "read", None, ""
    elif why:
        data.reason, data.sentence = why
    return [PageText(number=number, text=text) for number, text in sorted(texts.items())]


def without_lines(facts: DocumentFacts) -> DocumentFacts:
    """The facts of a document with more billed lines than can be kept; a note says so, and no sum is checked by lines."""
    said = (
        f"lines: {len(facts.lines)} billed lines are left out, they are more than a claim file holds; see the document"
    )
    return facts.model_copy(update={"lines": [], "notes": [*facts.notes, said]})


# A definition is read as a table: a state, what it does and where it leads, together.
# fmt: off
DOCUMENT_READING = Workflow(
    name="document_reading",
    version=1,
    data=DocumentReading,
    starts_at="READING",
    expected="2m",
    states=[
        Step("READING", does=read, pool="documents", expected="10s", timeout="20m", retry=PATIENT,
             then={"read": "COMPLETE", "unreadable": "COMPLETE"}),
    ],
)
# fmt: on
