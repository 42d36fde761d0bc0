"""Reading a document without trusting it: the bytes are parsed in a child process with hard limits.

The law: bad content is an answer, never an exception. A bomb, a password, an empty or a broken file gives
`unreadable` with a stable reason and a sentence that tells a person what to do. Only a fault of this machine raises.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.core.errors import NotFound, Transient
from app.core.extraction import PageText

Reason = Literal[
    "ENCRYPTED",
    "EMPTY_FILE",
    "CORRUPT",
    "NO_TEXT_LAYER",
    "TOO_MANY_PAGES",
    "LIMIT_EXCEEDED",
    "UNSUPPORTED_TYPE",
    "TIMED_OUT",
]
_PROJECT = Path(__file__).parents[2]
_MIB = 1024 * 1024
# How native code ends when the memory limit stops it, and how the kernel ends what passes the CPU or file limit.
_LIMIT_SIGNALS = {signal.SIGXCPU, signal.SIGXFSZ, signal.SIGABRT, signal.SIGTRAP, signal.SIGILL}
_CRASH_SIGNALS = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGSYS}


class ReaderFailed(Transient):
    """The reader itself could not run, or was killed by someone else: nothing is known about the document."""


class ReadLimits(BaseModel):
    """What reading one document may cost. Sizes in bytes, times in seconds."""

    model_config = ConfigDict(frozen=True)

    pages: int = Field(default=200, gt=0)
    page_text_bytes: int = Field(default=2 * _MIB, gt=0)
    text_bytes: int = Field(default=16 * _MIB, gt=0, description="all pages together")
    content_bytes: int = Field(default=32 * _MIB, gt=0, description="unpacked drawing operators of all pages")
    memory_bytes: int = Field(default=1536 * _MIB, gt=0)
    cpu_seconds: int = Field(default=30, gt=0)
    wall_seconds: float = Field(default=60.0, gt=0)


class ReadResult(BaseModel):
    """What was read. `pages` is empty unless `status` is 'read'; `engine` names the reader and its version."""

    model_config = ConfigDict(frozen=True)

    status: Literal["read", "unreadable"]
    pages: list[PageText] = Field(default_factory=list)
    reason: Reason | None = None
    sentence: str = ""
    engine: str = ""

    @property
    def pages_without_text(self) -> list[int]:
        """Page numbers that hold no text (scanned pages, photos): a person has to look at them."""
        return [page.number for page in self.pages if not page.text.strip()]


def read_document(path: Path, *, limits: ReadLimits | None = None) -> ReadResult:
    """Read the document at `path` in a child process. Raises NotFound, or ReaderFailed for a fault of this machine."""
    limits = limits or ReadLimits()
    try:
        document = path.open("rb")
    except FileNotFoundError as problem:
        raise NotFound(f"no file {path}; store the document before reading it") from problem
    # The answer goes to a file, not a pipe: the file-size limit then bounds what a hijacked child can send.
    with document, tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as complaints:
        returncode = _run_child(document, answer, complaints, limits)
        if returncode is None:
            return _unreadable("TIMED_OUT", f"Reading it took longer than {limits.wall_seconds:g} s and was stopped.")
        if returncode != 0:
            return _verdict_on_death(returncode, complaints)
        answer.seek(0)
        return _parsed(answer.read())


def _run_child(document: IO[bytes], answer: IO[bytes], complaints: IO[bytes], limits: ReadLimits) -> int | None:
    """The child's return code (negative: the signal that ended it), or None when it ran out of time."""
    spend = {**limits.model_dump(), "answer_bytes": limits.text_bytes * 6 + _MIB, "parent": os.getpid()}
    child = subprocess.Popen(
        [sys.executable, "-s", "-P", "-m", "app.documents.reader_child", json.dumps(spend)],
        stdin=document,
        stdout=answer,
        stderr=complaints,
        close_fds=True,
        start_new_session=True,
        cwd="/",
        env={"PYTHONPATH": str(_PROJECT), "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8"},
    )
    try:
        return child.wait(limits.wall_seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def _verdict_on_death(returncode: int, complaints: IO[bytes]) -> ReadResult:
    """What the way the child ended says about the document. Raises ReaderFailed when it says nothing."""
    if -returncode in _LIMIT_SIGNALS:
        name = signal.Signals(-returncode).name
        return _unreadable("LIMIT_EXCEEDED", f"Reading it needs more memory or time than allowed ({name}).")
    if -returncode in _CRASH_SIGNALS:
        name = signal.Signals(-returncode).name
        return _unreadable("CORRUPT", f"It makes the reader crash ({name}); ask for a new copy.")
    complaints.seek(0)
    last_words = complaints.read(_MIB).decode("utf-8", "replace").strip().rpartition("\n")[2][:300]
    if "MemoryError" in last_words:
        return _unreadable("LIMIT_EXCEEDED", "It unpacks to more memory than allowed.")
    raise ReaderFailed(f"the document reader ended with code {returncode}: {last_words or 'no message'}; try again")


def _parsed(answer: bytes) -> ReadResult:
    try:
        told = json.loads(answer)
        texts = told.pop("pages", [])
        return ReadResult(pages=[PageText(number=n, text=text) for n, text in enumerate(texts, start=1)], **told)
    except (ValueError, TypeError, AttributeError, ValidationError) as problem:
        raise ReaderFailed(f"the document reader's answer cannot be understood: {problem}") from problem


def _unreadable(reason: Reason, sentence: str) -> ReadResult:
    return ReadResult(status="unreadable", reason=reason, sentence=sentence)
