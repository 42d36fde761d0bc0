"""The sandboxed reader: one document on stdin, one JSON answer on stdout, then the process ends.

The law: hostile bytes are parsed only here, after the kernel was told what this process may spend, and it dies with
the process that started it. Whatever the document does, the answer is a status and a stable reason, or the process
dies and its parent reads the reason off the signal.

`app.documents.reader` starts it with the limits as one JSON argument. It imports neither pydantic nor a PDF library
before it needs one: start-up is part of every document's latency.
"""

from __future__ import annotations

import base64
import ctypes
import io
import json
import os
import re
import resource
import signal
import sys
from typing import Any

from app.documents import media
from app.documents.no_network import refuse_network
from app.documents.reading import PageFound, fractions
from app.documents.unreadable import Unreadable

_PR_SET_PDEATHSIG = 1
_SHOWN_DOTS_PER_INCH = 110
_LEGIBLE = 0.6  # how sure OCR must be of a page; a scan that can be read is above 0.9, one held upside down at 0.7
_MOST_HIDDEN, _MOST_UNSURE = 500, 20  # characters, lines
_PRINTED_CONTROLS = re.compile("[\x01-\x08\x0b\x0e-\x1f\x7f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def main() -> None:
    """Read stdin within the limits of `sys.argv[1]` and write what the task asked for to stdout."""
    limits: dict[str, Any] = json.loads(sys.argv[1])
    die_with_parent(limits["parent"])
    confine(limits)
    refuse_network()
    answer = _answer(sys.stdin.buffer.read(), limits)
    sys.stdout.buffer.write(json.dumps(answer).encode("ascii"))
    sys.stdout.buffer.flush()
    # Native libraries may hang or crash while they are torn down; the answer is complete.
    os._exit(0)


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent thread dies; end at once if that has already happened."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def confine(limits: dict[str, Any]) -> None:
    """Set the resource limits: bytes of address space, seconds of CPU, bytes of any file written, open files."""
    for kind, amount in (
        (resource.RLIMIT_AS, limits["memory_bytes"]),
        (resource.RLIMIT_FSIZE, limits["answer_bytes"]),
        (resource.RLIMIT_NOFILE, 32),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        allowed = amount if hard == resource.RLIM_INFINITY else min(amount, hard)
        resource.setrlimit(kind, (allowed, allowed))
    # A soft limit below the hard one: the end is SIGXCPU, which says why, and not a SIGKILL that could be anyone's.
    resource.setrlimit(resource.RLIMIT_CPU, (limits["cpu_seconds"], limits["cpu_seconds"] + 2))


def storable(text: str) -> str:
    """`text` with NUL and lone surrogates written out, and other control characters as blanks."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _SURROGATE.search(text):  # halves that belong together are one character
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    text = _UNSTORABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return _PRINTED_CONTROLS.sub(" ", text)


def _answer(data: bytes, limits: dict[str, Any]) -> dict[str, Any]:
    task = limits["task"]
    try:
        match task["name"]:
            case "scan":
                return _scan(data, task["page"], limits)
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


def _text(data: bytes, limits: dict[str, Any]) -> dict[str, Any]:
    engine, pages = _pages(data, limits)
    texts = [storable(page.text) for page in pages]
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
    }
    if any(text.strip() for text in texts):
        return answer | {"pages": texts}
    return answer | {
        "status": "unreadable",
        "reason": "NO_TEXT_LAYER",
        "sentence": "It holds no text, only pictures; it needs a person's eyes or OCR.",
    }


def _pages(data: bytes, limits: dict[str, Any]) -> tuple[str, list[PageFound]]:
    """Engine with version, and each page. Raises Unreadable."""
    kind = media.media_type_of(data)
    if kind == media.PDF:
        from app.documents import pdf_pages

        return pdf_pages.ENGINE, pdf_pages.read_pdf(data, limits)
    if kind == media.TEXT:
        text = media.decode_text(data) or ""
        return "text/1", [PageFound(page) for page in _within_page_limit(text.split("\f"), limits)]
    if kind in media.PICTURES:
        from app.documents import pictures

        return pictures.ENGINE, [PageFound("", scanned=True)] * pictures.frames_of(data, limits)
    if kind == media.EMPTY:
        raise Unreadable("EMPTY_FILE", "It is empty (zero bytes); ask for it to be sent again.")
    raise Unreadable("UNSUPPORTED_TYPE", f"It is {kind}; only PDF, pictures and plain text are read. Ask for a PDF.")


def _scan(data: bytes, page: int, limits: dict[str, Any]) -> dict[str, Any]:
    """One page as OCR reads it."""
    from app.documents import ocr

    picture, _ = _picture(data, page, limits, ocr.DOTS_PER_INCH)
    found = ocr.Reader().read(picture)
    text = storable(found.layout.text)
    engine = ocr.engine()
    if not text.strip():
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


def _show(data: bytes, page: int, limits: dict[str, Any]) -> dict[str, Any]:
    """One page as a picture, with the words of its text layer."""
    picture, words = _picture(data, page, limits, _SHOWN_DOTS_PER_INCH)
    out = io.BytesIO()
    picture.save(out, "PNG")
    png = base64.b64encode(out.getvalue()).decode("ascii")
    return {"status": "read", "png": png, "width": picture.width, "height": picture.height, "words": words}


def _picture(data: bytes, page: int, limits: dict[str, Any], dots_per_inch: int) -> tuple[Any, list[list[Any]]]:
    """A page as a picture that is no larger than allowed, and the words that are known of it."""
    kind = media.media_type_of(data)
    if kind == media.PDF:
        from app.documents import pdf_pages

        picture, layout, width, height = pdf_pages.page_of_pdf(data, page, limits, dots_per_inch)
        return picture, fractions(layout.words, width, height, storable)
    if kind in media.PICTURES:
        from app.documents import pictures

        picture = pictures.frame_of(data, page, limits)
        over = picture.width * picture.height / limits["pixels"]
        if over > 1:
            side = over**0.5
            picture = picture.resize((max(int(picture.width / side), 1), max(int(picture.height / side), 1)))
        return picture, []
    raise Unreadable("UNSUPPORTED_TYPE", f"It is {kind}, which has no pages that can be shown.")


def _within_page_limit(texts: list[str], limits: dict[str, Any]) -> list[str]:
    if len(texts) > limits["pages"]:
        raise Unreadable("TOO_MANY_PAGES", f"It has {len(texts)} pages; at most {limits['pages']} are read. Split it.")
    return texts


def _check_amount(texts: list[str], limits: dict[str, Any]) -> None:
    """Refuse more text than allowed: a truncated page would be read as a whole one."""
    for number, text in enumerate(texts, start=1):
        if len(text.encode()) > limits["page_text_bytes"]:
            raise Unreadable(
                "LIMIT_EXCEEDED", f"Page {number} holds more than {limits['page_text_bytes']:,} bytes of text."
            )
    if sum(len(text.encode()) for text in texts) > limits["text_bytes"]:
        raise Unreadable("LIMIT_EXCEEDED", f"It holds more than {limits['text_bytes']:,} bytes of text.")


if __name__ == "__main__":
    main()
