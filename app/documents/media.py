"""What a file is, by its content.

The law: the name and the sender's Content-Type are claims; only the bytes decide. This module stays free of imports
that cost start-up time, because the sandboxed reader loads it too.
"""

from __future__ import annotations

PDF = "application/pdf"
TEXT = "text/plain"
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
    (b"PK\x03\x04", ZIP),
    (b"PK\x05\x06", ZIP),
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
    return TEXT if decode_text(data) is not None else UNKNOWN


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
