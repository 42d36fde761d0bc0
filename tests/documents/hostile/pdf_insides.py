"""PDFs whose parts are well formed and far too much: bombs, endless drawing, broken fonts, enormous pictures."""

from __future__ import annotations

import zlib
from random import Random

from tests.documents.hostile.corpus import Family, case
from tests.documents.hostile.pdf_structure import by_objects
from tests.documents.pdfs import raw_pdf

_WORD = b"BT /F 12 Tf 20 20 Td (word) Tj ET"
_MEGABYTE = 1 << 20


def page_with(resources: bytes, content: bytes, *more: bytes, table: bool = True) -> bytes:
    """One page; `more` are the objects 5, 6, …"""
    return by_objects(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<<%b>>>>" % resources,
        b"<</Length %d>>stream\n%b\nendstream" % (len(content), content),
        *more,
        table=table,
    )


def stream(body: bytes, entries: bytes) -> bytes:
    return b"<<%b/Length %d>>stream\n%b\nendstream" % (entries, len(body), body)


def bomb(megabytes: int, filters: bytes = b"/FlateDecode", times: int = 1, *, table: bool = True) -> bytes:
    """A content stream that unpacks to that much."""
    body = b" " * (megabytes * _MEGABYTE)
    for _ in range(times):
        body = zlib.compress(body, 9)
    packed = stream(body, b"/Filter[%b]" % filters)
    return page_with(b"", b"", table=table).replace(b"<</Length 0>>stream\n\nendstream", packed)


def with_font(font: bytes, *more: bytes) -> bytes:
    return page_with(b"/Font<</F 5 0 R>>", _WORD, font, *more)


def with_picture(entries: bytes, body: bytes = b"") -> bytes:
    """A page that shows one picture."""
    return page_with(
        b"/XObject<</I 5 0 R>>/Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>",
        _WORD + b" 500 0 0 500 50 50 cm /I Do",
        stream(body, b"/Type/XObject/Subtype/Image" + entries),
    )


def _noise(seed: int, size: int) -> bytes:
    return Random(seed).randbytes(size)


