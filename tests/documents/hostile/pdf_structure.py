"""PDFs whose parts do not fit together: cut off, damaged, looping, lying about sizes, locked."""

from __future__ import annotations

import io
from random import Random
from typing import Literal

import pypdf

from tests.documents.hostile.corpus import Family, case
from tests.documents.pdfs import encrypted, pdf_of, raw_pdf

_WHOLE = pdf_of("Policy number: PX-100", "Claimant: Nora Quill", "Grand total 1,250.00")
_WORD = b"BT /F 12 Tf 20 20 Td (word) Tj ET"


def damaged(seed: int) -> bytes:
    """A PDF with a few bytes changed at random."""
    rng, data = Random(seed), bytearray(_WHOLE)
    for _ in range(rng.randint(1, 30)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data)


def by_objects(*objects: bytes, trailer: bytes = b"<</Root 1 0 R>>", table: bool = True) -> bytes:
    """A PDF of these objects, numbered from 1; without a table, readers have to find them."""
    out, places = io.BytesIO(b"%PDF-1.7\n"), []
    out.seek(0, io.SEEK_END)
    for number, what in enumerate(objects, start=1):
        places.append(out.tell())
        out.write(b"%d 0 obj\n%b\nendobj\n" % (number, what))
    start = out.tell()
    if table:
        out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
        out.writelines(b"%010d 00000 n \n" % place for place in places)
    out.write(b"trailer\n%b\nstartxref\n%d\n%%%%EOF\n" % (trailer, start))
    return out.getvalue()


def locked(algorithm: Literal["RC4-40", "RC4-128"], password: str) -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(_WHOLE))
    writer.encrypt(password, "owner", algorithm=algorithm)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def with_box(box: bytes, *, key: bytes = b"/MediaBox") -> bytes:
    return raw_pdf(_WORD).replace(b"/MediaBox[0 0 600 800]", key + b"[" + box + b"]", 1)


def deep_tree(levels: int) -> bytes:
    """A page below that many nodes."""
    nodes = [b"<</Type/Pages/Count 1/Kids[%d 0 R]>>" % (number + 3) for number in range(levels)]
    return by_objects(b"<</Type/Catalog/Pages 2 0 R>>", *nodes, b"<</Type/Page/MediaBox[0 0 9 9]>>")


_CATALOG = b"<</Type/Catalog/Pages 2 0 R>>"
_PAGES = b"<</Type/Pages/Count 1/Kids[3 0 R]>>"
_PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R>>"

