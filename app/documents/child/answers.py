"""What the sandboxed child answers about a document: its text, one page by OCR, one page as a picture, its attachments.

The law: an answer is a status and, where it is `unreadable`, a stable reason and a sentence for a person. What cannot
be stored or shown is cleaned here, once. Libraries are loaded when they are needed: start-up is part of every
document's latency.
"""

from __future__ import annotations

import base64
import io
from typing import Any

from app.documents import media
from app.documents.child.asked import Asked
from app.documents.child.reading import PageFound, fractions
from app.documents.unreadable import Unreadable
from app.documents.unseen import as_seen, storable

_SHOWN_DOTS_PER_INCH = 110
_LEGIBLE = 0.6  # how sure OCR must be of a page; a scan that can be read is above 0.9, one held upside down at 0.7
_MOST_HIDDEN, _MOST_UNSURE, _LONGEST_NAME = 500, 20, 200  # characters, lines, characters


def answer_to(data: bytes, limits: Asked) -> dict[str, Any]:
    """The answer to the task that is named among the limits. Raises nothing for what a document holds."""
    task = limits["task"]
    try:
        match task["name"]:
            case "scan":
                return _scan(data, task["page"], limits)
            case "parts":
                return _parts(data, limits)
            case "show":
                return _show(data, task["page"], limits)
            case _:
                return _text(data, limits)
    except Unreadable as problem:
        return {"status": "unreadable", "reason": problem.reason, "sentence": problem.sentence}
    except MemoryError:
        return {
            "status": "unreadable",
            "reason": "LIMIT_EXCEEDED",
            "sentence": "It unpacks to more memory than allowed.",
        }
    except (OSError, ImportError):
        raise  # of this machine
    except Exception as problem:
        if task["name"] == "scan":  # OCR's models may fail for reasons of their own
            raise
        # Trying again would meet the same bytes: better a person than a run that is never read.
        told = f"It makes the reader stumble ({type(problem).__name__}); ask for a new copy, or a person looks at it."
        return {"status": "unreadable", "reason": "CORRUPT", "sentence": told}


def _text(data: bytes, limits: Asked) -> dict[str, Any]:
    engine, pages, attached = _pages(data, limits)
    texts = []
    for page in pages:
        text, unseen = as_seen(page.text)
        page.hidden |= unseen
        texts.append(storable(text))
    _check_amount(texts, limits)
    answer: dict[str, Any] = {
        "status": "read",
        "engine": engine,
        "scanned": [number for number, page in enumerate(pages, start=1) if page.scanned],
        "hidden": [
            {"page": number, "why": why, "text": storable(" ".join(text.split()))[:_MOST_HIDDEN]}
            for number, page in enumerate(pages, start=1)
            for why, text in page.hidden.items()
        ],
        "attachments": [_told(attachment) for attachment in attached],
    }
    if any(text.strip() for text in texts):
        return answer | {"pages": texts}
    return answer | {
        "status": "unreadable",
        "reason": "NO_TEXT_LAYER",
        "sentence": "It holds no text, only pictures; it needs a person's eyes or OCR.",
    }


def _pages(data: bytes, limits: Asked) -> tuple[str, list[PageFound], list[Any]]:
    """Engine with version, each page, and what is attached. Raises Unreadable."""
    kind = media.media_type_of(data)
    if kind == media.PDF:
        from app.documents.child import pdf_pages

        return pdf_pages.ENGINE, pdf_pages.read_pdf(data, limits), pdf_pages.attached_to(data)
    if kind == media.TEXT:
        text = media.decode_text(data) or ""
        return "text/1", [PageFound(page) for page in _within_page_limit(text.split("\f"), limits)], []
    if kind == media.HTML:
        from app.documents.child import markup

        return markup.ENGINE, [markup.text_of_html(media.decode_text(data) or "")], []
    if kind == media.MAIL:
        from app.documents.child import mail

        found = mail.read_mail(data)
        return mail.ENGINE, [found.page], found.attachments
    if kind in media.PICTURES:
        from app.documents.child import pictures

        return pictures.ENGINE, [PageFound("", scanned=True) for _ in range(pictures.frames_of(data, limits))], []
    if kind == media.EMPTY:
        raise Unreadable("EMPTY_FILE", "It is empty (zero bytes); ask for it to be sent again.")
    raise Unreadable(
        "UNSUPPORTED_TYPE",
        f"It is {media.spoken(kind, data)}; only PDF, pictures, e-mails, HTML and plain text are read. Ask for a PDF.",
    )


