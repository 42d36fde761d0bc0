"""Pictures that say they are enormous, never end, or are broken."""

from __future__ import annotations

import io
import struct
import zlib
from random import Random

from PIL import Image

from tests.documents.hostile.corpus import Family, case


def png(*chunks: tuple[bytes, bytes], crc: int | None = None) -> bytes:
    """A PNG of these chunks."""
    packed = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body) if crc is None else crc)
        for kind, body in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def head(width: int, height: int, bits: int = 1, colour: int = 0) -> tuple[bytes, bytes]:
    return b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)


def saved(size: tuple[int, int], kind: str, mode: str = "L", frames: int = 1) -> bytes:
    """A picture as Pillow writes it."""
    out = io.BytesIO()
    picture = Image.new(mode, size)
    more = [Image.new(mode, size, n % 2 * 255) for n in range(1, frames)]
    picture.save(out, kind, **({"save_all": True, "append_images": more} if more else {}))
    return out.getvalue()


def tiff(*fields: tuple[int, int, int, int], next_ifd: int = 0) -> bytes:
    """A TIFF of one directory: (tag, type, count, value)."""
    body = b"II*\x00" + struct.pack("<I", 8) + struct.pack("<H", len(fields))
    return body + b"".join(struct.pack("<HHII", *field) for field in fields) + struct.pack("<I", next_ifd) + bytes(64)


def tiff_of(frames: int) -> bytes:
    """A TIFF of that many one-dot pages, made by hand: a library takes seconds for it."""
    fields, out, start = 8, io.BytesIO(), 8
    out.write(b"II*\x00" + struct.pack("<I", start))
    length = 2 + fields * 12 + 4
    for frame in range(frames):
        after = start + length if frame + 1 < frames else 0
        tags = (
            (256, 3, 1, 1),
            (257, 3, 1, 1),
            (258, 3, 1, 8),
            (259, 3, 1, 1),
            (262, 3, 1, 1),
            (273, 4, 1, 8),
            (278, 3, 1, 1),
            (279, 4, 1, 1),
        )
        out.write(
            struct.pack("<H", fields) + b"".join(struct.pack("<HHII", *tag) for tag in tags) + struct.pack("<I", after)
        )
        start += length
    return out.getvalue()


_ONE_DOT = (
    (256, 3, 1, 1),
    (257, 3, 1, 1),
    (258, 3, 1, 8),
    (259, 3, 1, 1),
    (262, 3, 1, 1),
    (273, 4, 1, 8),
    (279, 4, 1, 1),
)
_NOISE = Random(3).randbytes(2_000)
_SMALL_PNG, _SMALL_JPEG = saved((60, 60), "PNG"), saved((60, 60), "JPEG")

