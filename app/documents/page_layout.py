"""The characters of a PDF page as lines of text, columns kept as wide gaps.

The law: the text shows what the eye sees. A PDF stores characters in any order; a label in one column and its value
in the next are often pages of bytes apart. So lines are rebuilt from positions, and two blanks or more always mean a
gap between columns, so that every later reader of the text can see a table without seeing the page.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite, pi
from statistics import quantiles
from typing import Any

import pypdfium2.raw as pdfium

# In heights of the characters' boxes (about 1.2 times the font size).
_WORD_GAP = 0.12
_COLUMN_GAP = 0.9
_SAME_LINE = 0.4
_PARAGRAPH_GAP = 1.9
_WIDEST_LINE = 400
_UNMAPPED = "\ufffd"
_SOFT_HYPHENS = {0x02, 0xAD, 0xFFFE}


@dataclass(frozen=True, slots=True)
class Box:
    left: float
    bottom: float
    right: float
    top: float

    @property
    def height(self) -> float:
        return max(self.top - self.bottom, 0.1)

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2


@dataclass(slots=True)
class Run:
    """Characters that follow each other on one line without a column gap."""

    text: str
    box: Box
    upright: bool

    def add(self, character: str, box: Box, *, spaced: bool) -> None:
        self.text += f" {character}" if spaced else character
        self.box = Box(
            self.box.left, min(self.box.bottom, box.bottom), max(self.box.right, box.right), max(self.box.top, box.top)
        )


def laid_out(text_page: Any, rotation: int) -> str:
    """The page's text; `rotation` is the page's own, in degrees clockwise. Slanted text (stamps) comes last."""
    runs = list(_runs(text_page, rotation))
    upright = [run for run in runs if run.upright]
    slanted = "".join(run.text for run in runs if not run.upright)
    text = "\n".join(_rendered(_lines(upright), _character_width(upright)))
    text = f"{text}\n\n{slanted}" if slanted else text
    letters = "".join(text.split())
    # A font without a character map gives only replacement marks: a picture of text, not text.
    return "" if letters.count(_UNMAPPED) * 2 > len(letters) else text


def _runs(text_page: Any, rotation: int) -> Iterator[Run]:
    run: Run | None = None
    spaced = False
    for character, box, index in _characters(text_page, rotation):
        if character == " ":
            spaced = True
            continue
        gap = box.left - run.box.right if run else 0.0
        if run and _continues(run, box, gap):
            run.add(character, box, spaced=spaced or gap > _WORD_GAP * 2 * box.height)
        else:
            if run:
                yield run
            run = Run(character, box, _is_upright(text_page, index, rotation))
        spaced = False
    if run:
        yield run


def _continues(run: Run, box: Box, gap: float) -> bool:
    height = max(run.box.height, box.height)
    return abs(run.box.middle - box.middle) <= _SAME_LINE * height and -height < gap <= _COLUMN_GAP * box.height


def _characters(text_page: Any, rotation: int) -> Iterator[tuple[str, Box, int]]:
    """Each visible character with its box on the page as it is shown; white space of any kind as one blank."""
    rectangle = pdfium.FS_RECTF()
    place = ctypes.byref(rectangle)
    for index in range(pdfium.FPDFText_CountChars(text_page)):
        code = pdfium.FPDFText_GetUnicode(text_page, index)
        if code in (0x20, 0x0A, 0x0D, 0x09, 0xA0, 0x202F, 0x2009):
            yield " ", Box(0, 0, 0, 0), index
            continue
        if not pdfium.FPDFText_GetLooseCharBox(text_page, index, place):
            continue
        box = _turned(Box(rectangle.left, rectangle.bottom, rectangle.right, rectangle.top), rotation)
        if all(map(isfinite, (box.left, box.bottom, box.right, box.top))):
            yield _printed(code), box, index


def _printed(code: int) -> str:
    if code in _SOFT_HYPHENS:
        return "-"
    return chr(code) if 0 < code <= 0x10FFFF else _UNMAPPED


def _turned(box: Box, rotation: int) -> Box:
    match rotation % 360:
        case 90:
            return Box(box.bottom, -box.right, box.top, -box.left)
        case 180:
            return Box(-box.right, -box.top, -box.left, -box.bottom)
        case 270:
            return Box(-box.top, box.left, -box.bottom, box.right)
    return box


def _is_upright(text_page: Any, index: int, rotation: int) -> bool:
    """False for stamps and watermarks set at a slant, whose letters would fall into unrelated lines."""
    angle = pdfium.FPDFText_GetCharAngle(text_page, index)
    if angle < 0:
        return True
    slant = (angle * 180 / pi + rotation) % 360  # pdfium measures clockwise, as /Rotate does
    return bool(min(slant, 360 - slant) < 10)


def _lines(runs: list[Run]) -> Iterator[list[Run]]:
    """The runs of each line, top to bottom; within a line from left to right."""
    line: list[Run] = []
    for run in sorted(runs, key=lambda r: (-r.box.middle, r.box.left)):
        if line:
            smaller = min(line[0].box.height, run.box.height)
            if line[0].box.middle - run.box.middle > _SAME_LINE * smaller:
                yield sorted(line, key=lambda r: r.box.left)
                line = []
        line.append(run)
    if line:
        yield sorted(line, key=lambda r: r.box.left)


def _character_width(runs: list[Run]) -> float:
    """A narrow typical character: columns then rarely shift, because few lines print wider than their place."""
    widths = [(run.box.right - run.box.left) / len(run.text) for run in runs if len(run.text) >= 3]
    widths = [width for width in widths if width > 0]
    return max(quantiles(widths, n=5)[0] if len(widths) >= 2 else (widths or [5.0])[0], 0.5)


def _rendered(lines: Iterator[list[Run]], width: float) -> Iterator[str]:
    grid = list(lines)
    above: Box | None = None
    margin = min((line[0].box.left for line in grid), default=0.0)
    for line in grid:
        first = line[0].box
        if above and above.middle - first.middle > _PARAGRAPH_GAP * min(above.height, first.height):
            yield ""
        above = first
        yield _one_line(line, margin, width)


def _one_line(line: list[Run], margin: float, width: float) -> str:
    text = " " * min(round((line[0].box.left - margin) / width), _WIDEST_LINE)
    right: float | None = None
    for run in line:
        if right is not None:
            gap = run.box.left - right
            if gap > _COLUMN_GAP * run.box.height:
                column = min(round((run.box.left - margin) / width), _WIDEST_LINE)
                text += " " * max(column - len(text), 2)
            elif gap > _WORD_GAP * run.box.height or gap < -run.box.height:
                text += " "
        text += run.text
        right = run.box.right if right is None else max(right, run.box.right)
    return text.rstrip()