def _parts(data: bytes, limits: Asked) -> dict[str, Any]:
    """The attachments of an e-mail, with their bytes. Of anything else there are none."""
    if media.media_type_of(data) != media.MAIL:
        return {"status": "read", "parts": []}
    from app.documents.child import mail

    total, parts = 0, list[dict[str, Any]]()
    for attachment in mail.read_mail(data).attachments:
        total += attachment.size
        if len(parts) >= limits["attachments"] or total > limits["attachment_bytes"]:
            attachment.dropped = attachment.dropped or "there are too many attachments, or too large ones"
        kept = "" if attachment.dropped else base64.b64encode(attachment.data).decode("ascii")
        parts.append(_told(attachment) | {"data": kept})
    return {"status": "read", "parts": parts}


def _told(attachment: Any) -> dict[str, Any]:
    return {
        "filename": storable(attachment.filename)[:_LONGEST_NAME],
        "size": attachment.size,
        "dropped": attachment.dropped,
    }


def _scan(data: bytes, page: int, limits: Asked) -> dict[str, Any]:
    """One page as OCR reads it."""
    from app.documents.child import ocr

    picture, _ = _picture(data, page, limits, ocr.DOTS_PER_INCH)
    found = ocr.Reader().read(picture)
    text = storable(found.layout.text)
    engine = ocr.engine()
    if not any(letter.isalnum() for letter in text):  # lines of a drawing are read as dashes
        return {
            "status": "unreadable",
            "reason": "NO_WORDS_FOUND",
            "sentence": "OCR found no words on it; a person has to look at it.",
            "engine": engine,
        }
    if found.sure < _LEGIBLE:
        return {
            "status": "unreadable",
            "reason": "ILLEGIBLE",
            "sentence": f"OCR could make out too little of it (sure to {found.sure:.0%}); a person has to look at it.",
            "engine": engine,
        }
    _check_amount([text], limits)
    return {
        "status": "read",
        "engine": engine,
        "text": text,
        "sure": round(found.sure, 4),
        "unsure": [storable(line)[:_MOST_HIDDEN] for line in found.unsure[:_MOST_UNSURE]],
        "words": fractions(found.layout.words, found.width, found.height, storable),
    }


def _show(data: bytes, page: int, limits: Asked) -> dict[str, Any]:
    """One page as a picture, with the words of its text layer."""
    picture, words = _picture(data, page, limits, _SHOWN_DOTS_PER_INCH)
    out = io.BytesIO()
    picture.save(out, "PNG")
    png = base64.b64encode(out.getvalue()).decode("ascii")
    return {"status": "read", "png": png, "width": picture.width, "height": picture.height, "words": words}


def _picture(data: bytes, page: int, limits: Asked, dots_per_inch: int) -> tuple[Any, list[list[Any]]]:
    """A page as a picture that is no larger than allowed, and the words that are known of it."""
    kind = media.media_type_of(data)
    if kind == media.PDF:
        from app.documents.child import pdf_pages

        picture, layout, width, height = pdf_pages.page_of_pdf(data, page, limits, dots_per_inch)
        return picture, fractions(layout.words, width, height, storable)
    if kind in media.PICTURES:
        from app.documents.child import pictures

        picture = pictures.frame_of(data, page, limits)
        over = picture.width * picture.height / limits["pixels"]
        if over > 1:
            side = over**0.5
            picture = picture.resize((max(int(picture.width / side), 1), max(int(picture.height / side), 1)))
        return picture, []
    raise Unreadable("UNSUPPORTED_TYPE", f"It is {kind}, which has no pages that can be shown.")


def _within_page_limit(texts: list[str], limits: Asked) -> list[str]:
    if len(texts) > limits["pages"]:
        raise Unreadable("TOO_MANY_PAGES", f"It has {len(texts)} pages; at most {limits['pages']} are read. Split it.")
    return texts


def _check_amount(texts: list[str], limits: Asked) -> None:
    """Refuse more text than allowed: a truncated page would be read as a whole one."""
    for number, text in enumerate(texts, start=1):
        if len(text.encode()) > limits["page_text_bytes"]:
            raise Unreadable(
                "LIMIT_EXCEEDED", f"Page {number} holds more than {limits['page_text_bytes']:,} bytes of text."
            )
    if sum(len(text.encode()) for text in texts) > limits["text_bytes"]:
        raise Unreadable("LIMIT_EXCEEDED", f"It holds more than {limits['text_bytes']:,} bytes of text.")
