"""The documents of an evidence pack: their bytes under their hash, once each, and what is told of those whose bytes are not there.

The law: bytes that are not those of their name are not passed on as if they were; what is missing is told, with what is known of why.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import IO, Any

from app.core.errors import NotFound
from app.evidence import format as form
from app.evidence.writer import PackWriter

OpenDocument = Callable[[str], AbstractContextManager[IO[bytes]]]
_PDF = "application/pdf"  # letters, of which a run keeps only name and hash
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Documents:
    """The documents going into a pack. `open_document(sha256)` opens bytes, or raises NotFound."""

    def __init__(self, writer: PackWriter, open_document: OpenDocument) -> None:
        self._writer, self._open = writer, open_document
        self._known: dict[str, dict[str, Any]] = {}

    def include(self, document: Mapping[str, Any], *, erased: bool) -> dict[str, Any]:
        """The document with `bytes` (what is there of it) and `file` (where they are, if they are)."""
        sha256 = str(document["sha256"])
        if sha256 not in self._known:
            self._known[sha256] = self._add(sha256, document.get("media_type"))
        stands = self._known[sha256]
        return {**document, **(stands | {"bytes": form.ERASED} if erased and stands["file"] is None else stands)}

    def _add(self, sha256: str, media_type: str | None) -> dict[str, Any]:
        content = self._content(sha256)
        if content is None or hashlib.sha256(content).hexdigest() != sha256:
            return {"bytes": form.MISSING if content is None else form.DAMAGED, "file": None}
        name = form.document_name(sha256, media_type or (_PDF if content.startswith(b"%PDF-") else None))
        self._writer.add(name, content, stored=True)
        return {"bytes": form.INCLUDED, "file": name}

    def _content(self, sha256: str) -> bytes | None:
        if not _SHA256.fullmatch(sha256):
            return None
        try:
            with self._open(sha256) as file:
                return file.read()
        except NotFound:
            return None