PICTURES: Family = {
    "a PNG that says 30,000 by 30,000": case(
        png(head(30_000, 30_000), (b"IDAT", zlib.compress(bytes(99)))), "LIMIT_EXCEEDED"
    ),
    "a PNG that says two thousand million": case(png(head(2**31 - 1, 2**31 - 1), (b"IDAT", b"")), "LIMIT_EXCEEDED"),
    "a PNG of no size": case(png(head(0, 0), (b"IDAT", b""))),
    "a PNG of one dot": case(saved((1, 1), "PNG"), "NO_TEXT_LAYER"),
    "a PNG one dot high and 100,000 wide": case(saved((100_000, 1), "PNG"), "NO_TEXT_LAYER"),
    "a PNG of 39 million dots": case(lambda: saved((6_240, 6_240), "PNG", "1"), "NO_TEXT_LAYER"),
    "a PNG with a wrong sum": case(png(head(9, 9), (b"IDAT", b"x"), crc=7)),
    "a PNG of a header only": case(b"\x89PNG\r\n\x1a\n" + bytes(64), "CORRUPT"),
    "a PNG with a bomb of words": case(
        png(head(9, 9), (b"zTXt", b"k\x00\x00" + zlib.compress(bytes(64 << 20))), (b"IDAT", zlib.compress(bytes(99))))
    ),
    "a PNG with a bomb of colours": case(
        png(head(9, 9), (b"iCCP", b"k\x00\x00" + zlib.compress(bytes(64 << 20))), (b"IDAT", zlib.compress(bytes(99))))
    ),
    "a PNG with a bomb of dots": case(png(head(9, 9), (b"IDAT", zlib.compress(bytes(128 << 20))))),
    "a PNG cut off": case(_SMALL_PNG[: len(_SMALL_PNG) // 2]),
    "a PNG of noise": case(png(head(99, 99, 8, 6), (b"IDAT", _NOISE))),
    "a JPEG that says 65,535 by 65,535": case(
        b"\xff\xd8\xff\xc0\x00\x0b\x08\xff\xff\xff\xff\x01\x01\x11\x00\xff\xda\x00\x08\x01\x01\x00\x00?\x00"
        + bytes(99),
        "LIMIT_EXCEEDED",
        "CORRUPT",
    ),
    "a JPEG cut off": case(_SMALL_JPEG[: len(_SMALL_JPEG) * 2 // 3]),
    "a JPEG of noise": case(b"\xff\xd8\xff\xe0" + _NOISE),
    "a JPEG with orders in its notes": case(
        _SMALL_JPEG[:2] + b"\xff\xe1\x00\x40Exif\x00\x00MM\x00*" + bytes(54) + _SMALL_JPEG[2:]
    ),
    "a GIF that says 65,535 by 65,535": case(
        b"GIF89a\xff\xff\xff\xff\x00\x00\x00,\x00\x00\x00\x00\xff\xff\xff\xff\x00\x02\x00;"
    ),
    "a BMP that says more than it has": case(
        b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 50_000, -50_000, 1, 24, 0, 0, 0, 0, 0, 0),
        "LIMIT_EXCEEDED",
    ),
    "a WebP cut off": case(saved((60, 60), "WEBP")[:30]),
    "a WebP of noise": case(b"RIFF\x99\x00\x00\x00WEBPVP8L" + _NOISE),
    "a TIFF that says two thousand million": case(
        tiff((256, 4, 1, 2**31 - 1), (257, 4, 1, 2**31 - 1), *_ONE_DOT[2:]),
        "LIMIT_EXCEEDED",
        "CORRUPT",
    ),
    "a TIFF of fields without end": case(tiff((256, 4, 2**31 - 1, 8), (257, 4, 1, 9)), "CORRUPT", "LIMIT_EXCEEDED"),
    "a TIFF of noise": case(b"II*\x00" + _NOISE),
    "a bitmap with nothing behind it": case(b"BM" + struct.pack("<I", 26) + bytes(20)),
}

FRAMES: Family = {
    "a TIFF of 200 pages": case(lambda: tiff_of(200), "NO_TEXT_LAYER"),
    "a TIFF of 201 pages": case(lambda: tiff_of(201), "TOO_MANY_PAGES"),
    "a TIFF of 20,000 pages": case(lambda: tiff_of(20_000), "TOO_MANY_PAGES"),
    "a TIFF whose pages go round": case(tiff(*_ONE_DOT, next_ifd=8)),
    "a TIFF whose next page is past its end": case(tiff((256, 3, 1, 1), (257, 3, 1, 1), next_ifd=99_999)),
    "a GIF of 600 pictures": case(lambda: saved((2, 2), "GIF", "P", 600)),
    "a PNG of 300 pictures": case(lambda: saved((2, 2), "PNG", "L", 300), "TOO_MANY_PAGES"),
    "a PNG that says it has a million pictures": case(
        png(head(9, 9, 8), (b"acTL", struct.pack(">II", 10**6, 0)), (b"IDAT", zlib.compress(bytes(90))), (b"IEND", b""))
    ),
}
