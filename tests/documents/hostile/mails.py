"""E-mails that nest, repeat, lie about their parts or name what no file may be called."""

from __future__ import annotations

from tests.documents.hostile.corpus import Family, case

_HEAD = b"From: a@b.example\nTo: c@d.example\nMIME-Version: 1.0\n"


def plain(body: bytes = b"words", **headers: bytes) -> bytes:
    more = b"".join(b"%b: %b\n" % (name.replace("_", "-").encode(), value) for name, value in headers.items())
    return _HEAD + more + b"\n" + body


def boxes(depth: int) -> bytes:
    """Multiparts within multiparts."""
    body = b"Content-Type: text/plain\n\nwords\n"
    for level in range(depth):
        body = b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n%b\n--b%d--\n' % (level, level, body, level)
    return _HEAD + body


def letters(depth: int) -> bytes:
    """E-mails within e-mails."""
    body = plain()
    for level in range(depth):
        part = b"Content-Type: message/rfc822\n\n" + body
        body = _HEAD + b'Content-Type: multipart/mixed; boundary="m%d"\n\n--m%d\n%b\n--m%d--\n' % (
            level,
            level,
            part,
            level,
        )
    return body


def parts(count: int, part: bytes) -> bytes:
    return _HEAD + b'Content-Type: multipart/mixed; boundary="b"\n\n' + b"--b\n%b\n" % part * count + b"--b--\n"


def attached(name: bytes, body: bytes = b"d29yZHM=") -> bytes:
    return parts(
        1,
        b"Content-Type: application/pdf\nContent-Transfer-Encoding: base64\n"
        b"Content-Disposition: attachment; filename=%b\n\n%b\n" % (name, body),
    )


MAILS: Family = {
    "parts in parts, 15 deep": case(boxes(15), "read"),
    "parts in parts, 100 deep": case(boxes(100), "LIMIT_EXCEEDED"),
    "parts in parts, 3,000 deep": case(lambda: boxes(3_000), "LIMIT_EXCEEDED"),
    "e-mails in e-mails, 100 deep": case(letters(100), "read", "LIMIT_EXCEEDED"),
    "e-mails in e-mails, 1,500 deep": case(lambda: letters(1_500), "read", "LIMIT_EXCEEDED"),
    "3,000 parts": case(lambda: parts(3_000, b"Content-Type: text/plain\n\nx\n"), "LIMIT_EXCEEDED"),
    "300 attachments": case(lambda: parts(300, b"Content-Type: image/png\n\nx\n"), "read"),
    "a subject of a megabyte": case(lambda: plain(Subject=b"x" * 1_000_000)),
    "20,000 headers": case(lambda: _HEAD + b"X-A: b\n" * 20_000 + b"\nwords"),
    "20,000 encoded words": case(lambda: plain(Subject=b"=?utf-8?q?a?= " * 2_000), "read"),
    "a subject in no alphabet": case(plain(Subject=b"=?no-such?b?////?= =?utf-8?b?!!!?="), "read"),
    "an alphabet nobody knows": case(plain(Content_Type=b"text/plain; charset=no-such"), "read"),
    "an alphabet that is a program": case(plain(Content_Type=b"text/plain; charset=unicode_escape"), "read"),
    "an alphabet that is a cipher": case(plain(Content_Type=b"text/plain; charset=rot13"), "read"),
    "an alphabet that unpacks": case(plain(Content_Type=b"text/plain; charset=zip"), "read"),
    "an alphabet with a zero": case(plain(Content_Type=b'text/plain; charset="utf\\-8*%00"'), "read"),
    "base64 that is none": case(plain(b"!!!!%%%", Content_Transfer_Encoding=b"base64")),
    "quoted and broken": case(plain(b"=ZZ=\n=", Content_Transfer_Encoding=b"quoted-printable")),
    "uuencoded and broken": case(plain(b"begin 644 x\n\xff\xff\nend", Content_Transfer_Encoding=b"x-uuencode")),
    "a kind that is none": case(plain(Content_Type=b"///;;;===")),
    "parts without a boundary": case(plain(Content_Type=b"multipart/mixed")),
    "parts of an empty boundary": case(plain(Content_Type=b'multipart/mixed; boundary=""')),
    "parts that never begin": case(plain(Content_Type=b"multipart/mixed; boundary=b")),
    "an alternative of nothing": case(plain(b"--b\n--b--", Content_Type=b"multipart/alternative; boundary=b")),
    "a message that is none": case(plain(b"", Content_Type=b"message/rfc822")),
    "a date that is none": case(plain(Date=b"Thu, 99 Xyz 99999 99:99:99 +9999"), "read"),
    "senders that are none": case(_HEAD.replace(b"a@b.example", b'<<<@@@>>>,;:\\"') + b"\nwords", "read"),
    "an attachment that climbs": case(attached(b'"../../../etc/passwd"'), "read"),
    "an attachment without a name": case(attached(b""), "read"),
    "an attachment of many names": case(
        attached(b"a; " + b"".join(b"filename*%d=x; " % n for n in range(500))), "read"
    ),
    "an attachment named in no alphabet": case(attached(b"a; filename*=no-such''%FF%00%0A"), "read"),
    "an attachment named like a header": case(attached(b'"a\\r\\nBcc: x"'), "read"),
    "an attachment of noise": case(attached(b"a.pdf", b"\xff\xfe!!"), "read"),
    "HTML that is not closed": case(plain(b"<p>seen" + b"<div>" * 9_999, Content_Type=b"text/html"), "read"),
}
