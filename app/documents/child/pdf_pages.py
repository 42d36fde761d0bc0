"""The pages of a PDF: their text, what hides in them, and which of them are pictures; runs only in the sandboxed child.

The law: the page is drawn, and what leaves no mark on the drawing was not shown to anybody. So white words on white
paper, and words under a picture, are hidden text, by whatever trick they were hidden.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import pypdfium2
import pypdfium2.raw as pdfium

from app.documents.child.asked import Asked
from app.documents.child.page_layout import Box, Layout, Run, Word, laid_out
from app.documents.child.pdf_characters import Characters, characters_of, is_legible, turned
from app.documents.child.pdf_preflight import check_page_count, encrypted, preflight
from app.documents.child.reading import PageFound
from app.documents.unreadable import Unreadable

if TYPE_CHECKING:
    from PIL.Image import Image

ENGINE = f"pdfium/{pypdfium2.PDFIUM_INFO.build}"
_PASSWORD_ERROR = 4  # FPDF_ERR_PASSWORD
_POINTS_PER_INCH = 72
_LONGEST_SIDE = 12_000  # pixels
_LOOK_PIXELS = 4_000_000
_LEAST_CONTRAST = 12  # of 255, between the lightest and the darkest spot of a word's box
_FEW_LETTERS = 50  # fewer than these on a page that is mostly a picture: a stamp or a caption, not its text
_MOSTLY = 0.5
_DEEPEST_OBJECT = 3
_MOST_NAMED = 20


class Attached(NamedTuple):
    """A file within a PDF."""

    filename: str
    size: int = 0
    dropped: str = "a file embedded in a PDF is not taken out of it"


class Drawn(NamedTuple):
    """A page's picture, and its visible words in points of `width` and `height` from its lower left."""

    picture: Image
    layout: Layout
    width: float
    height: float


def read_pdf(data: bytes, limits: Asked) -> list[PageFound]:
    """Every page. Raises Unreadable."""
    preflight(data, limits)
    with _opened(data) as document:
        check_page_count(len(document), limits)
        return [_found(document, number) for number in range(len(document))]


def attached_to(data: bytes) -> list[Attached]:
    """The files embedded in a PDF, none of which is taken out."""
    with _opened(data) as document:
        names = (document.get_attachment(n).get_name() for n in range(min(document.count_attachments(), _MOST_NAMED)))
        return [Attached(name or "a file") for name in names]


def page_of_pdf(data: bytes, number: int, limits: Asked, dots_per_inch: int) -> Drawn:
    """One page, counted from 1, as a picture of at most `limits["pixels"]`, and its words."""
    preflight(data, limits)
    with _opened(data) as document:
        check_page_count(len(document), limits)
        if not 1 <= number <= len(document):
            raise Unreadable("NO_SUCH_PAGE", f"It has {len(document)} pages, so none is number {number}.")
        with _page(document, number - 1) as page:
            shown = _shown(page)
            words = _visible(page, shown, drawn(page, _POINTS_PER_INCH, _LOOK_PIXELS)).runs
            layout = laid_out([_moved(run, -shown.left, -shown.bottom) for run in words])
            picture = drawn(page, dots_per_inch, limits["pixels"])
            return Drawn(picture, layout, shown.right - shown.left, shown.top - shown.bottom)


def drawn(page: Any, dots_per_inch: int, pixels: int) -> Image:
    """The page as a grey picture; a larger page gets a coarser one, so that it never has more than `pixels`."""
    width, height = page.get_size()
    if not (width > 0 and height > 0):
        raise Unreadable("CORRUPT", "A page of it has no size; ask for a new copy.")
    scale = min(
        dots_per_inch / _POINTS_PER_INCH, (pixels / (width * height)) ** 0.5, _LONGEST_SIDE / max(width, height)
    )
    picture: Image = page.render(scale=scale, grayscale=True).to_pil()
    return picture


@contextmanager
def _opened(data: bytes) -> Iterator[Any]:
    try:
        document = pypdfium2.PdfDocument(data)
        # Filled-in form fields are annotations, not page content; flattening draws them into it.
        if document.get_formtype() != 0:
            document.init_forms()
        yield document
    except pypdfium2.PdfiumError as problem:
        if getattr(problem, "err_code", None) == _PASSWORD_ERROR:
            raise encrypted() from problem
        raise Unreadable("CORRUPT", f"It is damaged and cannot be opened ({problem}); ask for a new copy.") from problem


@contextmanager
def _page(document: Any, index: int) -> Iterator[Any]:
    page = document[index]
    if document.formenv:
        page.flatten()
        page.close()
        page = document[index]
    try:
        yield page
    finally:
        page.close()


def _found(document: Any, index: int) -> PageFound:
    with _page(document, index) as page:
        shown = _shown(page)
        look = drawn(page, _POINTS_PER_INCH, _LOOK_PIXELS)
        characters = _visible(page, shown, look)
        legible = is_legible(characters.runs)
        text = laid_out(characters.runs).text if legible else ""
        letters = sum(len(word.text) for run in characters.runs for word in run.words) if legible else 0
        scanned = _draws(look) if not letters else letters < _FEW_LETTERS and _pictured(page, shown) > _MOSTLY
        return PageFound(text=text, scanned=scanned, hidden=characters.hidden)


def _shown(page: Any) -> Box:
    """The page's box as it is shown, in points of the turned page."""
    return turned(Box(*page.get_bbox()), page.get_rotation())


def _visible(page: Any, shown: Box, look: Image) -> Characters:
    """The page's characters, without those that leave no mark on its picture."""
    text_page = page.get_textpage()
    try:
        found = characters_of(text_page, page.get_rotation(), shown)
    finally:
        text_page.close()
    for run in found.runs:
        seen = []
        for word in run.words:
            if not _is_letters(word) or _leaves_a_mark(word.box, shown, look):
                seen.append(word)
            else:
                found.hide("without contrast", f" {word.text}")
        run.words = seen
    found.runs = [run for run in found.runs if run.words]
    return found


def _is_letters(word: Word) -> bool:
    """A lone mark of punctuation may leave less of a mark than can be measured."""
    return any(letter.isalnum() for letter in word.text)


def _leaves_a_mark(box: Box, shown: Box, look: Image) -> bool:
    across, down = look.width / (shown.right - shown.left), look.height / (shown.top - shown.bottom)
    left, top = int((box.left - shown.left) * across), int((shown.top - box.top) * down)
    right, bottom = round((box.right - shown.left) * across) + 1, round((shown.top - box.bottom) * down) + 1
    place = (max(left, 0), max(top, 0), min(right, look.width), min(bottom, look.height))
    if place[0] >= place[2] or place[1] >= place[3]:
        return False
    darkest, lightest = look.crop(place).getextrema()
    return bool(lightest - darkest >= _LEAST_CONTRAST)  # type: ignore[operator]


def _draws(look: Image) -> bool:
    darkest, lightest = look.getextrema()
    return bool(lightest - darkest >= _LEAST_CONTRAST)  # type: ignore[operator]


def _pictured(page: Any, shown: Box) -> float:
    """Which part of the page its largest picture covers."""
    area = (shown.right - shown.left) * shown.height
    largest = 0.0
    for drawn_object in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=_DEEPEST_OBJECT):
        left, bottom, right, top = drawn_object.get_bounds()
        largest = max(largest, (right - left) * (top - bottom))
    return largest / area


def _moved(run: Run, right: float, up: float) -> Run:
    words = [
        Word(w.text, Box(w.box.left + right, w.box.bottom + up, w.box.right + right, w.box.top + up)) for w in run.words
    ]
    return Run(words, run.upright)