_HUGE = zlib.compress(bytes(30_000 * 30_000 // 8), 9)

BOMBS: Family = {
    "12 MB": case(lambda: bomb(12), "LIMIT_EXCEEDED"),
    "12 MB packed twice": case(lambda: bomb(12, b"/FlateDecode/FlateDecode", 2), "LIMIT_EXCEEDED"),
    "12 MB packed three times": case(lambda: bomb(12, b"/FlateDecode/FlateDecode/FlateDecode", 3), "LIMIT_EXCEEDED"),
    "12 MB that only pdfium finds": case(lambda: bomb(12, table=False)),
    "12 MB by repetition": case(
        lambda: page_with(b"", b"").replace(
            b"<</Length 0>>stream\n\nendstream", stream(b"\x81 " * (12 * _MEGABYTE // 128), b"/Filter/RunLengthDecode")
        ),
    ),
    "in a form": case(lambda: raw_pdf(b"/X Do", form=b" " * (12 * _MEGABYTE)), "LIMIT_EXCEEDED"),
    "in a table of objects": case(
        lambda: by_objects(
            stream(zlib.compress(bytes(12 * _MEGABYTE)), b"/Type/XRef/Size 99/W[1 9 9]/Root 1 0 R/Filter/FlateDecode")
        ),
    ),
    "in a stream of objects": case(
        lambda: by_objects(
            stream(zlib.compress(b" 1" * (6 * _MEGABYTE)), b"/Type/ObjStm/N 99999999/First 9/Filter/FlateDecode")
        ),
    ),
    "in a font file": case(
        lambda: with_font(
            b"<</Type/Font/Subtype/TrueType/BaseFont/X/FontDescriptor<</FontFile2 6 0 R>>>>",
            stream(zlib.compress(bytes(12 * _MEGABYTE)), b"/Filter/FlateDecode"),
        ),
    ),
    "in a character map": case(
        lambda: with_font(
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 6 0 R>>",
            stream(zlib.compress(b"<00><ff><0041>" * (_MEGABYTE)), b"/Filter/FlateDecode"),
        ),
    ),
    "in what is said about it": case(
        lambda: raw_pdf(_WORD).replace(b"/Type/Catalog", b"/Type/Catalog/Metadata 4 0 R"), "read"
    ),
    "200 contents of one bomb": case(
        lambda: page_with(b"", b"", stream(zlib.compress(b" " * _MEGABYTE), b"/Filter/FlateDecode")).replace(
            b"/Contents 4 0 R", b"/Contents[" + b"5 0 R " * 200 + b"]"
        ),
        "LIMIT_EXCEEDED",
    ),
}

DRAWING: Family = {
    "a form that draws itself": case(raw_pdf(_WORD + b" /X Do", form=b"/X Do"), "read"),
    "300,000 saved states": case(lambda: raw_pdf(b"q " * 300_000 + _WORD)),
    "300,000 restored states": case(lambda: raw_pdf(b"Q " * 300_000 + _WORD), "read"),
    "100,000 brackets": case(lambda: raw_pdf(b"[" * 100_000 + _WORD)),
    "a string that never ends": case(lambda: raw_pdf(b"BT /F 9 Tf (" + b"(" * 100_000)),
    "a shape of 200,000 points": case(lambda: raw_pdf(b"0 0 m " + b"9 9 l " * 200_000 + b"f " + _WORD)),
    "letters a mile high": case(raw_pdf(b"BT /F 99999999 Tf (word) Tj ET")),
    "letters of no size": case(raw_pdf(b"BT /F 0 Tf (word) Tj ET")),
    "letters beyond all numbers": case(raw_pdf(b"BT /F 1e38 Tf 1e38 0 0 1e38 1e38 1e38 Tm (word) Tj ET")),
    "letters that are not numbers": case(raw_pdf(b"BT /F (a) Tf [] 0 0 nan nan inf Tm (word) Tj ET")),
    "20,000 words on one spot": case(lambda: raw_pdf(b"BT /F 9 Tf (word) Tj ET\n" * 20_000)),
    "a shading without end": case(
        page_with(
            b"/Shading<</S<</ShadingType 1/ColorSpace/DeviceGray/Domain[0 1e9 0 1e9]/Function<</FunctionType 2/Domain[0 1]/N 1e9>>>>>>",
            b"/S sh",
        )
    ),
    "a mask that masks itself": case(
        page_with(
            b"/ExtGState<</G 5 0 R>>",
            b"/G gs 0 0 99 99 re f",
            b"<</SMask<</S/Luminosity/G 6 0 R>>>>",
            stream(
                b"/G gs 0 0 9 9 re f",
                b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Group<</S/Transparency>>/Resources<</ExtGState<</G 5 0 R>>>>",
            ),
        )
    ),
    "words of another world": case(raw_pdf(b"\xff\xfe\x00" * 5_000)),
    "a picture in the line that never ends": case(raw_pdf(b"BI /W 9 /H 9 /BPC 8 /CS /G ID " + bytes(3_000))),
}

ENDLESS: Family = {
    "forms that draw each other": case(
        page_with(
            b"/XObject<</X 5 0 R>>",
            b"/X Do",
            stream(b"/Y Do", b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</Y 6 0 R>>>>"),
            stream(b"/X Do /X Do", b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 5 0 R>>>>"),
        )
    ),
    "a pattern that draws itself": case(
        page_with(
            b"/Pattern<</P 5 0 R>>",
            b"/Pattern cs /P scn 0 0 600 800 re f",
            stream(
                b"/Pattern cs /P scn 0 0 9 9 re f",
                b"/Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 9 9]/XStep 1/YStep 1/Resources<</Pattern<</P 5 0 R>>>>",
            ),
        )
    ),
    "a pattern of tiny steps": case(
        page_with(
            b"/Pattern<</P 5 0 R>>",
            b"/Pattern cs /P scn 0 0 600 800 re f",
            stream(
                b"0 0 1 1 re f",
                b"/Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 1 1]/XStep .01/YStep .01/Resources<<>>",
            ),
        )
    ),
}
"""What pdfium cannot tell from much work: only the kernel ends it."""

_DESCRIPTOR = b"/FontDescriptor<</Type/FontDescriptor/FontName/X/Flags 4/%b 6 0 R>>"
FONTS: Family = {
    f"{kind}, noise {seed}": case(
        with_font(
            b"<</Type/Font/Subtype/%b/BaseFont/X/FirstChar 0/LastChar 255%b>>" % (subtype, _DESCRIPTOR % key),
            stream(start + _noise(seed, 4_000), b"/Subtype/%b" % file),
        ),
    )
    for seed in range(3)
    for kind, subtype, key, file, start in (
        ("TrueType", b"TrueType", b"FontFile2", b"TrueType", b"\x00\x01\x00\x00\x00\x10"),
        ("Type 1", b"Type1", b"FontFile", b"Type1", b"%!PS-AdobeFont-1.0\n/Private 9 dict dup begin eexec "),
        ("CFF", b"Type1", b"FontFile3", b"Type1C", b"\x01\x00\x04\x04"),
        ("OpenType", b"TrueType", b"FontFile3", b"OpenType", b"OTTO\x00\x10"),
    )
} | {
    "a font that is itself": case(with_font(b"5 0 R")),
    "a font of itself": case(
        with_font(b"<</Type/Font/Subtype/Type0/BaseFont/X/Encoding/Identity-H/DescendantFonts[5 0 R]>>")
    ),
    "a font of nothing": case(
        with_font(b"<</Type/Font/Subtype/Type0/BaseFont/X/Encoding/Identity-H/DescendantFonts[]>>")
    ),
    "drawn letters that draw themselves": case(
        with_font(
            b"<</Type/Font/Subtype/Type3/FontBBox[0 0 9 9]/FontMatrix[1 0 0 1 0 0]/CharProcs<</w 6 0 R>>"
            b"/Encoding<</Differences[119/w]>>/FirstChar 119/LastChar 119/Widths[9]/Resources<</Font<</F 5 0 R>>>>>>",
            stream(b"9 0 d0 BT /F 9 Tf (w) Tj ET", b""),
        )
    ),
    "a character map of noise": case(
        with_font(b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 6 0 R>>", stream(_noise(9, 4_000), b""))
    ),
    "a character map to nowhere": case(
        with_font(
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 6 0 R>>",
            stream(
                b"1 begincodespacerange <00> <ff> endcodespacerange 1 beginbfrange <00> <ff> <d800> endbfrange", b""
            ),
        )
    ),
    "widths beyond all numbers": case(
        with_font(b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/FirstChar 0/LastChar 2147483647/Widths[1e38 -1e38]>>")
    ),
}

PICTURES: Family = {
    "30,000 by 30,000 dots": case(
        lambda: with_picture(
            b"/Width 30000/Height 30000/BitsPerComponent 1/ColorSpace/DeviceGray/Filter/FlateDecode", _HUGE
        )
    ),
    "a width of minus one": case(
        with_picture(b"/Width -1/Height 9/BitsPerComponent 8/ColorSpace/DeviceGray", b"\x00" * 81)
    ),
    "two thousand million wide": case(
        with_picture(b"/Width 2147483647/Height 2147483647/BitsPerComponent 8/ColorSpace/DeviceRGB", b"\x00" * 81)
    ),
    "a JPEG that says 65,535 by 65,535": case(
        with_picture(
            b"/Width 65535/Height 65535/BitsPerComponent 8/ColorSpace/DeviceRGB/Filter/DCTDecode",
            b"\xff\xd8\xff\xc0\x00\x11\x08\xff\xff\xff\xff\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01" + bytes(99),
        )
    ),
    "a mask that is itself": case(
        with_picture(b"/Width 9/Height 9/BitsPerComponent 8/ColorSpace/DeviceGray/SMask 5 0 R", b"\x00" * 81)
    ),
    "colours of themselves": case(with_picture(b"/Width 9/Height 9/BitsPerComponent 8/ColorSpace 5 0 R", b"\x00" * 81)),
    "a palette past its end": case(
        with_picture(b"/Width 9/Height 9/BitsPerComponent 8/ColorSpace[/Indexed/DeviceRGB 255(a)]", b"\xff" * 81)
    ),
} | {
    f"{name} of noise": case(
        with_picture(
            b"/Width 900/Height 900/BitsPerComponent 8/ColorSpace/DeviceGray/Filter/" + name.encode(),
            start + _noise(4, 3_000),
        )
    )
    for name, start in (
        ("JPXDecode", b"\x00\x00\x00\x0cjP  \r\n\x87\n"),
        ("JBIG2Decode", b"\x97JB2\r\n\x1a\n"),
        ("CCITTFaxDecode", b""),
        ("LZWDecode", b""),
        ("DCTDecode", b"\xff\xd8\xff\xe0"),
        ("ASCII85Decode", b""),
        ("NoSuchDecode", b""),
    )
}
