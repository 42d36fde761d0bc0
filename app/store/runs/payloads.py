"""Payloads: canonical JSON in their row, large ones by reference.

The law: a payload is canonical JSON; past 256 KB it is stored once, under its content hash, and the row holds
`{"$blob": sha256, "size": bytes}`. What is stored by reference passes `CODEC` on its way in and out, which leaves it
as it is; what stays in its row does not.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Protocol

from app.core.canonical import MAX_BYTES, canonical, restore, storable
from app.core.errors import BadInput
from app.store.database import Connection


class Codec(Protocol):
    """What happens to a payload stored by reference, between the product and the table `blobs`."""

    def pack(self, content: bytes) -> bytes: ...

    def unpack(self, content: bytes) -> bytes: ...


class PlainCodec:
    """Stores what it is given."""

    def pack(self, content: bytes) -> bytes:
        return content

    def unpack(self, content: bytes) -> bytes:
        return content


CODEC: Codec = PlainCodec()


def is_large(text: str) -> bool:
    """Whether a canonical text must be stored by reference."""
    return len(text) > MAX_BYTES // 4 and len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES


def by_reference(db: Connection, text: str) -> str:
    """Store a large canonical text under its hash; the canonical text of the reference."""
    content = text.encode("utf-8", "surrogatepass")
    sha256 = hashlib.sha256(content).hexdigest()
    db.execute(
        "INSERT INTO blobs (sha256, size, content, created_at) VALUES (%s, %s, %s, app_now()) ON CONFLICT DO NOTHING",
        [sha256, len(content), CODEC.pack(content)],
    )
    return canonical({"$blob": sha256, "size": len(content)})


def boundary_text(value: Any, *, what: str) -> str:
    """The canonical text of a request's payload. Raises BadInput for what is no JSON or over the limit."""
    text = canonical(value)
    if is_large(text):
        raise BadInput(
            f"{what} has {len(text):,} characters; the limit is {MAX_BYTES:,} bytes: send large content as a document"
        )
    return text


def result_text(db_write: Any, value: Any) -> str:
    """The text under which a result is stored; `db_write(work)` runs a transaction if it must go by reference."""
    text = storable(value)
    return str(db_write(lambda db: by_reference(db, text))) if is_large(text) else text


def load(db: Connection, value: Any) -> Any:
    """A stored payload with its reference resolved."""
    if isinstance(value, dict) and "$blob" in value:
        row = db.execute("SELECT content FROM blobs WHERE sha256 = %s", [value["$blob"]]).fetchone()
        if row is None:
            raise BadInput(f"the content {value['$blob']} was erased")
        return restore(json.loads(CODEC.unpack(bytes(row["content"]))))
    return value
