"""The code behind the tools `documents.*`: reading a stored document, and who else sent the same file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.documents.page_images import PageImages
from app.documents.reader import read_document, read_scan
from app.documents.storage import DocumentStore
from app.store.database import Database
from app.store.records import documents as listed
from app.store.rows import told


class DocumentReader:
    """`documents.read`: the text of a stored document, read in a confined child process."""

    def __init__(self, store: DocumentStore) -> None:
        self._store = store

    def __call__(self, key: str, params: Mapping[str, Any]) -> Any:
        with self._store.opened(params["sha256"]) as document:
            return read_document(document).model_dump(mode="json")


class ScanReader:
    """`documents.read_scan`: one page of a stored document, read by OCR in a confined child process."""

    def __init__(self, store: DocumentStore) -> None:
        self._store = store

    def __call__(self, key: str, params: Mapping[str, Any]) -> Any:
        with self._store.opened(params["sha256"]) as document:
            scan = read_scan(document, params["page"])
        if scan.words:  # where they stand is for the eye, not for the journal
            PageImages(self._store).keep_words(params["sha256"], params["page"], scan.words)
        return scan.model_dump(mode="json", exclude={"words"})


class SentElsewhere:
    """`documents.elsewhere`: who else sent the same files, by their content. Nobody is an answer."""

    MOST = 10

    def __init__(self, database: Database) -> None:
        self._database = database

    def __call__(self, key: str, params: Mapping[str, Any]) -> Any:
        """{"subjects": the first `MOST` of them, "of": how many there are}."""
        with self._database.transaction() as db:
            found = listed.elsewhere(db, **params, most=self.MOST)
        return {
            "subjects": [{name: value for name, value in told(one).items() if name != "of"} for one in found],
            "of": len(found) and found[0].of,
        }
