"""The characters of a PDF page's text layer as runs of words; those that no eye can see are set apart.

The law: what is not shown is not read. A character drawn in no colour, smaller than a grain of sand or off the page is a
fact about the document, told with its words, and never part of the page's text.
"""

from __future__ import annotations

import ctypes
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isfinite, pi
from typing import Any

import pypdfium2.raw as pdfium

from app.documents.child.page_layout import Box, Run, Word, continues, is_apart

UNMAPPED = "\ufffd"
_SOFT_HYPHENS = {0x02, 0xAD, 0xFFFE}
_BLANKS = (0x20, 0x0A, 0x0D, 0x09, 0xA0, 0x202F, 0x2009)
_DRAWS_NOTHING = {pdfium.FPDF_TEXTRENDERMODE_INVISIBLE, pdfium.FPDF_TEXTRENDERMODE_CLIP}
_TINY = 0.003  # of the page's height: 2.4 points on a letter
_TINY_POINTS = 2.6  # and never more than this: the page of a poster is large, its small print is not tiny
_FAINTEST = 26  # of 255: what is more transparent than this is not there


@dataclass(slots=True)
class Characters:
    """A page's runs of visible characters, and the hidden ones by why they cannot be seen."""

    runs: list[Run] = field(default_factory=list)
    hidden: dict[str, str] = field(default_factory=dict)

    def hide(self, why: str, character: str) -> None:
        self.hidden[why] = self.hidden.get(why, "") + character


def characters_of(text_page: Any, rotation: int, shown: Box) -> Characters:
    """What the text layer holds. `rotation` is the page's own, in degrees clockwise; `shown` its box as it is shown."""
    found, seen = Characters(), _Seen(text_page, shown)
    end: Box | None = None  # of the run's characters so far
    spaced = False
    for character, box, index in _characters(text_page, rotation):
        if character == " ":
            spaced = True
            continue
        why = seen.why_not(box, index)
        if why:
            found.hide(why, f" {character}" if spaced else character)
        elif end and continues(end, box):
            words = found.runs[-1].words
            if spaced or is_apart(end, box):
                words.append(Word(character, box))
            else:
                words[-1].text += character
                words[-1].box = words[-1].box.with_(box)
            end = end.with_(box)
        else:
            found.runs.append(Run([Word(character, box)], _is_upright(text_page, index, rotation)))
            end = box
        spaced = False
    return found


def is_legible(runs: list[Run]) -> bool:
    """False for a font without a character map, which gives only replacement marks: a picture of text, not text."""
    letters = "".join(word.text for run in runs for word in run.words)
    unknown = sum(letter == UNMAPPED or unicodedata.category(letter) == "Co" for letter in letters)
    return bool(letters) and unknown * 2 <= len(letters)


def turned(box: Box, rotation: int) -> Box:
    """A box of the page as it is stored, as the page is shown."""
    match rotation % 360:
        case 90:
            return Box(box.bottom, -box.right, box.top, -box.left)
        case 180:
            return Box(-box.right, -box.top, -box.left, -box.bottom)
        case 270:
            return Box(-box.top, box.left, -box.bottom, box.right)
    return box


class _Seen:
    """Whether a character can be seen, as far as that is told without drawing the page."""

    def __init__(self, text_page: Any, shown: Box) -> None:
        self._text_page, self._shown = text_page, shown
        self._tiny = min(_TINY * shown.height, _TINY_POINTS)
        self._modes: dict[int, bool] = {}  # of each text object, by its address
        self._colour = [ctypes.c_uint() for _ in range(4)]

    def why_not(self, box: Box, index: int) -> str:
        """Why it cannot be seen, or an empty string."""
        if not self._touches_the_page(box):
            return "off the page"
        if box.top - box.bottom < self._tiny and box.right - box.left < self._tiny:
            return "tiny"
        drawn = pdfium.FPDFText_GetTextObject(self._text_page, index)
        address = ctypes.cast(drawn, ctypes.c_void_p).value
        if address is None:
            return ""
        if address not in self._modes:
            self._modes[address] = self._draws(drawn, index)
        return "" if self._modes[address] else "drawn invisibly"

    def _touches_the_page(self, box: Box) -> bool:
        shown = self._shown
        across = box.left < shown.right and box.right > shown.left
        return across and box.bottom < shown.top and box.top > shown.bottom

    def _draws(self, drawn: Any, index: int) -> bool:
        if pdfium.FPDFTextObj_GetTextRenderMode(drawn) in _DRAWS_NOTHING:
            return False
        told = pdfium.FPDFText_GetFillColor(self._text_page, index, *map(ctypes.byref, self._colour))
        return not told or self._colour[3].value > _FAINTEST


def _characters(text_page: Any, rotation: int) -> Iterator[tuple[str, Box, int]]:
    """Each character with its box on the page as it is shown; white space of any kind as one blank."""
    rectangle = pdfium.FS_RECTF()
    place = ctypes.byref(rectangle)
    for index in range(pdfium.FPDFText_CountChars(text_page)):
        code = pdfium.FPDFText_GetUnicode(text_page, index)
        if code in _BLANKS:
            yield " ", Box(0, 0, 0, 0), index
            continue
        if not pdfium.FPDFText_GetLooseCharBox(text_page, index, place):
            continue
        box = turned(Box(rectangle.left, rectangle.bottom, rectangle.right, rectangle.top), rotation)
        if all(map(isfinite, (box.left, box.bottom, box.right, box.top))):
            yield _printed(code), box, index


def _printed(code: int) -> str:
    if code in _SOFT_HYPHENS:
        return "-"
    return chr(code) if 0 < code <= 0x10FFFF else UNMAPPED


def _is_upright(text_page: Any, index: int, rotation: int) -> bool:
    """False for stamps and watermarks set at a slant, whose letters would fall into unrelated lines."""
    angle = pdfium.FPDFText_GetCharAngle(text_page, index)
    if angle < 0:
        return True
    slant = (angle * 180 / pi + rotation) % 360  # pdfium measures clockwise, as /Rotate does
    return bool(min(slant, 360 - slant) < 10)
