"""What becomes of the files a claimant sends: kept, known already, or refused; each is named, none is lost silently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from app.core.errors import BadInput
from app.documents import media
from app.documents.attachments import with_attachments
from app.documents.storage import MAX_BYTES, DocumentStore, StoredDocument, display_name
from app.engine.runtime import Runtime
from app.insurance import intake
from app.insurance.claimant import claimant_links
from app.store.accounts.upload_links import UploadLink
from app.store.records import documents
from app.web.http.receiving import Limits, Sent

LIMITS = Limits(files=10, file_bytes=MAX_BYTES)
ACCEPTED = ".pdf,.jpg,.jpeg,.png,.tif,.tiff,.webp,.gif,.bmp,.eml,.html,.htm,.txt"  # what a file dialogue offers first
_READABLE = media.PICTURES | {media.PDF, media.MAIL, media.HTML, media.TEXT}


@dataclass(slots=True)
class Taken:
    """What came of a sending. came: (name, bytes). known: (name, since when we have it). refused: (name, why)."""

    came: list[tuple[str, int]] = field(default_factory=list)
    known: list[tuple[str, datetime | None]] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    nothing: bool = False


def take(rt: Runtime, link: UploadLink, files: Sequence[Sent]) -> Taken:
    """Keep what is new and let the run know, all in one transaction with the link's use.

    Raises LinkEnded or Refused: then nothing was taken, though bytes that nobody names may lie in the store.
    """
    taken, fresh = Taken(nothing=not files), list[StoredDocument]()
    store = rt.documents
    with rt.database.transaction() as db:
        listed = documents.of_run(db, link.run_id)
    have = {one.sha256: one.created_at for one in listed}
    room = intake.MAX_FILES - sum(one.uploaded_by == claimant_links.actor(link) for one in listed)
    for sent in files:  # one at a time: only one is ever in memory
        name = display_name(sent.filename)
        try:
            found = _kept(store, name, sent)
        except BadInput as problem:
            taken.refused.append((name, str(problem)))
            continue
        first = found[0]
        new = [stored for stored in found if stored.sha256 not in have]
        if len(fresh) + len(new) > room:
            taken.refused.append(
                (name, f"this link has taken {intake.MAX_FILES} files. Please write to us for another.")
            )
            continue
        if new:
            taken.came.append((name, first.size))
        else:
            taken.known.append((name, have[first.sha256]))
        fresh += new
        have |= {stored.sha256: None for stored in new}
    if fresh:
        intake.announce(
            rt, link.run_id, fresh, actor=claimant_links.actor(link), under=lambda db: claimant_links.use(db, link)
        )
    return taken


def _kept(store: DocumentStore, name: str, sent: Sent) -> list[StoredDocument]:
    """The file, and what is attached to it if it is an e-mail. Raises BadInput, in words for whoever sent it."""
    if sent.size > LIMITS.file_bytes:
        raise BadInput("it is larger than 25 MB. Please split it, or scan it at a lower resolution.")
    if sent.content is None:
        raise BadInput(f"only {LIMITS.files} files can be sent at a time. Please send it again after the others.")
    if sent.size == 0:
        raise BadInput("it is empty. Please check the file and send it again.")
    sent.content.seek(0)
    data = sent.content.read()
    kind = media.media_type_of(data)
    if kind not in _READABLE:
        raise BadInput(f"it is {media.spoken(kind, data)}. Please save it as a PDF and send that.")
    try:
        return with_attachments(store, store.put(data, name), most=intake.MAX_FILES)
    except BadInput:
        raise BadInput("what is attached to it cannot be taken out. Please send the attachments one by one.") from None
