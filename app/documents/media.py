"""What a file is, by its content.

The law: the name and the sender's Content-Type are claims; only the bytes decide. This module stays free of imports
that cost start-up time, because the sandboxed reader loads it too.
"""

from __future__ import annotations

import re

PDF = "application/pdf"
TEXT = "text/plain"
HTML = "text/html"
MAIL = "message/rfc822"
WORD = "application/msword"
RTF = "application/rtf"
ZIP = "application/zip"
UNKNOWN = "application/octet-stream"
EMPTY = "application/x-empty"
PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/tiff", "image/bmp", "image/webp"})

# A PDF header may stand anywhere in the first kilobyte (ISO 32000-1, annex H.3.4.1).
_PDF_HEADER_WINDOW = 1024
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"BM", "image/bmp"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", WORD),
    (b"{\\rtf", RTF),
    (b"PK\x03\x04", ZIP),
    (b"PK\x05\x06", ZIP),
)
_LOOKED_AT = 64 * 1024
_HEADER = re.compile(rb"([!-9;-~]+):")
_MAIL_PROGRAMS = frozenset({b"received", b"message-id", b"mime-version", b"return-path", b"delivered-to"})
# Possessive, so that it never looks at a character twice: it runs outside the sandbox.
_HTML = re.compile(
    r"\s*+(?:<!--(?:(?!-->).)*+-->\s*+)*+(?:<\?xml[^>]*+>\s*+)?+"
    r"<(?:!doctype\s+html|html|head|body|table|div|p|meta|center)\b",
    re.IGNORECASE | re.DOTALL,
)
_TEXT_CONTROLS = frozenset(b"\t\n\r\x0c")


def media_type_of(data: bytes) -> str:
    """The media type of `data`; `application/octet-stream` when it is none of the known ones."""
    if not data:
        return EMPTY
    if b"%PDF-" in data[:_PDF_HEADER_WINDOW]:
        return PDF
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    for signature, media_type in _SIGNATURES:
        # "BM" alone is two plausible letters of text: a bitmap also states its own size.
        if data.startswith(signature) and (signature != b"BM" or _is_bitmap(data)):
            return media_type
    if _is_mail(data):
        return MAIL
    text = decode_text(data[:_LOOKED_AT]) if data.startswith((b"\xff\xfe", b"\xfe\xff")) else decode_text(data)
    if text is None:
        return UNKNOWN
    return HTML if _HTML.match(text[:_LOOKED_AT]) else TEXT


def _is_mail(data: bytes) -> bool:
    """Whether it begins as e-mails do: a block of header lines, among them those that only mail programs write."""
    head = data[:_LOOKED_AT].replace(b"\r\n", b"\n").lstrip(b"\n").partition(b"\n\n")[0]
    names = set()
    for number, line in enumerate(head.split(b"\n")):
        header = _HEADER.match(line)
        if header:
            names.add(header[1].lower())
        elif not (line[:1] in (b" ", b"\t") and number) and not (number == 0 and line.startswith(b"From ")):
            return False
    return bool(names & _MAIL_PROGRAMS) or {b"from", b"date", b"subject"} <= names


def decode_text(data: bytes) -> str | None:
    """`data` as text (UTF-8, UTF-16 with a byte order mark, else Windows-1252), or None when it is no text."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _decoded(data, "utf-16")
    if any(byte < 32 and byte not in _TEXT_CONTROLS for byte in set(data)):
        return None
    utf8 = _decoded(data, "utf-8-sig")
    return utf8 if utf8 is not None else _decoded(data, "cp1252")


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _is_bitmap(data: bytes) -> bool:
    return int.from_bytes(data[2:6], "little") == len(data)


def spoken(media_type: str, data: bytes) -> str:
    """What it is, in words a claimant knows. Nothing is unpacked: an archive tells its contents' names as they are."""
    if media_type == ZIP:
        for mark, name in (
            (b"word/", "a Word document"),
            (b"xl/", "an Excel sheet"),
            (b"ppt/", "a presentation"),
            (b"opendocument", "an OpenDocument file"),
        ):
            if mark in data:
                return name
        return "an archive (zip)"
    if data[4:8] == b"ftyp" and data[8:12] in (b"heic", b"heix", b"mif1", b"msf1", b"avif"):
        return "a photograph as telephones keep it (HEIC), to be sent as JPEG"
    if media_type == WORD and "__substg1.0_".encode("utf-16-le") in data:
        return "an Outlook message (.msg), to be saved as .eml or PDF"
    return {WORD: "an old Word or Excel document", RTF: "an RTF document", UNKNOWN: "no kind of file we know"}.get(
        media_type, media_type
    )
