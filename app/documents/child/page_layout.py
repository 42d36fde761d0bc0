"""The words of a page as lines of text, columns kept as wide gaps.

The law: the text shows what the eye sees. A PDF stores characters in any order, and a label in one column and its value
in the next are often pages of bytes apart. So lines are rebuilt from positions, and two blanks or more always mean a
gap between columns, so that every later reader of the text can see a table without seeing the page. Where the words
come from, a text layer or OCR, makes no difference here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from statistics import quantiles

# In heights of the characters' boxes (about 1.2 times the font size).
_WORD_GAP = 0.12
_COLUMN_GAP = 0.9
_SAME_LINE = 0.4
_PARAGRAPH_GAP = 1.9
_WIDEST_LINE = 400


@dataclass(frozen=True, slots=True)
class Box:
    """A place on a page, in any unit; `top` is above `bottom`."""

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

    def with_(self, other: Box) -> Box:
        """The smallest box around both."""
        return Box(
            min(self.left, other.left),
            min(self.bottom, other.bottom),
            max(self.right, other.right),
            max(self.top, other.top),
        )


@dataclass(slots=True)
class Word:
    """Letters without a blank, and their place; `sure` is how sure OCR is of them."""

    text: str
    box: Box
    sure: float = 1.0


@dataclass(slots=True)
class Run:
    """Words that follow each other on one line without a column gap."""

    words: list[Word] = field(default_factory=list)
    upright: bool = True

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)

    @property
    def box(self) -> Box:
        box = self.words[0].box
        for word in self.words[1:]:
            box = box.with_(word.box)
        return box


@dataclass(frozen=True, slots=True)
class Layout:
    """A page's text, and its words in the order of that text."""

    text: str
    words: list[Word]


def laid_out(runs: Iterable[Run]) -> Layout:
    """Lines from top to bottom; slanted text (stamps) comes last."""
    placed = [_Placed(run.text, run.box, run) for run in runs if run.words]
    upright = [place for place in placed if place.run.upright]
    slanted = [place for place in placed if not place.run.upright]
    lines = list(_lines(upright))
    text = "\n".join(_rendered(lines, _character_width(upright)))
    if slanted:
        text = f"{text}\n\n{''.join(place.text for place in slanted)}"
    words = [word for line in [*lines, slanted] for place in line for word in place.run.words]
    return Layout(text, words)


@dataclass(frozen=True, slots=True)
class _Placed:
    """A run with its text and box worked out once."""

    text: str
    box: Box
    run: Run


def continues(before: Box, box: Box) -> bool:
    """Whether a character belongs to the run that ends with `before`: on its line, and no column away."""
    height, gap = max(before.height, box.height), box.left - before.right
    return abs(before.middle - box.middle) <= _SAME_LINE * height and -height < gap <= _COLUMN_GAP * box.height


def is_apart(before: Box, box: Box) -> bool:
    """Whether the gap between two characters of a run is wide enough to part words where no blank is printed."""
    return box.left - before.right > _WORD_GAP * 2 * box.height


def _lines(runs: list[_Placed]) -> Iterator[list[_Placed]]:
    """The runs of each line, top to bottom; within a line from left to right."""
    line: list[_Placed] = []
    for run in sorted(runs, key=lambda r: (-r.box.middle, r.box.left)):
        if line:
            smaller = min(line[0].box.height, run.box.height)
            if line[0].box.middle - run.box.middle > _SAME_LINE * smaller:
                yield sorted(line, key=lambda r: r.box.left)
                line = []
        line.append(run)
    if line:
        yield sorted(line, key=lambda r: r.box.left)


def _character_width(runs: list[_Placed]) -> float:
    """A narrow typical character: columns then rarely shift, because few lines print wider than their place."""
    widths = [(run.box.right - run.box.left) / len(run.text) for run in runs if len(run.text) >= 3]
    widths = [width for width in widths if width > 0]
    return max(quantiles(widths, n=5)[0] if len(widths) >= 2 else (widths or [5.0])[0], 0.5)


def _rendered(grid: list[list[_Placed]], width: float) -> Iterator[str]:
    above: Box | None = None
    margin = min((line[0].box.left for line in grid), default=0.0)
    for line in grid:
        first = line[0].box
        if above and above.middle - first.middle > _PARAGRAPH_GAP * min(above.height, first.height):
            yield ""
        above = first
        yield _one_line(line, margin, width)


def _one_line(line: list[_Placed], margin: float, width: float) -> str:
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
