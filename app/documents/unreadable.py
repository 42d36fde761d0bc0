"""Why a document could not be read. Apart from the reader, because the child runs as `__main__`."""

from __future__ import annotations


class Unreadable(Exception):
    """The document cannot be read: a stable code and a sentence that tells a person what to do."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence
