"""The child process that looks at a document for us: started under limits, waited for, and its end understood.

The law: whatever a document does to the child, the caller gets an answer. The kernel ends what costs too much, and how
the child ended says why. Only what says nothing about the document raises. However many threads ask, a process has no more
children at work than the machine has cores, nor more than AT_MOST: each may take its full memory.
"""

from __future__ import annotations

import json
import os
import signal
import tempfile
import threading
from pathlib import Path
from typing import IO, Any, cast

from pydantic import BaseModel, ConfigDict, Field

from app.core.errors import NotFound, Transient
from app.documents.child.asked import Asked, Task
from app.documents.fork_server import ForkServer, ServerGone

AT_MOST = 8
_at_work = threading.BoundedSemaphore(min(AT_MOST, max(2, os.cpu_count() or 2)))
_MIB = 1024 * 1024
# How native code ends when the memory limit stops it, and how the kernel ends what passes the CPU or file limit.
_LIMIT_SIGNALS = {signal.SIGXCPU, signal.SIGXFSZ, signal.SIGABRT, signal.SIGTRAP, signal.SIGILL}
_CRASH_SIGNALS = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGSYS}
_readers = ForkServer()


class ReaderFailed(Transient):
    """The reader itself could not run, or was killed by someone else: nothing is known about the document."""


class ReadLimits(BaseModel):
    """What looking at one document, or at one page of it, may cost. Sizes in bytes, times in seconds."""

    model_config = ConfigDict(frozen=True)

    pages: int = Field(default=200, gt=0)
    page_text_bytes: int = Field(default=2 * _MIB, gt=0)
    text_bytes: int = Field(default=16 * _MIB, gt=0, description="all pages together")
    content_bytes: int = Field(default=32 * _MIB, gt=0, description="unpacked drawing operators of all pages")
    pixels: int = Field(default=6_000_000, gt=0, description="a page drawn by us is made coarser to have no more")
    picture_pixels: int = Field(default=40_000_000, gt=0, description="a picture that has more is refused")
    attachments: int = Field(default=50, ge=0, description="of an e-mail")
    attachment_bytes: int = Field(default=40 * _MIB, ge=0, description="all attachments of an e-mail together")
    memory_bytes: int = Field(default=1536 * _MIB, gt=0)
    cpu_seconds: int = Field(default=30, gt=0)
    wall_seconds: float = Field(default=60.0, gt=0)


def ask_child(source: Path | IO[bytes], task: Task, limits: ReadLimits, answer_bytes: int) -> dict[str, Any]:
    """The child's answer about the document at `source`. Raises NotFound, or ReaderFailed for a fault of this machine."""
    if isinstance(source, Path):
        try:
            with source.open("rb") as document:
                return _ask(document, task, limits, answer_bytes)
        except FileNotFoundError as problem:
            raise NotFound(f"no file {source}; store the document before reading it") from problem
    return _ask(source, task, limits, answer_bytes)


def asked(task: Task, limits: ReadLimits, answer_bytes: int) -> Asked:
    """What the child is asked, as its argument says it."""
    said = {**limits.model_dump(), "task": task, "answer_bytes": answer_bytes, "parent": os.getpid()}
    return cast("Asked", said)


def _ask(document: IO[bytes], task: Task, limits: ReadLimits, answer_bytes: int) -> dict[str, Any]:
    # The answer goes to a file, not a pipe: the file-size limit then bounds what a hijacked child can send.
    with tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as complaints:
        spend = asked(task, limits, answer_bytes + _MIB)
        try:
            with _at_work:
                returncode = _readers.read(document, answer, complaints, spend, limits.wall_seconds)
        except ServerGone as problem:
            raise ReaderFailed("the document reader was killed; try again") from problem
        if returncode is None:
            return _unreadable("TIMED_OUT", f"Reading it took longer than {limits.wall_seconds:g} s and was stopped.")
        if returncode != 0:
            return _verdict_on_death(returncode, complaints)
        answer.seek(0)
        try:
            told = json.loads(answer.read())
        except ValueError as problem:
            raise ReaderFailed(f"the document reader's answer cannot be understood: {problem}") from problem
        if not isinstance(told, dict):
            raise ReaderFailed("the document reader's answer cannot be understood: it is no object")
        return told


def _verdict_on_death(returncode: int, complaints: IO[bytes]) -> dict[str, Any]:
    """What the way the child ended says about the document. Raises ReaderFailed when it says nothing."""
    if -returncode in _LIMIT_SIGNALS:
        name = signal.Signals(-returncode).name
        return _unreadable("LIMIT_EXCEEDED", f"Reading it needs more memory or time than allowed ({name}).")
    if -returncode in _CRASH_SIGNALS:
        name = signal.Signals(-returncode).name
        return _unreadable("CORRUPT", f"It makes the reader crash ({name}); ask for a new copy.")
    complaints.seek(0)
    last_words = complaints.read(_MIB).decode("utf-8", "replace").strip().rpartition("\n")[2][:300]
    if "MemoryError" in last_words or "bad_alloc" in last_words:
        return _unreadable("LIMIT_EXCEEDED", "It unpacks to more memory than allowed.")
    raise ReaderFailed(f"the document reader ended with code {returncode}: {last_words or 'no message'}; try again")


def _unreadable(reason: str, sentence: str) -> dict[str, Any]:
    return {"status": "unreadable", "reason": reason, "sentence": sentence}
