"""Links for claimants: one run, one purpose (to send its documents), until they expire or are revoked.

The law: the secret is 256 random bits, shown once to whoever makes the link and stored as its hash. Nobody can tell a link
that has ended from one that never was.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.accounts import people
from app.accounts.rights import Right, require
from app.core.errors import BadInput, LonghaulError, NotFound, Refused
from app.core.ids import new_id
from app.core.lifecycle import ENDED
from app.engine.runtime import Runtime
from app.store.accounts import upload_links
from app.store.accounts.upload_links import UploadLink
from app.store.database import Connection
from app.store.runs import runs

DAYS, MOST_DAYS = 14.0, 60.0  # how long a link lets in, unless said otherwise; at most
LONGEST_ASKS = 2000  # characters
WINDOW_SECONDS = 600.0
PER_LINK, PER_ADDRESS = 20, 120  # sendings in a window; many claimants may come by one address of a proxy
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


class LinkEnded(LonghaulError):
    """The link is unknown, expired or revoked, and which of them is nobody's business."""


class TooOften(LonghaulError):
    """Sent too often; `wait_seconds` from now it may be tried again."""

    def __init__(self, wait_seconds: float) -> None:
        super().__init__(f"sent too often; try again in {wait_seconds:.0f} s")
        self.wait_seconds = wait_seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class NewLink:
    """A link just made. `token` is told here and never again."""

    id: UUID
    run_id: UUID
    token: str
    expires_at: datetime


def make(rt: Runtime, run_id: UUID, *, by: str, asks: str, days: float = DAYS) -> NewLink:
    """Make a link. Raises NotEntitled, NotFound, BadInput, or Refused for a run that has ended."""
    if not 0 < days <= MOST_DAYS:
        raise BadInput(f"days: a link lets in for more than 0 and at most {MOST_DAYS:.0f} days")
    token, link_id = secrets.token_urlsafe(32), new_id()

    def work(db: Connection) -> datetime:
        require(rt, people.find(db, by), Right.INVITE)
        run = runs.lock(db, run_id)
        if run is None:
            raise NotFound(f"there is no run {run_id}")
        if run.status in ENDED:
            raise Refused(f"the run has ended as {run.status.value}; it takes no more documents")
        return upload_links.insert(
            db, link_id, run_id, token_hash=_hash(token), asks=asks[:LONGEST_ASKS], by=by, days=days
        )

    return NewLink(id=link_id, run_id=run_id, token=token, expires_at=rt.database.transact(work))


def revoke(rt: Runtime, link_id: UUID, *, by: str, run_id: UUID | None = None) -> UploadLink:
    """End a link at once; again changes nothing. Raises NotEntitled, or NotFound (also for a link of another run)."""

    def work(db: Connection) -> UploadLink:
        require(rt, people.find(db, by), Right.INVITE)
        found = upload_links.revoke(db, link_id, by, run_id=run_id)
        if found is None:
            raise NotFound(f"there is no link {link_id}" + (f" of the run {run_id}" if run_id else ""))
        return found

    return rt.database.transact(work)


def opened(db: Connection, token: str) -> UploadLink:
    """The link a secret opens now. Raises LinkEnded."""
    found = upload_links.live(db, _hash(token)) if _TOKEN.fullmatch(token) else None
    if found is None:
        raise LinkEnded("this link does not let in")
    return found


def use(db: Connection, link: UploadLink) -> UUID:
    """Use a link, in the transaction that keeps what was sent by it; its run. Raises LinkEnded if it ended meanwhile."""
    run_id = upload_links.use(db, link.id)
    if run_id is None:
        raise LinkEnded("this link does not let in any more")
    return run_id


def admit(rt: Runtime, *, token: str, address: str) -> None:
    """Count a sending by a link and from an address. Raises TooOften."""

    def work(db: Connection) -> Iterator[float]:
        # The address first, so that a stranger who makes up links leaves one row and not one per link.
        for who, most in ((f"address {_network(address)}", PER_ADDRESS), (f"link {token}", PER_LINK)):
            rate = upload_links.count(db, _hash(who), window_seconds=WINDOW_SECONDS)
            if rate.n > most:
                yield rate.ends_seconds
                return

    if late := rt.database.transact(lambda db: list(work(db))):  # raised after the commit: it is counted all the same
        raise TooOften(late[0])


def form_token(token: str) -> str:
    """What the form on a link's page carries: of this link alone, and no way back to the link's secret."""
    return hmac.new(token.encode(), b"longhaul upload form", hashlib.sha256).hexdigest()


def is_form_of(token: str, sent: str) -> bool:
    """Whether a form came from the page of this very link."""
    return hmac.compare_digest(form_token(token).encode(), sent.encode())


def actor(link: UploadLink) -> str:
    """Who sends what comes by a link, as the journal keeps it."""
    return f"claimant:{link.id}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _network(address: str) -> str:
    """Of an IPv6 address the half that is given to one customer; they may use any of the other half."""
    return ":".join(address.split("%", maxsplit=1)[0].split(":")[:4]) if address.count(":") > 1 else address
