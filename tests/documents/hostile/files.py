"""Files that are no documents, whatever they are called, and archives that would unpack to more than a disk holds."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from random import Random

from tests.documents.hostile.corpus import Family, case


def archive(members: dict[str, bytes]) -> bytes:
    """A zip of these members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, body in members.items():
            zipped.writestr(name, body)
    return out.getvalue()


def word(body: bytes) -> bytes:
    return archive({"[Content_Types].xml": b"<Types/>", "word/document.xml": body})


def tar(name: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as packed:
        packed.addfile(tarfile.TarInfo(name))
    return out.getvalue()


_UNKNOWN = "UNSUPPORTED_TYPE"
_ENTITIES = (
    b"<!DOCTYPE x [<!ENTITY a 'ha'>"
    + b"".join(b"<!ENTITY %c '%b'>" % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
    + b"]><w:document>&j;</w:document>"
)

FILES: Family = {
    "nothing": case(b"", "EMPTY_FILE"),
    "one zero": case(b"\x00", _UNKNOWN),
    "a megabyte of zeros": case(bytes(1 << 20), _UNKNOWN),
    "noise": case(Random(1).randbytes(50_000), _UNKNOWN),
    "a PDF header": case(b"%PDF-1.7", "CORRUPT"),
    "a PDF header and end": case(b"%PDF-1.7\n%%EOF", "CORRUPT"),
    "a PDF end": case(b"%%EOF", "read"),
    "a PDF header after a kilobyte": case(b"\x00" * 1_025 + b"%PDF-1.7\n%%EOF", _UNKNOWN),
    "a program for Windows": case(b"MZ\x90\x00\x03" + bytes(99), _UNKNOWN),
    "a program for Linux": case(b"\x7fELF\x02\x01\x01" + bytes(99), _UNKNOWN),
    "a program for a browser": case(b"\x00asm\x01\x00\x00\x00", _UNKNOWN),
    "a class": case(b"\xca\xfe\xba\xbe\x00\x00\x004" + bytes(99), _UNKNOWN),
    "a database": case(b"SQLite format 3\x00" + bytes(99), _UNKNOWN),
    "a film": case(b"\x00\x00\x00\x20ftypisom" + bytes(99), _UNKNOWN),
    "music": case(b"ID3\x04\x00\x00\x00\x00\x00\x00" + bytes(99), _UNKNOWN),
    "a disk image": case(bytes(0x8001) + b"CD001", _UNKNOWN),
    "PostScript": case(b"%!PS-Adobe-3.0\n(%stdin) (r) file run\n", "read"),
    "an old Word document": case(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), _UNKNOWN),
    "RTF that links an object": case(b"{\\rtf1{\\object\\objautlink{\\*\\objdata 0105}}}", _UNKNOWN),
    "a shell script": case(b"#!/bin/sh\nrm -rf /\n", "read"),
    "XML that reads a file": case(
        b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>", "read"
    ),
    "XML that grows": case(b"<?xml version='1.0'?>" + _ENTITIES, "read"),
    "a drawing with a script": case(
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><script>1</script></svg>", "read"
    ),
    "a PDF and a picture at once": case(b"\x89PNG\r\n\x1a\n%PDF-1.7\n" + bytes(99) + b"%%EOF", "CORRUPT"),
    "a PDF and an archive at once": case(b"%PDF-1.7\n" + archive({"a": b"b"}) + b"%%EOF", "CORRUPT"),
}

ARCHIVES: Family = {
    "a zip": case(archive({"a.pdf": b"%PDF-1.4"}), _UNKNOWN),
    "an empty zip": case(b"PK\x05\x06" + bytes(18), _UNKNOWN),
    "a zip of a header only": case(b"PK\x03\x04" + bytes(64), _UNKNOWN),
    "a zip of 100 MB": case(lambda: archive({"a": bytes(100 << 20)}), _UNKNOWN),
    "a zip in a zip in a zip": case(lambda: archive({"a": archive({"b": archive({"c": bytes(10 << 20)})})}), _UNKNOWN),
    "a zip of 5,000 files": case(lambda: archive({str(n): b"" for n in range(5_000)}), _UNKNOWN),
    "a zip that climbs": case(archive({"../../../../etc/cron.d/x": b"* * * * * root sh"}), _UNKNOWN),
    "a Word document": case(word(b"<w:document/>"), _UNKNOWN),
    "a Word document of 100 MB": case(lambda: word(b"<w:t>" + b" " * (100 << 20)), _UNKNOWN),
    "a Word document that grows": case(word(_ENTITIES), _UNKNOWN),
    "a Word document with a macro": case(
        archive({"word/document.xml": b"", "word/vbaProject.bin": b"\xd0\xcf"}), _UNKNOWN
    ),
    "an Excel sheet": case(archive({"xl/workbook.xml": b"<x/>"}), _UNKNOWN),
    "gzip of 50 MB": case(lambda: gzip.compress(bytes(50 << 20)), _UNKNOWN),
    "bzip2 of 50 MB": case(lambda: bz2.compress(bytes(50 << 20)), _UNKNOWN),
    "xz of 50 MB": case(lambda: lzma.compress(bytes(50 << 20), preset=0), _UNKNOWN),
    "7z": case(b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(99), _UNKNOWN),
    "rar": case(b"Rar!\x1a\x07\x01\x00" + bytes(99), _UNKNOWN),
    "tar": case(tar("../../escape"), _UNKNOWN),
    "cab": case(b"MSCF\x00\x00\x00\x00" + bytes(99), _UNKNOWN),
}
