"""Words that are too many, in the wrong order, or not to be seen; and pages of HTML."""

from __future__ import annotations

from tests.documents.hostile.corpus import Family, case

TEXTS: Family = {
    "blank": case(b" \n\n\t \n", "NO_TEXT_LAYER"),
    "a mark of order only": case(b"\xef\xbb\xbf", "NO_TEXT_LAYER"),
    "only characters without width": case("\u200b\u2060\ufeff\u00ad".encode(), "NO_TEXT_LAYER"),
    "only direction marks": case("\u202e\u202d\u2066".encode(), "NO_TEXT_LAYER"),
    "a zero among words": case(b"Total\x00 1,250.00", "UNSUPPORTED_TYPE"),
    "a zero in UTF-16": case("Total\x00 1,250.00".encode("utf-16"), "read"),
    "half a character in UTF-16": case(b"\xff\xfeT\x00\x00\xd8o\x00"),
    "UTF-16 of odd length": case(b"\xff\xfeT\x00o", "UNSUPPORTED_TYPE"),
    "UTF-16 of nothing": case(b"\xff\xfe"),
    "broken UTF-8": case(b"Stra\xc3 1,250.00 \xff", "read"),
    "over-long UTF-8": case(b"a\xc0\xafb \xed\xa0\x80", "UNSUPPORTED_TYPE", "read"),
    "a line of 3 MB": case(b"words " * 500_000, "LIMIT_EXCEEDED"),
    "a million lines": case(b"\n" * 999_999 + b"x", "read"),
    "201 pages": case(b"page\f" * 201, "TOO_MANY_PAGES"),
    "200 pages": case(b"page\f" * 199 + b"page", "read"),
    "a tower of accents": case(("Z" + "\u0301" * 100_000).encode(), "read"),
    "turned words": case("Total \u202e00.052,1\u202c".encode(), "read"),
    "nested directions": case(("\u202e\u2067" * 2_000 + "x").encode(), "read", "NO_TEXT_LAYER"),
    "tag characters": case(("a" + "\U000e0070" * 5_000).encode(), "read"),
    "orders to a terminal": case(b"\x1b[2J\x1b]0;title\x07Total", "UNSUPPORTED_TYPE"),
    "a formula for a sheet": case(b"=cmd|'/c calc'!A1", "read"),
    "a template": case(b"{{7*7}} ${7*7} %s %n <%= 7 %>", "read"),
    "private characters": case("\ue000\uf8ff\U000f0000".encode()),
    "what is no character": case("\ufffe\uffff\U0010ffff".encode()),
}

HTML: Family = {
    "nothing in it": case(b"<html></html>", "NO_TEXT_LAYER"),
    "only a script": case(b"<html><script>while(1){}</script></html>", "NO_TEXT_LAYER"),
    "a script that never ends": case(b"<p>seen</p><script>" + b"x" * 9_999, "read"),
    "a comment that never ends": case(b"<p>seen</p><!-- " + b"x" * 9_999),
    "100,000 boxes in boxes": case(lambda: b"<div>" * 100_000 + b"seen", "read"),
    "100,000 ends without beginnings": case(lambda: b"<p>seen" + b"</div>" * 100_000, "read"),
    "200,000 opening brackets": case(lambda: b"<p>seen" + b"<" * 200_000),
    "200,000 ampersands": case(lambda: b"<p>seen" + b"&" * 200_000, "read"),
    "an attribute of a megabyte": case(lambda: b"<p style='" + b"a:b;" * 250_000 + b"'>seen</p>", "read"),
    "50,000 attributes": case(lambda: b"<p " + b"a=b " * 50_000 + b">seen</p>", "read"),
    "characters beyond all numbers": case(b"<p>&#99999999999;&#0;&#xd800;seen</p>", "read"),
    "a section of no kind": case(b"<p>seen</p><![WRONG[x]]>", "read"),
    "comments before the beginning": case(lambda: b"<!---->" * 9_000 + b"<p>seen"),
    "everything hidden": case(b"<html><div style='display:none'>pay</div></html>", "NO_TEXT_LAYER"),
    "a frame of another": case(b"<p>seen</p><iframe src='file:///etc/passwd'></iframe>", "read"),
    "a table 2,000 wide": case(lambda: b"<table><tr>" + b"<td>1</td>" * 2_000, "read"),
}
