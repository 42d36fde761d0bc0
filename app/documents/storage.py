"""Content-addressed storage: a document is its bytes, and its name is their SHA-256.

The law: a document appears whole or not at all (temporary file, fsync, rename), is never changed afterwards, and is
checked against its name whenever it is handed out. Zero bytes are kept too: that a claimant sent an empty file is a
fact of the claim.
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from pathlib import Path, PurePosixPath
from uuid import uuid4

from pydantic import BaseModel, ConfigDict

from app.core.errors import BadInput, LonghaulError, NotFound
from app.documents.media import media_type_of

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
    """Documents in a folder, two levels deep: `<root>/ab/abcdef…`. Any number of processes may share it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, data: bytes, filename: str) -> StoredDocument:
        """Keep `data`; the same bytes again change nothing. Raises DocumentRefused above 25 MB."""
        if len(data) > MAX_BYTES:
            raise DocumentRefused(
                f"{display_name(filename)} has {len(data):,} bytes; at most {MAX_BYTES:,} (25 MB) are accepted. "
                "Split it, or scan it at a lower resolution."
            )
        sha256 = hashlib.sha256(data).hexdigest()
        place = self.path(sha256)
        if not _holds(place, len(data)):
            _write_whole(place, data)
        return StoredDocument(
            sha256=sha256, size=len(data), filename=display_name(filename), media_type=media_type_of(data)
        )

    def get(self, sha256: str) -> bytes:
        """The bytes. Raises NotFound when they were never stored, DocumentDamaged when they changed."""
        try:
            data = self.path(sha256).read_bytes()
        except FileNotFoundError as problem:
            raise NotFound(f"no document {sha256} in the store; it was never uploaded or has been erased") from problem
        if hashlib.sha256(data).hexdigest() != sha256:
            raise DocumentDamaged(f"document {sha256} no longer matches its hash; restore it from a backup")
        return data

    def erase(self, sha256: str) -> bool:
        """Remove the bytes for good (a person's right, or the end of retention); False when there were none."""
        place = self.path(sha256)
        try:
            place.unlink()
        except FileNotFoundError:
            return False
        _sync_folder(place.parent)
        return True

    def path(self, sha256: str) -> Path:
        """Where these bytes lie, whether or not they exist. Raises DocumentRefused for what is no SHA-256."""
        if not _SHA256.fullmatch(sha256):
            raise DocumentRefused(f"{sha256[:80]!r} is no document hash; give the 64 hex digits of its SHA-256")
        return self.root / sha256[:2] / sha256


def display_name(filename: str) -> str:
    """`filename` without folders, control and direction-changing characters, at most 120 characters long."""
    last = filename.replace("\\", "/").rstrip("/").rpartition("/")[2]
    plain = "".join(c for c in unicodedata.normalize("NFC", last) if unicodedata.category(c)[0] != "C")
    plain = " ".join(plain.split())
    if len(plain) > _NAME_LENGTH:
        suffix = PurePosixPath(plain).suffix[:10]
        plain = plain[: _NAME_LENGTH - len(suffix) - 1] + "…" + suffix
    return plain if plain.strip(". ") else "document"


def _holds(place: Path, size: int) -> bool:
    """True when a file of that size is there; a shorter one is left from a disk that lied, and is replaced."""
    try:
        return place.stat().st_size == size
    except FileNotFoundError:
        return False


def _write_whole(place: Path, data: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_name(f".{place.name}.{uuid4().hex}")
    try:
        with draft.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(place)
    finally:
        draft.unlink(missing_ok=True)
    # The rename itself, and a folder made on the way, survive a power cut only once their folders are synced.
    for folder in (place.parent, place.parent.parent):
        _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
