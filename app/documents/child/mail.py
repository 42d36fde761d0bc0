"""An e-mail as a document: its heading and its words are one page, its attachments documents of their own.

The law: nothing that acts is taken over, and nothing is lost unsaid. An attachment is handed out as bytes to be judged
like any other upload, or it is named with the reason why it is not. Runs only in the sandboxed child.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email import policy
from email.errors import MessageError
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any

from app.documents.child.markup import text_of_html
from app.documents.child.reading import PageFound
from app.documents.unreadable import Unreadable

ENGINE = "mail/1"
_HEADING = ("From", "To", "Cc", "Date", "Subject")
_LONGEST_HEADING = 500
_MOST_PARTS, _DEEPEST = 400, 20
_LOGO_BYTES = 16 * 1024  # a smaller picture within the words is a signature's logo, not a photograph of a car
_CARRIERS = ("message/rfc822", "message/global")
_UNSHOWN_WORDS, _UNSHOWN_SHARE = 5, 0.3  # words of the plain version that the HTML one lacks, before it is worth a word
_WORD = re.compile(r"\w+")


@dataclass(slots=True)
class Attachment:
    """What came along. `dropped` says why it is not handed out; empty: it is."""

    filename: str
    media_type: str
    size: int
    dropped: str = ""
    data: bytes = field(default=b"", repr=False)


@dataclass(slots=True)
class Mail:
    """An e-mail taken apart."""

    page: PageFound
    attachments: list[Attachment]


def read_mail(data: bytes) -> Mail:
    """Take an e-mail apart. Raises Unreadable."""
    try:
        message = BytesParser(policy=policy.default).parsebytes(data)
        parts = _Parts(message)
        attachments = [_attachment(part, number) for number, part in enumerate(parts.attached, start=1)]
        heading = [f"{name}: {said}" for name in _HEADING if (said := _header(message, name))]
        if attachments:
            heading.append("Attachments: " + ", ".join(a.filename for a in attachments))
        return Mail(PageFound("\n".join([*heading, "", *parts.words]).rstrip(), hidden=parts.hidden), attachments)
    except RecursionError as problem:
        raise _too_deep() from problem
    except (MessageError, ValueError, LookupError, AttributeError, TypeError) as problem:
        raise Unreadable(
            "CORRUPT", f"It is a damaged e-mail ({type(problem).__name__}); ask for its attachments one by one."
        ) from problem


class _Parts:
    """The words of an e-mail as they are shown, and its other parts. An e-mail within it is a part, not looked into."""

    def __init__(self, message: Any) -> None:
        self.words: list[str] = []
        self.hidden: dict[str, str] = {}
        self.attached: list[Any] = []
        self._count = 0
        self._take(message, 0)

    def _take(self, part: Any, depth: int) -> None:
        if depth > _DEEPEST:
            raise _too_deep()
        self._count += 1
        if self._count > _MOST_PARTS:
            raise Unreadable("LIMIT_EXCEEDED", f"It is an e-mail of more than {_MOST_PARTS} parts; a person decides.")
        kind = part.get_content_type()
        if kind == "multipart/alternative":
            self._take_alternative(list(part.iter_parts()), depth)
        elif part.get_content_maintype() == "multipart":
            for inner in part.iter_parts():
                self._take(inner, depth + 1)
        elif kind in ("text/plain", "text/html") and not part.is_attachment() and not part.get_filename():
            self._say(part)
        else:
            self.attached.append(part)

    def _take_alternative(self, parts: list[Any], depth: int) -> None:
        """The HTML version is what mail programs show; what only the plain one says was shown to nobody."""
        plain = [part for part in parts if part.get_content_type() == "text/plain"]
        others = [part for part in parts if part not in plain]
        for part in others or plain:
            self._take(part, depth + 1)
        if others:
            shown = set(_WORD.findall(" ".join(self.words).lower()))
            said = [word for part in plain for word in _WORD.findall(_decoded(part).lower())]
            unshown = [word for word in said if word not in shown]
            if len(unshown) >= _UNSHOWN_WORDS and len(unshown) > len(said) * _UNSHOWN_SHARE:
                self._hide("in the plain version only", " ".join(unshown))

    def _say(self, part: Any) -> None:
        text = _decoded(part)
        found = text_of_html(text) if part.get_content_type() == "text/html" else PageFound(text)
        self.words += [found.text, ""]
        for why, said in found.hidden.items():
            self._hide(why, said)

    def _hide(self, why: str, said: str) -> None:
        self.hidden[why] = f"{self.hidden.get(why, '')} {said}"


def _too_deep() -> Unreadable:
    return Unreadable("LIMIT_EXCEEDED", "It is an e-mail that is nested too deeply; a person decides.")


def _decoded(part: Any) -> str:
    raw = part.get_payload(decode=True) or b""
    try:
        return str(raw.decode(part.get_content_charset() or "utf-8"))
    except (UnicodeDecodeError, LookupError):
        return str(raw.decode("cp1252", "replace"))


def _attachment(part: Any, number: int) -> Attachment:
    kind = part.get_content_type()
    if kind.startswith(_CARRIERS):
        inner = part.get_payload()
        carried = inner[0] if isinstance(inner, list) and inner else inner
        data = (
            carried.as_bytes() if isinstance(carried, EmailMessage) else str(carried or "").encode("utf-8", "replace")
        )
        name = part.get_filename() or f"{_header(carried, 'Subject') or f'message {number}'}.eml"
    else:
        data = part.get_payload(decode=True) or b""
        name = part.get_filename() or f"attachment {number}"
    found = Attachment(str(name)[:_LONGEST_HEADING], kind, len(data), data=data)
    if kind.startswith("image/") and not part.is_attachment() and len(data) < _LOGO_BYTES:
        found.dropped = "a small picture within the words, such as a logo"
    elif not data:
        found.dropped = "it is empty"
    return found


def _header(message: Any, name: str) -> str:
    said = message.get(name) if isinstance(message, EmailMessage) else None
    return " ".join(str(said).split())[:_LONGEST_HEADING] if said else ""
