"""Pictures of pages and the places of their words, so that a quote can be shown where it stands.

The law: a browser of ours is shown what we drew, never what was sent. A page is drawn in the confined child, once, and
kept beside its document; it goes when the document goes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from pydantic import TypeAdapter

from app.documents.reader import PageShown, WordPlace, show_page
from app.documents.storage import DocumentStore

DRAWN = "1"
"""Raise it when pages are drawn in another way: those that were kept are then drawn anew."""
_WORDS = TypeAdapter(list[WordPlace])
_MOST_PLACES = 20


class PageImages:
    """The pages of the stored documents as pictures."""

    def __init__(self, store: DocumentStore) -> None:
        self._store = store

    def page(self, sha256: str, number: int) -> PageShown:
        """A page, counted from 1, with its words: drawn now, or kept from before. Raises NotFound; a page that cannot be
        drawn is `unreadable` with its reason.

        The words of a scan are known once it was read by OCR.
        """
        kept = self._store.made(sha256, f"{DRAWN}-page-{number}.json")
        png = self._store.made(sha256, f"{DRAWN}-page-{number}.png") if kept else None
        known = kept is not None and png is not None
        shown = (
            PageShown.model_validate(json.loads(kept or b"{}") | {"png": png}) if known else self._drawn(sha256, number)
        )
        recognised = self._store.made(sha256, f"words-{number}.json")
        return shown.model_copy(update={"words": _WORDS.validate_json(recognised)}) if recognised else shown

    def keep_words(self, sha256: str, number: int, words: Sequence[WordPlace]) -> None:
        """Keep where OCR found the words of a scanned page."""
        self._store.keep_made(sha256, f"words-{number}.json", _WORDS.dump_json(list(words)))

    def _drawn(self, sha256: str, number: int) -> PageShown:
        with self._store.opened(sha256) as document:
            shown = show_page(document, number)
        if shown.status == "read":
            told = shown.model_dump_json(exclude={"png"})
            self._store.keep_made(sha256, f"{DRAWN}-page-{number}.png", shown.png)
            self._store.keep_made(sha256, f"{DRAWN}-page-{number}.json", told.encode())
        return shown


def places_of(quote: str, words: Sequence[WordPlace]) -> list[WordPlace]:
    """Where a quote stands on a page: for each time it occurs one place a line, as `text` what stands there.

    Empty where it does not stand there, or only hidden. White space makes no difference, as in `quote_stands_in`.
    """
    wanted = "".join(quote.split())
    page = "".join(word.text for word in words)
    ends, length = [], 0
    for word in words:
        length += len(word.text)
        ends.append(length)
    found: list[WordPlace] = []
    start = page.find(wanted) if wanted else -1
    while start >= 0 and len(found) < _MOST_PLACES:
        last = start + len(wanted) - 1
        covered = (word for word, end in zip(words, ends, strict=True) if end > start and end - len(word.text) <= last)
        found += _by_lines(covered)
        start = page.find(wanted, last + 1)
    return found[:_MOST_PLACES]


def _by_lines(words: Iterable[WordPlace]) -> Iterator[WordPlace]:
    line: WordPlace | None = None
    for word in words:
        if line and line.top < (word.top + word.bottom) / 2 < line.bottom:
            line = WordPlace(
                text=f"{line.text} {word.text}",
                left=min(line.left, word.left),
                top=min(line.top, word.top),
                right=max(line.right, word.right),
                bottom=max(line.bottom, word.bottom),
            )
            continue
        if line:
            yield line
        line = word
    if line:
        yield line