CUT_OFF: Family = {
    f"after {part} %": case(_WHOLE[: len(_WHOLE) * part // 100], "CORRUPT") for part in range(5, 100, 5)
} | {"junk behind it": case(_WHOLE + bytes(8_000), "CORRUPT"), "junk before it": case(b"\n" * 900 + _WHOLE, "read")}

DAMAGED: Family = {f"seed {seed}": case(damaged(seed)) for seed in range(24)}

STRUCTURE: Family = {
    "page tree that is its own child": case(raw_pdf(b"").replace(b"[3 0 R ]", b"[2 0 R ]"), "CORRUPT"),
    "page tree of two that hold each other": case(
        by_objects(_CATALOG, b"<</Type/Pages/Count 1/Kids[3 0 R]>>", b"<</Type/Pages/Count 1/Kids[2 0 R]>>"),
        "CORRUPT",
        "LIMIT_EXCEEDED",
    ),
    "page tree 3,000 deep": case(lambda: deep_tree(3_000)),
    "201 pages": case(raw_pdf(b"", pages=201), "TOO_MANY_PAGES"),
    "20,000 pages": case(lambda: raw_pdf(b"", pages=20_000), "TOO_MANY_PAGES", "LIMIT_EXCEEDED"),
    "a count of minus one": case(raw_pdf(_WORD).replace(b"/Count 1", b"/Count -1")),
    "a count of two thousand million": case(raw_pdf(_WORD).replace(b"/Count 1", b"/Count 2147483647")),
    "kids that are nothing": case(by_objects(_CATALOG, b"<</Type/Pages/Count 1/Kids[null]>>")),
    "a catalog that is a number": case(by_objects(b"1")),
    "a root that is not there": case(by_objects(_CATALOG, trailer=b"<</Root 99 0 R>>")),
    "no trailer": case(b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n%%EOF"),
    "an object that is itself": case(by_objects(b"1 0 R")),
    "a length that is itself": case(by_objects(_CATALOG, _PAGES, _PAGE, b"<</Length 4 0 R>>stream\nBT ET\nendstream")),
    "a length of minus five": case(by_objects(_CATALOG, _PAGES, _PAGE, b"<</Length -5>>stream\nBT ET\nendstream")),
    "a length past the end": case(by_objects(_CATALOG, _PAGES, _PAGE, b"<</Length 99999999>>stream\nBT ET\nendstream")),
    "a previous table that is itself": case(
        raw_pdf(_WORD).replace(b"trailer<<", b"trailer<</Prev 9/XRefStm 9 ").replace(b"startxref\n", b"startxref\n")
    ),
    "a table far behind the end": case(raw_pdf(_WORD).replace(b"startxref\n", b"startxref\n99999999")),
    "a table before the beginning": case(raw_pdf(_WORD).replace(b"startxref\n", b"startxref\n-")),
    "a table of two thousand million": case(raw_pdf(_WORD).replace(b"xref\n0 7", b"xref\n0 2147483647")),
    "100,000 brackets in an object": case(lambda: by_objects(b"[" * 100_000 + b"]" * 100_000)),
    "100,000 dictionaries in the trailer": case(lambda: by_objects(_CATALOG, trailer=b"<</A" * 100_000)),
    "a name of a megabyte": case(lambda: by_objects(b"<</" + b"A" * 1_000_000 + b" 1>>")),
    "numbers nobody can count": case(
        by_objects(_CATALOG, b"<</Type/Pages/Count 1e999/Kids[9" + b"9" * 4_999 + b" 0 R]>>")
    ),
    "a script that runs when it is opened": case(
        raw_pdf(_WORD).replace(b"/Type/Catalog", b"/Type/Catalog/OpenAction<</S/JavaScript/JS(app.alert(1))>>"), "read"
    ),
    "a program to be started": case(
        raw_pdf(_WORD).replace(b"/Type/Catalog", b"/Type/Catalog/OpenAction<</S/Launch/F(/bin/sh)>>"), "read"
    ),
    "a form sent when it is opened": case(
        raw_pdf(_WORD).replace(b"/Type/Catalog", b"/Type/Catalog/OpenAction<</S/SubmitForm/F(http://127.0.0.1:9/)>>"),
        "read",
    ),
    "an XFA form": case(
        raw_pdf(_WORD).replace(
            b"/Type/Catalog", b"/Type/Catalog/AcroForm<</XFA(<!DOCTYPE x SYSTEM 'file:///etc/passwd'>)>>"
        )
    ),
    "form fields that hold each other": case(
        raw_pdf(_WORD).replace(b"/Type/Catalog", b"/Type/Catalog/AcroForm<</Fields[<</Kids[1 0 R]>>]>>")
    ),
}

BOXES: Family = {
    f"[{box.decode()}]": case(with_box(box))
    for box in (
        b"0 0 0 0",
        b"0 0 600 0",
        b"0 0 -600 -800",
        b"600 800 0 0",
        b"0 0 1e38 1e38",
        b"0 0 14400 14400",
        b"0 0 1000000 1000000",
        b"0 0 2147483647 2147483647",
        b"0 0 1 100000",
        b"0 0 100000 1",
        b"-9e9 -9e9 9e9 9e9",
        b"0 0 (a) (b)",
        b"0 0",
        b"",
        b"null null null null",
        b"0 0 .0001 .0001",
    )
} | {
    "no box": case(with_box(b"0 0 600 800", key=b"/NoBox")),
    "a crop box beside the page": case(with_box(b"0 0 600 800]/CropBox[9000 9000 9100 9100")),
    "a crop box of a dot": case(with_box(b"0 0 600 800]/CropBox[1 1 1.01 1.01")),
    "a unit of a mile": case(with_box(b"0 0 600 800]/UserUnit 999999/X[1")),
    "turned by 45": case(with_box(b"0 0 600 800]/Rotate 45/X[1"), "read"),
    "turned by a word": case(with_box(b"0 0 600 800]/Rotate(round)/X[1"), "read"),
    "turned by far too much": case(with_box(b"0 0 600 800]/Rotate 99999999999/X[1")),
}

LOCKED: Family = {
    "RC4, 40 bits": case(locked("RC4-40", "secret"), "ENCRYPTED"),
    "RC4, 128 bits": case(locked("RC4-128", "secret"), "ENCRYPTED"),
    "an unknown lock": case(
        raw_pdf(_WORD).replace(b"/Root 1 0 R", b"/Root 1 0 R/Encrypt<</Filter/Other/V 9>>/ID[(a)(a)]"),
        "ENCRYPTED",
        "CORRUPT",
    ),
    "a lock without a key": case(raw_pdf(_WORD).replace(b"/Root 1 0 R", b"/Root 1 0 R/Encrypt<</Filter/Standard>>")),
    "against printing only": case(encrypted(_WHOLE, password=""), "read"),
}
