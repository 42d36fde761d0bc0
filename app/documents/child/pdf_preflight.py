"""What a PDF may ask of its reader, looked at before it is read; runs only in the sandboxed child.

The law: pypdf looks before pdfium leaps. pypdf stops at its own limits when a stream unpacks to hundreds of
megabytes; pdfium, much the better reader of text, would take the memory and abort. What pypdf cannot parse is still
shown to pdfium, which repairs more; what neither can is CORRUPT.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import Any

import pypdf
from pypdf.errors import LimitReachedError
from pypdf.generic import StreamObject

from app.documents.child.asked import Asked
from app.documents.unreadable import Unreadable

_TAIL = 4096  # the end-of-file mark stands in the last kilobyte; some senders append junk
_DEEPEST_FORM = 8


def preflight(data: bytes, limits: Asked) -> None:
    """Refuse what is cut off, encrypted, too long or a decompression bomb; whatever else is wrong is left to pdfium."""
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    if b"%%EOF" not in data[-_TAIL:]:
        raise Unreadable("CORRUPT", "The end of the file is missing, so it is cut off; ask for it to be sent again.")
    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        _check_encryption(reader)
        check_page_count(len(reader.pages), limits)
        _check_content(reader, limits["content_bytes"])
    except (LimitReachedError, RecursionError) as problem:
        raise Unreadable(
            "LIMIT_EXCEEDED", "It unpacks to far more than a document needs (a decompression bomb?); a person decides."
        ) from problem
    except (Unreadable, MemoryError):
        raise
    except Exception:
        return  # pypdf trips over many harmless faults in many ways, and has no library for some encryptions; pdfium has


def _check_encryption(reader: pypdf.PdfReader) -> None:
    if reader.is_encrypted and not reader.decrypt(""):
        raise encrypted()


def _check_content(reader: pypdf.PdfReader, allowed: int) -> None:
    """Unpack what draws text. Raises LimitReachedError above `allowed` bytes, or where pypdf draws the line itself."""
    unpacked = 0
    for page in reader.pages:
        for stream in _content_streams(page):
            unpacked += len(stream.get_data())
            if unpacked > allowed:
                raise LimitReachedError(f"more than {allowed} bytes of content")


def _content_streams(page: pypdf.PageObject) -> Iterator[StreamObject]:
    """Every stream whose operators draw text: the page's own and those of the forms it uses, each once."""
    contents = page.get("/Contents")
    contents = contents.get_object() if contents is not None else None
    for part in contents if isinstance(contents, list) else [contents]:
        stream = part.get_object() if part is not None else None
        if isinstance(stream, StreamObject):
            yield stream
    yield from _forms(page, set(), 0)


def _forms(holder: Any, seen: set[int], depth: int) -> Iterator[StreamObject]:
    resources = holder.get("/Resources")
    drawn = resources.get_object().get("/XObject") if resources is not None and depth < _DEEPEST_FORM else None
    for entry in drawn.get_object().values() if drawn is not None else ():
        form = entry.get_object()
        if isinstance(form, StreamObject) and form.get("/Subtype") == "/Form" and id(form) not in seen:
            seen.add(id(form))
            yield form
            yield from _forms(form, seen, depth + 1)


def check_page_count(pages: int, limits: Asked) -> None:
    if pages > limits["pages"]:
        raise Unreadable("TOO_MANY_PAGES", f"It has {pages:,} pages; at most {limits['pages']} are read. Split it.")


def encrypted() -> Unreadable:
    return Unreadable("ENCRYPTED", "It opens only with a password; ask for a copy without one.")
