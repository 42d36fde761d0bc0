"""What the sandboxed child finds on a page, before it is written as an answer. Free of imports that cost start-up time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from app.documents.child.page_layout import Word


@dataclass(slots=True)
class PageFound:
    """A page's text; `scanned`: it is a picture whose words only OCR can tell; `hidden`: words nobody sees, by why."""

    text: str
    scanned: bool = False
    hidden: dict[str, str] = field(default_factory=dict)


def fractions(words: list[Word], width: float, height: float, clean: Callable[[str], str]) -> list[list[Any]]:
    """Words with their places as parts of the page: text, left, top, right, bottom, each from 0 to 1 from the upper left."""
    return [
        [
            clean(word.text),
            round(word.box.left / width, 5),
            round(1 - word.box.top / height, 5),
            round(word.box.right / width, 5),
            round(1 - word.box.bottom / height, 5),
        ]
        for word in words
    ]
