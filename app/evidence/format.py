"""What an evidence pack is, for those who write it and those who check it: its files, their names, how values are written.

The law: a change that a checker of before would not understand raises VERSION. Rows are written as they are stored: a text
that Postgres cannot hold is escaped there and here alike (`app.core.canonical`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.store.records.evidence import RECORDS

FORMAT, VERSION = "longhaul-evidence", 1
MANIFEST, SIGNATURE, PUBLIC_KEY = "manifest.json", "manifest.sig", "public_key.pem"
SEAL = (MANIFEST, SIGNATURE, PUBLIC_KEY)
"""The three files that the manifest does not list: itself, its signature, and whose that is."""

RUN, PAGE, DIAGRAM, FINDINGS, DOCUMENTS = "run.json", "index.html", "workflow.mmd", "findings.json", "documents.jsonl"
OF_A_RUN = (PAGE, RUN, *(f"{kind}.jsonl" for kind in RECORDS), DOCUMENTS, FINDINGS, DIAGRAM)
"""The files of each run: of the one that was asked for on top, of its children under `children/<id>/`."""

_SHA256 = r"([0-9a-f]{64})"
DOCUMENT = re.compile(rf"documents/{_SHA256}(?:\.[a-z]+)+")
BLOB = re.compile(rf"blobs/{_SHA256}\.json")
_ENDINGS: Mapping[str, str] = {
    "application/pdf": ".pdf",
    "text/plain": ".txt",
    "message/rfc822": ".eml",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "image/tiff": ".tif",
    "image/bmp": ".bmp",
    "image/webp": ".webp",
    "text/html": ".html.txt",  # opened by a click it is read, and not run
}
INCLUDED, ERASED, MISSING, DAMAGED = "included", "erased", "missing", "damaged"
"""What `bytes` says of a document. Only the bytes of an included one are in the pack."""


def folder(run_id: UUID | str, root: UUID | str) -> str:
    """Where the files of a run lie."""
    return "" if str(run_id) == str(root) else f"children/{run_id}/"


def document_name(sha256: str, media_type: str | None) -> str:
    """Where the bytes of a document lie: under their hash, so that the same bytes lie there once."""
    return f"documents/{sha256}{_ENDINGS.get(media_type or '', '.bin')}"


def blob_name(sha256: str) -> str:
    """Where a payload lies that is kept by reference."""
    return f"blobs/{sha256}.json"


def line(value: Any) -> bytes:
    """A record on one line: keys sorted, times in UTC, so that equal rows are equal bytes."""
    text = json.dumps(value, default=_plain, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode() + b"\n"


def sheet(value: Any) -> bytes:
    """A record to be read by people too."""
    return (
        json.dumps(value, default=_plain, sort_keys=True, ensure_ascii=False, allow_nan=False, indent=1).encode()
        + b"\n"
    )


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat()
        case UUID() | Decimal():
            return str(value)
        case bytes() | memoryview():
            return bytes(value).hex()
    raise TypeError(f"{type(value).__name__} has no place in an evidence pack")
