"""Pages of documents as pictures of our own drawing, with the quoted words marked on them.

The law: a browser gets what we drew, never what was sent; it is drawn in the confined child, a few at a time, and kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from app.core.errors import BadInput, LonghaulError, NotFound
from app.documents.page_images import PageImages, places_of
from app.documents.reader import PageShown
from app.engine.runtime import Runtime
from app.store.reads import pages
from app.store.records.documents import documents_of
from app.store.runs import runs
from app.web.http.session import Me, Rt
from app.web.human_tasks.marks import Document, Mark

router = APIRouter()
_AT_ONCE = BoundedSemaphore(2)  # children drawing for one web process: each may take a gigabyte
_LAST_PAGE = 10_000


@dataclass(frozen=True, slots=True)
class Box:
    """A place on the page in pixels of the picture, and the mark that quotes what stands there."""

    mark: Mark
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, kw_only=True, slots=True)
class PageSight:
    """One page of a document as it is shown. `said`: why there is no picture. `chosen`: the mark that was asked for."""

    document: Document
    number: int
    width: int
    height: int
    said: str
    boxes: Sequence[Box]
    lost: Sequence[Mark]
    chosen: int
    last: int | None

    def beside(self, step: int) -> int | None:
        """The page before (-1) or behind (1), if there can be one."""
        number = self.number + step
        return number if 1 <= number <= (self.last or number) and (step < 0 or not self.said) else None


@router.get("/runs/{run_id:uuid}/documents/{sha256}/pages/{number}.png")
def page_picture(rt: Rt, me: Me, run_id: UUID, sha256: str, number: int) -> Response:
    """A page of a run's document as a picture. Raises NotFound for what is not the run's, or cannot be drawn."""
    with pages.snapshot(rt.database) as db:
        listed = documents_of(db, run_id, runs.data_of(db, run_id))
    if sha256 not in {row.sha256 for row in listed}:
        raise NotFound(f"the run {run_id} has no document {sha256[:80]}")
    shown = drawn(rt, sha256, number)
    if not shown.png:
        raise NotFound(f"page {number} cannot be shown: {shown.sentence}")
    return Response(shown.png, media_type="image/png", headers={"Cache-Control": "private, max-age=600"})


def drawn(rt: Runtime, sha256: str, number: int) -> PageShown:
    """A page, drawn now or kept from before."""
    if not 1 <= number <= _LAST_PAGE:
        raise NotFound(f"there is no page {number}")
    with _AT_ONCE:
        return PageImages(rt.documents).page(sha256, number)


def page_of(rt: Runtime, documents: Sequence[Document], asked: Mapping[str, str]) -> PageSight | None:
    """The page that an address asks for (`document`, `page`, `mark`), else where the gravest finding stands; None: no documents."""
    if not documents:
        return None
    if "document" in asked:
        document = next((d for d in documents if d.sha256 == asked["document"]), None)
        if document is None:
            raise NotFound("this task shows no such document; it may have been erased")
        number, chosen = _number(asked.get("page", "1")), _number(asked.get("mark", "0"))
    else:
        document, number, chosen = _first(documents)
    return _sight(rt, document, number, chosen)


def _first(documents: Sequence[Document]) -> tuple[Document, int, int]:
    for kinds in (("finding",), ("doubt",), ("fact", "line")):
        for document in documents:
            if marks := document.of_kind(*kinds):
                return document, marks[0].page, marks[0].n if kinds == ("finding",) else 0
    return documents[0], 1, 0


def _sight(rt: Runtime, document: Document, number: int, chosen: int) -> PageSight:
    try:
        shown = drawn(rt, document.sha256, number)
    except LonghaulError as problem:
        shown = PageShown(status="unreadable", sentence=str(problem))
    wanted = [m for m in document.marks if m.page == number and (m.kind != "line" or m.n == chosen)]
    boxes = [
        Box(
            mark,
            place.left * shown.width,
            place.top * shown.height,
            (place.right - place.left) * shown.width,
            (place.bottom - place.top) * shown.height,
        )
        for mark in wanted
        for place in places_of(mark.quote, shown.words)
    ]
    placed = {box.mark.n for box in boxes}
    return PageSight(
        document=document,
        number=number,
        width=shown.width,
        height=shown.height,
        chosen=chosen,
        said="" if shown.png else shown.sentence or "This page cannot be shown.",
        boxes=sorted(boxes, key=lambda box: box.mark.n == chosen),
        lost=[m for m in wanted if m.n not in placed],
        last=document.pages,
    )


def address(path: str, document: Document, page: int, mark: int = 0) -> str:
    """Where a page is shown beside its task. A Jinja global."""
    asked: dict[str, Any] = {"document": document.sha256, "page": page} | ({"mark": mark} if mark else {})
    return f"{path}?{urlencode(asked)}#page"


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 5:
        raise BadInput("page: follow the links beside the document; this is no number of a page")
    return int(text)
