"""Reads a page the way a strict browser and a screen reader do, and says what is wrong with it."""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser
from itertools import pairwise

_VOID = {"meta", "link", "input", "wbr", "img", "hr", "br"}
_FIELDS = {"input", "select", "textarea"}
_ALLOWED = {
    "html",
    "head",
    "meta",
    "title",
    "link",
    "body",
    "a",
    "header",
    "nav",
    "ul",
    "ol",
    "li",
    "form",
    "input",
    "span",
    "button",
    "main",
    "h1",
    "h2",
    "h3",
    "p",
    "strong",
    "code",
    "pre",
    "section",
    "div",
    "dl",
    "dt",
    "dd",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "time",
    "bdi",
    "details",
    "summary",
    "figure",
    "figcaption",
    "blockquote",
    "label",
    "select",
    "option",
    "textarea",
    "wbr",
    "br",
    "script",
    "img",
    "hr",
    "aside",
    "footer",
    "fieldset",
    "legend",
    "dialog",
    "kbd",
    "ins",
    "del",
    "em",
    "output",
    "progress",
    "meter",
    "template",
    "caption",
    "svg",
    "g",
    "defs",
    "rect",
    "circle",
    "line",
    "path",
    "polyline",
    "polygon",
    "text",
    "tspan",
    "image",
    "marker",
}


class Page(HTMLParser):
    """A parsed page. `problems` is empty for a good one; `text` is what a person reads."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.problems: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        if self._open:
            self.problems.append(f"never closed: {self._open}")
        self._look_over()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Only tags we know, no scripts but our own files, no styles, no address elsewhere."""
        given = dict(attrs)
        self.tags.append((tag, given))
        if tag == "script" and not (given.get("src") or "").startswith("/static/"):
            self.problems.append("a script that is no file of ours")
        if tag == "img" and "alt" not in given:
            self.problems.append("an image without words")
        if tag not in _ALLOWED:
            self.problems.append(f"<{tag}> has no place here")
        if doubled := [name for name, n in Counter(name for name, _ in attrs).items() if n > 1]:
            self.problems.append(f"<{tag}> states {doubled} twice")
        if tag == "script" and not (given.get("src") or "").startswith("/static/"):
            self.problems.append("<script> that is not a file of ours")
        for name, value in attrs:
            if name.startswith("on") or name in ("style", "srcdoc", "formaction"):
                self.problems.append(f"<{tag} {name}> could run something")
            if name in ("href", "src", "action") and not (value or "").startswith(("/", "#")):
                self.problems.append(f"<{tag} {name}={value!r}> leads elsewhere")
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Every end closes what was opened last."""
        if not self._open or self._open.pop() != tag:
            self.problems.append(f"</{tag}> closes something else")

    def handle_data(self, data: str) -> None:
        """What is read."""
        if self._open and self._open[-1] == "script" and data.strip():
            self.problems.append("a script that stands in the page")
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every such tag."""
        return [given for name, given in self.tags if name == tag]

    def _look_over(self) -> None:
        ids = Counter(given["id"] for _, given in self.tags if "id" in given)
        self._expect(not [i for i, n in ids.items() if n > 1], "an id stands twice")
        self._expect(len(self.all("h1")) == 1, "one h1")
        self._expect(self.all("html")[0].get("lang") == "en", "a language")
        self._expect(all(th.get("scope") for th in self.all("th")), "a scope for every th")
        self._expect(
            all("aria-label" in t or "aria-labelledby" in t for t in self.all("table")), "a name for every table"
        )
        self._expect(all("datetime" in t for t in self.all("time")), "a datetime for every time")
        labelled = {label.get("for") for label in self.all("label")}
        for tag, given in self.tags:
            if tag in _FIELDS and given.get("type") != "hidden":
                self._expect(given.get("id") in labelled, f"a label for {given.get('name')}")
            for name in ("aria-labelledby", "aria-describedby"):
                self._expect(all(i in ids for i in (given.get(name) or "").split()), f"{name}={given.get(name)} exists")
        levels = [int(tag[1]) for tag, _ in self.tags if tag in ("h1", "h2", "h3")]
        self._expect(all(b - a <= 1 for a, b in pairwise(levels)), f"headings in order: {levels}")

    def _expect(self, good: bool, what: str) -> None:
        if not good:
            self.problems.append(f"expected {what}")
