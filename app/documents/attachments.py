"""An e-mail brings documents of its own: its attachments are kept as if they had been sent one by one.

The law: nothing that came is left out unsaid. What cannot be taken out is refused with a remedy, or named by the reading
of the e-mail itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from app.documents.media import MAIL
from app.documents.reader import parts_of
from app.documents.storage import DocumentRefused, DocumentStore, StoredDocument

DEEPEST = 5
"""How often an e-mail may lie within an e-mail."""


def with_attachments(store: DocumentStore, stored: StoredDocument, *, most: int) -> list[StoredDocument]:
    """The document, then what is attached to it and to that, each kept. Raises DocumentRefused above `most`, or too deep."""
    found: list[StoredDocument] = []
    for document in _family(store, stored, 0):
        found.append(document)
        if len(found) > most:
            raise DocumentRefused(
                f"{stored.filename} brings more than {most} documents along; send the ones that matter one by one"
            )
    return found


def _family(store: DocumentStore, stored: StoredDocument, depth: int) -> Iterator[StoredDocument]:
    yield stored
    if stored.media_type != MAIL:
        return
    if depth == DEEPEST:
        raise DocumentRefused(
            f"{stored.filename} is an e-mail within {DEEPEST} others; send what matters in it as documents of their own"
        )
    with store.opened(stored.sha256) as mail:
        parts = parts_of(mail)
    for part in parts:
        if not part.dropped:
            yield from _family(store, store.put(part.data, part.filename), depth + 1)
