"""Characters that are there and not seen: taken out of a text and told apart, or written out where they cannot be stored.

Free of imports that cost start-up time.
"""

from __future__ import annotations

import re

_PRINTED_CONTROLS = re.compile("[\x01-\x08\x0b\x0e-\x1f\x7f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_TAGS = re.compile("[\U000e0001\U000e0020-\U000e007f]+")  # a second ASCII that no font draws
_TURNED = re.compile("[\u202d\u202e]([^\u202c\n]*)\u202c?")  # is read in one order and shown in another
_UNDRAWN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U000e0000-\U000e01ef]"
)


def as_seen(text: str) -> tuple[str, dict[str, str]]:
    """The text as it is seen, and what is not seen by why."""
    hidden: dict[str, str] = {}
    if text.isascii():
        return text, hidden
    tagged = " ".join("".join(chr(ord(c) - 0xE0000) for c in found) for found in _TAGS.findall(text))
    if tagged.strip("\x01 \x7f"):
        hidden["written in characters that are not drawn"] = tagged
    turned = " ".join(found for found in _TURNED.findall(_TAGS.sub("", text)) if found.strip())
    if turned:
        hidden["shown in another order than written"] = turned
    return _UNDRAWN.sub("", _TURNED.sub("", _TAGS.sub("", text))), hidden


def storable(text: str) -> str:
    """`text` with NUL and lone surrogates written out, and other control characters as blanks."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _SURROGATE.search(text):  # halves that belong together are one character
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    text = _UNSTORABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return _PRINTED_CONTROLS.sub(" ", text)
