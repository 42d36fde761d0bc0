"""Reading a document without trusting it: the bytes are parsed in a child process with hard limits.

The law: bad content is an answer, never an exception. A bomb, a password, an empty or a broken file gives
`unreadable` with a stable reason and a sentence that tells a person what to do. Only a fault of this machine raises.
"""

from __future__ import annotations

import base64
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.core.values.pages import PageText
from app.documents.confined import ReaderFailed, ReadLimits, ask_child

__all__ = [
    "Attachment",
    "HiddenText",
    "PageShown",
    "Part",
    "ReadLimits",
    "ReadResult",
    "ReaderFailed",
    "ScanRead",
    "WordPlace",
    "can_read_scans",
    "parts_of",
    "read_document",
    "read_scan",
    "show_page",
]

Reason = Literal[
    "ENCRYPTED",
    "EMPTY_FILE",
    "CORRUPT",
    "NO_TEXT_LAYER",
    "NO_WORDS_FOUND",
    "ILLEGIBLE",
    "NO_SUCH_PAGE",
    "TOO_MANY_PAGES",
    "LIMIT_EXCEEDED",
    "UNSUPPORTED_TYPE",
    "TIMED_OUT",
]
_MIB = 1024 * 1024
OCR_LIMITS = ReadLimits(memory_bytes=2048 * _MIB, cpu_seconds=90, wall_seconds=150)
"""For one page: the models alone take 300 MB, a letter page another 400, in 5 s of CPU."""


class _Told(BaseModel):
    model_config = ConfigDict(extra="forbid")

    status: Literal["read", "unreadable"]
    reason: Reason | None = None
    sentence: str = ""
    engine: str = ""


class HiddenText(BaseModel):
    """Words of a page that nobody sees who looks at it. They are no part of its text.

    A fact, not yet a suspicion: some programs leave their name in tiny print, or a page number beside the page.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    page: int
    text: str = Field(description="at most 500 characters of it")
    why: str = Field(description="off the page, tiny, drawn invisibly, without contrast")


class Attachment(BaseModel):
    """What came within a document. `dropped` says why it is no document of its own; empty: it is one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    filename: str
    size: int = 0
    dropped: str = ""


class Part(Attachment):
    """An attachment with its bytes; none where it was dropped."""

    data: bytes = Field(default=b"", repr=False)


class ReadResult(_Told):
    """What was read. `pages` is empty unless `status` is 'read'; `engine` names the reader and its version.

    `scanned`: the numbers of the pages that are pictures of text, for `read_scan`; there may be some although the
    document as such is unreadable. Empty where OCR is not installed: then they are pages without text.
    """

    pages: list[PageText] = Field(default_factory=list)
    scanned: list[int] = Field(default_factory=list)
    hidden: list[HiddenText] = Field(default_factory=list)
    attachments: list[Attachment] = Field(default_factory=list)

    @property
    def pages_without_text(self) -> list[int]:
        """Page numbers that hold no text (scanned pages, photos): OCR or a person has to look at them."""
        return [page.number for page in self.pages if not page.text.strip()]


class WordPlace(BaseModel):
    """A word and its place as parts of the page, from 0 to 1 from its upper left corner."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    left: float
    top: float
    right: float
    bottom: float


class ScanRead(_Told):
    """One page as OCR read it. `sure`: how sure it is of the page (0 to 1); `unsure`: the lines that it may have misread."""

    text: str = ""
    sure: float = 0.0
    unsure: list[str] = Field(default_factory=list)
    words: list[WordPlace] = Field(default_factory=list)


class _PartsTold(_Told):
    parts: list[Part] = Field(default_factory=list)


class PageShown(_Told):
    """A picture of one page, as PNG, and its words. The words of a scan are OCR's: here there are none."""

    png: bytes = b""
    width: int = 0
    height: int = 0
    words: list[WordPlace] = Field(default_factory=list)


def can_read_scans() -> bool:
    """Whether OCR is installed here (the extra `ocr`)."""
    return all(find_spec(name) is not None for name in ("rapidocr", "onnxruntime"))


def read_document(source: Path | IO[bytes], *, limits: ReadLimits | None = None) -> ReadResult:
    """Read the document in a child process. Raises NotFound, or ReaderFailed for a fault of this machine."""
    limits = limits or ReadLimits()
    told = ask_child(source, {"name": "text"}, limits, limits.text_bytes * 6)
    texts = told.pop("pages", [])
    told["pages"] = [{"number": number, "text": text} for number, text in enumerate(texts, start=1)]
    result = _parsed(ReadResult, told)
    if not result.scanned or can_read_scans():
        return result
    how = "Reading scans (OCR) is not installed here; a person has to look at it." if result.status != "read" else ""
    return result.model_copy(update={"scanned": [], "sentence": how or result.sentence})


def read_scan(source: Path | IO[bytes], page: int, *, limits: ReadLimits = OCR_LIMITS) -> ScanRead:
    """Read one page by OCR in a child process. Raises NotFound, or ReaderFailed where OCR cannot run."""
    if not can_read_scans():
        raise ReaderFailed("reading scans (OCR) is not installed here; install longhaul with its extra 'ocr'")
    told = ask_child(source, {"name": "scan", "page": page}, limits, limits.page_text_bytes * 24)
    return _parsed(ScanRead, told | {"words": _words(told)})


def parts_of(source: Path | IO[bytes], *, limits: ReadLimits | None = None) -> list[Part]:
    """The attachments of an e-mail, taken out in a child process; of anything else, or where it cannot be opened, none.

    Raises NotFound, or ReaderFailed for a fault of this machine.
    """
    limits = limits or ReadLimits()
    told = ask_child(source, {"name": "parts"}, limits, limits.attachment_bytes * 2)
    for part in told.get("parts", []):
        part["data"] = base64.b64decode(str(part.get("data", "")))
    return _parsed(_PartsTold, told).parts


def show_page(source: Path | IO[bytes], page: int, *, limits: ReadLimits | None = None) -> PageShown:
    """Draw one page in a child process. Raises NotFound, or ReaderFailed for a fault of this machine."""
    limits = limits or ReadLimits()
    told = ask_child(source, {"name": "show", "page": page}, limits, limits.pixels * 2 + limits.page_text_bytes * 24)
    png = base64.b64decode(str(told.pop("png", "")))
    return _parsed(PageShown, told | {"png": png, "words": _words(told)})


Shape = TypeVar("Shape", bound=_Told)


def _parsed(shape: type[Shape], told: dict[str, Any]) -> Shape:
    try:
        return shape.model_validate(told)
    except ValidationError as problem:
        raise ReaderFailed(f"the document reader's answer cannot be understood: {problem}") from problem


def _words(told: dict[str, Any]) -> list[dict[str, Any]]:
    names = ("text", "left", "top", "right", "bottom")
    return [dict(zip(names, entry, strict=True)) for entry in told.pop("words", [])]
