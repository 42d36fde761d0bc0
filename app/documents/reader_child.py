"""The sandboxed reader: one document on stdin, one JSON answer on stdout, then the process ends.

The law: hostile bytes are parsed only here, after the kernel was told what this process may spend, and it dies with
the process that started it. Whatever the document does, the answer is a status and a stable reason, or the process
dies and its parent reads the reason off the signal.

`app.documents.reader` starts it with the limits as one JSON argument. It imports neither pydantic nor a PDF library
before it needs one: start-up is part of every document's latency.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import resource
import signal
import sys
from typing import Any

from app.documents import media
from app.documents.no_network import refuse_network
from app.documents.unreadable import Unreadable

_PR_SET_PDEATHSIG = 1
_PRINTED_CONTROLS = re.compile("[\x01-\x08\x0b\x0e-\x1f\x7f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def main() -> None:
    """Read stdin within the limits of `sys.argv[1]` and write `{status, reason, sentence, pages, …}` to stdout."""
    limits: dict[str, Any] = json.loads(sys.argv[1])
    die_with_parent(limits["parent"])
    confine(limits)
    refuse_network()
    answer = _read(sys.stdin.buffer.read(), limits)
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


def _read(data: bytes, limits: dict[str, Any]) -> dict[str, Any]:
    try:
        engine, texts = _texts(data, limits)
        pages = _bounded([storable(text) for text in texts], limits)
    except Unreadable as problem:
        return {"status": "unreadable", "reason": problem.reason, "sentence": problem.sentence}
    except MemoryError:
        return {
            "status": "unreadable",
            "reason": "LIMIT_EXCEEDED",
            "sentence": "It unpacks to more memory than allowed.",
        }
    return {"status": "read", "engine": engine, "pages": pages}


def _texts(data: bytes, limits: dict[str, Any]) -> tuple[str, list[str]]:
    """Engine with version, and the text of each page. Raises Unreadable."""
    kind = media.media_type_of(data)
    if kind == media.PDF:
        from app.documents import pdf_text

        return pdf_text.read_pdf(data, limits)
    if kind == media.TEXT:
        text = media.decode_text(data) or ""
        return "text/1", _within_page_limit(text.split("\f"), limits)
    if kind == media.EMPTY:
        raise Unreadable("EMPTY_FILE", "It is empty (zero bytes); ask for it to be sent again.")
    if kind.startswith("image/"):
        raise Unreadable("UNSUPPORTED_TYPE", f"It is a picture ({kind}); it is kept, but only a person can look at it.")
    raise Unreadable("UNSUPPORTED_TYPE", f"It is {kind}; only PDF and plain text are read. Ask for a PDF.")


def _within_page_limit(texts: list[str], limits: dict[str, Any]) -> list[str]:
    if len(texts) > limits["pages"]:
        raise Unreadable("TOO_MANY_PAGES", f"It has {len(texts)} pages; at most {limits['pages']} are read. Split it.")
    return texts


def _bounded(texts: list[str], limits: dict[str, Any]) -> list[str]:
    """The texts, if each and all of them are small enough: a truncated page would be read as a whole one."""
    for number, text in enumerate(texts, start=1):
        if len(text.encode()) > limits["page_text_bytes"]:
            raise Unreadable(
                "LIMIT_EXCEEDED", f"Page {number} holds more than {limits['page_text_bytes']:,} bytes of text."
            )
    if not any(text.strip() for text in texts):
        raise Unreadable("NO_TEXT_LAYER", "It holds no text, only pictures; it needs a person's eyes or OCR.")
    if sum(len(text.encode()) for text in texts) > limits["text_bytes"]:
        raise Unreadable("LIMIT_EXCEEDED", f"It holds more than {limits['text_bytes']:,} bytes of text.")
    return texts


if __name__ == "__main__":
    main()
