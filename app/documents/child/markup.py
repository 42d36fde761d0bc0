"""HTML reduced to what a reader of it would see; runs only in the sandboxed child.

The law: text only. Scripts, styles, frames and all that acts are dropped, and words that the page hides are told apart
as hidden text, as those of a PDF are.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

from app.documents.child.reading import PageFound

ENGINE = "html/1"
_DROPPED = frozenset(
    {
        "script",
        "style",
        "template",
        "noscript",
        "iframe",
        "object",
        "embed",
        "applet",
        "svg",
        "math",
        "head",
        "title",
        "audio",
        "video",
        "canvas",
        "select",
        "datalist",
    }
)
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_BLOCKS = frozenset(
    {
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "caption",
        "dd",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "html",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "tbody",
        "tfoot",
        "thead",
        "tr",
        "ul",
        "center",
    }
)
_CELLS = frozenset({"td", "th"})
_WHITE = r"(?:white|#f{3}(?![0-9a-f])|#f{6}|#f[c-f]f[c-f]f[c-f]|rgba?\(\s*25[0-5]\s*,\s*25[0-5]\s*,\s*25[0-5])"
_UNSEEN = (
    (re.compile(r"display\s*:\s*none"), "not displayed"),
    (re.compile(r"visibility\s*:\s*(?:hidden|collapse)"), "not displayed"),
    (re.compile(r"opacity\s*:\s*0?\.?0*(?![.\d]*[1-9])"), "not displayed"),
    (re.compile(r"font-size\s*:\s*(?:0|1(?:\.\d+)?\s*px|0?\.\d+\s*(?:px|pt|em|rem))"), "tiny"),
    (re.compile(r"(?:text-indent|left|top|margin-left)\s*:\s*-\d{3,}"), "off the page"),
    (re.compile(rf"(?<![-\w])color\s*:\s*{_WHITE}"), "without contrast"),
    (re.compile(r"(?<![-\w])color\s*:\s*transparent"), "without contrast"),
)
_BACKGROUND = re.compile(r"background(?:-color|-image)?\s*:")
_COLUMN = "   "
_DEEPEST = 10_000


def text_of_html(markup: str) -> PageFound:
    """The words of an HTML page in lines, cells parted by wide gaps."""
    reducer = _Reducer()
    reducer.feed(markup)
    reducer.close()
    return PageFound(reducer.text(), hidden=reducer.hidden)


class _Reducer(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.hidden: dict[str, str] = {}
        self._lines: list[str] = [""]
        self._open: list[tuple[str, str]] = []  # each open element, and why its words are not seen

    def text(self) -> str:
        """The lines, without runs of empty ones."""
        lines = [line.rstrip() for line in self._lines]
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")

    def parse_html_declaration(self, i: int) -> int:
        """What the standard library refuses to understand ("<![WRONG[") is passed over, as browsers do."""
        try:
            return super().parse_html_declaration(i)
        except AssertionError:
            return self.parse_bogus_comment(i)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._part(tag)
        if tag in _VOID:
            self._void(tag, dict(attrs))
            return
        why = self._why_unseen(tag, dict(attrs))
        if len(self._open) < _DEEPEST:
            self._open.append((tag, why))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._part(tag)
        if tag in _VOID:
            self._void(tag, dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        self._part(tag)
        for place in range(len(self._open) - 1, max(len(self._open) - 50, -1), -1):
            if self._open[place][0] == tag:
                del self._open[place:]
                return

    def handle_data(self, data: str) -> None:
        why = self._open[-1][1] if self._open else ""
        words = " ".join(data.split())
        if not words or why == "dropped":
            return
        if why:
            self.hidden[why] = f"{self.hidden.get(why, '')} {words}"
            return
        if any(tag == "pre" for tag, _ in self._open[-3:]):
            self._lines += data.rstrip("\n").split("\n")
            return
        line = self._lines[-1]
        between = " " if line and not line[-1].isspace() and data[:1].isspace() else ""
        self._lines[-1] = line + between + words + (" " if data[-1:].isspace() else "")

    def _part(self, tag: str) -> None:
        """Begin a new line or a new column where the tag does so on a screen."""
        if tag in _CELLS:
            self._lines[-1] = self._lines[-1].rstrip() + _COLUMN if self._lines[-1].strip() else ""
        elif (tag in _BLOCKS or tag == "br") and (self._lines[-1].strip() or tag in ("br", "p")):
            self._lines.append("")

    def _void(self, tag: str, attributes: dict[str, str | None]) -> None:
        value = (attributes.get("value") or "").strip()
        if tag == "input" and value:
            if (attributes.get("type") or "").lower() == "hidden":
                self.hidden["not displayed"] = f"{self.hidden.get('not displayed', '')} {value}"
            else:
                self.handle_data(f" {value} ")

    def _why_unseen(self, tag: str, attributes: dict[str, str | None]) -> str:
        around = self._open[-1][1] if self._open else ""
        if around == "dropped" or tag in _DROPPED:
            return "dropped"
        style = (attributes.get("style") or "").lower()
        colour = (attributes.get("color") or "").lower()
        if "bgcolor" in attributes or _BACKGROUND.search(style):
            return around if around != "without contrast" else ""
        if around:
            return around
        if "hidden" in attributes or (attributes.get("aria-hidden") or "").lower() == "true":
            return "not displayed"
        if re.fullmatch(_WHITE, colour):
            return "without contrast"
        return next((why for pattern, why in _UNSEEN if pattern.search(style)), "")
