"""Content-addressed storage: a document is its bytes, and its name is their SHA-256.

The law: a document appears whole or not at all, is never changed afterwards, and is
checked against its name whenever it is handed out. Zero bytes are kept too: that a claimant sent an empty file is a
fact of the claim.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Self

from pydantic import BaseModel, ConfigDict

from app.core.errors import BadInput, LonghaulError, NotFound
from app.documents.media import media_type_of
from app.documents.places import place_of
from app.settings import Settings

MAX_BYTES = 25 * 1024 * 1024
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME_LENGTH = 120


class DocumentRefused(BadInput):
    """The document cannot be accepted; the message names the remedy. Nothing was stored."""


class DocumentDamaged(LonghaulError):
    """The stored bytes no longer match their hash: restore this file from a backup."""


class StoredDocument(BaseModel):
    """What the store knows of a document: `size` in bytes, `filename` safe to show, `media_type` by content."""

    model_config = ConfigDict(frozen=True)

    sha256: str
    size: int
    filename: str
    media_type: str


class DocumentStore:
    """Documents two levels deep, `ab/abcdef…`, in a folder or behind an fsspec URL; what is made of one lies beside it.

    Any number of processes may share it.
    """

    def __init__(self, where: Path | str) -> None:
        self._place = place_of(where)

    @classmethod
    def of(cls, config: Settings) -> Self:
        """Where the settings say that documents and letters lie."""
        return cls(config.documents_url or config.data_dir / "documents")

    def put(self, data: bytes, filename: str) -> StoredDocument:
        """Keep `data`; the same bytes again change nothing. Raises DocumentRefused above 25 MB."""
        if len(data) > MAX_BYTES:
            raise DocumentRefused(
                f"{display_name(filename)} has {len(data):,} bytes; at most {MAX_BYTES:,} (25 MB) are accepted. "
                "Split it, or scan it at a lower resolution."
            )
        sha256 = hashlib.sha256(data).hexdigest()
        if self._place.size(_name(sha256)) != len(data):  # a shorter one is left from a disk that lied, and is replaced
            self._place.write(_name(sha256), data)
        return StoredDocument(
            sha256=sha256, size=len(data), filename=display_name(filename), media_type=media_type_of(data)
        )

    def get(self, sha256: str) -> bytes:
        """The bytes. Raises NotFound when they were never stored, DocumentDamaged when they changed."""
        try:
            data = self._place.read(_name(sha256))
        except FileNotFoundError as problem:
            raise _unknown(sha256) from problem
        if hashlib.sha256(data).hexdigest() != sha256:
            raise DocumentDamaged(f"document {sha256} no longer matches its hash; restore it from a backup")
        return data

    @contextmanager
    def opened(self, sha256: str) -> Iterator[IO[bytes]]:
        """The bytes as a file with a descriptor, for a child process to read. Raises NotFound."""
        with ExitStack() as stack:
            try:
                file = stack.enter_context(self._place.opened(_name(sha256)))
            except FileNotFoundError as problem:
                raise _unknown(sha256) from problem
            yield file

    def erase(self, sha256: str) -> bool:
        """Remove the bytes for good, and all that was made of them (a person's right, or the end of retention).

        False when there were none.
        """
        self._place.remove(_made_of(sha256))
        return self._place.remove(_name(sha256))

    def keep_made(self, sha256: str, what: str, data: bytes) -> None:
        """Keep something that was made of a document, such as a page's picture. It can be made again, and goes with it."""
        self._place.write(f"{_made_of(sha256)}/{what}", data)

    def made(self, sha256: str, what: str) -> bytes | None:
        """What was made of a document, or None."""
        try:
            return self._place.read(f"{_made_of(sha256)}/{what}")
        except FileNotFoundError:
            return None


def _name(sha256: str) -> str:
    """Under which name a document lies. Raises DocumentRefused for what is no SHA-256."""
    if not _SHA256.fullmatch(sha256):
        raise DocumentRefused(f"{sha256[:80]!r} is no document hash; give the 64 hex digits of its SHA-256")
    return f"{sha256[:2]}/{sha256}"


def _made_of(sha256: str) -> str:
    return f"{_name(sha256)}.made"


def _unknown(sha256: str) -> NotFound:
    return NotFound(f"no document {sha256} in the store; it was never uploaded or has been erased")


def display_name(filename: str) -> str:
    """`filename` without folders, control and direction-changing characters, at most 120 characters long."""
    last = filename.replace("\\", "/").rstrip("/").rpartition("/")[2]
    plain = "".join(c for c in unicodedata.normalize("NFC", last) if unicodedata.category(c)[0] != "C")
    plain = " ".join(plain.split())
    if len(plain) > _NAME_LENGTH:
        suffix = PurePosixPath(plain).suffix[:10]
        plain = plain[: _NAME_LENGTH - len(suffix) - 1] + "…" + suffix
    return plain if plain.strip(". ") else "document"
