"""The words of a picture, told by OCR; runs only in the sandboxed child, after the network was refused.

The law: OCR is a witness, not a text layer. Every line it tells comes with how sure it is, the page is told with the
engine that read it, and what it is not sure of is said to a person. One thread, because the neighbours need theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from statistics import median
from typing import TYPE_CHECKING, Any

from app.documents.child.page_layout import Box, Layout, Run, Word, laid_out

if TYPE_CHECKING:
    from PIL.Image import Image

DOTS_PER_INCH = 150  # with more, noise is read too, and it takes longer
_POINTS_PER_DOT = 72 / DOTS_PER_INCH
_SMALLEST, _LARGEST = 600, 2600  # dots of the longer side: what the models were trained on
UNSURE = 0.8  # a line below this may be misread; measured on clean and on noisy scans, their lines are above 0.95
_SURE_ENOUGH = 0.85  # a page that is upside down or sideways is at 0.7
_TALL = 1.5
_SKEW_LENGTH = 4  # letters; shorter lines say little of the page's skew
_DARK, _MARGIN = 128, 120  # of 255; dots
_TURNS = (90, 270, 180)


@dataclass(frozen=True, slots=True)
class Recognised:
    """A page as OCR read it: its words in points of `width` and `height`, how sure it is, and the lines it is not sure of."""

    layout: Layout
    width: float
    height: float
    sure: float
    unsure: list[str]


def engine() -> str:
    """The OCR engine with its version, for the record."""
    return f"rapidocr/{metadata.version('rapidocr')} onnxruntime/{metadata.version('onnxruntime')}"


class Reader:
    """The loaded models. Loading takes a second and 300 MB."""

    def __init__(self) -> None:
        from rapidocr import RapidOCR

        one = "EngineConfig.onnxruntime."
        self._models = RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.use_cls": False,
                "Global.return_word_box": True,
                "Global.text_score": 0.0,  # a line that is dropped unsaid would be a line that nobody misses
                f"{one}intra_op_num_threads": 1,
                f"{one}inter_op_num_threads": 1,
            }
        )

    def read(self, picture: Image) -> Recognised:
        """The words of a picture, with boxes in points from its lower left."""
        picture = _sized(picture)
        found = self._read(picture)
        inked = None if found.layout.words else _inked(picture)
        if inked is None:
            return found
        # A line or two on an otherwise empty page is overlooked by the models, and found when it fills their sight.
        part = self._read(picture.crop(inked))
        right, up = inked[0] * _POINTS_PER_DOT, (picture.height - inked[3]) * _POINTS_PER_DOT
        words = [_moved(word, right, up) for word in part.layout.words]
        return Recognised(Layout(part.layout.text, words), found.width, found.height, part.sure, part.unsure)

    def _read(self, picture: Image) -> Recognised:
        told, turn = self._told(picture), 0
        for other in _TURNS if told.words and (told.sure < _SURE_ENOUGH or told.is_sideways) else ():
            again = self._told(picture.rotate(other, expand=True))
            if not again.is_sideways and (told.is_sideways or again.sure > told.sure):
                told, turn = again, other
        originals = {id(level): word for run in told.runs for level, word in zip(run.level, run.words, strict=True)}
        layout = laid_out([Run(run.level) for run in told.runs])
        width, height = picture.width * _POINTS_PER_DOT, picture.height * _POINTS_PER_DOT
        words = [_turned_back(originals[id(level)], turn, width, height) for level in layout.words]
        unsure = [line.text for line in told.runs if line.sure < UNSURE]
        return Recognised(Layout(layout.text, words), width, height, told.sure, unsure)

    def _told(self, picture: Image) -> _Told:
        import numpy as np

        told: Any = self._models(np.ascontiguousarray(np.stack([np.asarray(picture)] * 3, axis=-1)))
        if told.txts is None:
            return _Told([])
        skew = _skew(told.boxes, told.txts)
        lines = []
        for entries, text, score in zip(told.word_results, told.txts, told.scores, strict=True):
            words = [
                _word(entry, picture.height, float(score))
                for entry in entries
                if entry[0].strip() and entry[2] is not None
            ]
            if words:
                lines.append(_Line(text, float(score), words, [_level(word, skew) for word in words]))
        return _Told(lines)


@dataclass(frozen=True, slots=True)
class _Line:
    """One line as OCR told it; `level`: its words as they would stand had the page not been askew."""

    text: str
    sure: float
    words: list[Word]
    level: list[Word]


@dataclass(frozen=True, slots=True)
class _Told:
    runs: list[_Line]

    @property
    def words(self) -> int:
        return sum(len(line.words) for line in self.runs)

    @property
    def sure(self) -> float:
        """How sure OCR is of the page: the mean over its letters."""
        letters = sum(len(line.text) for line in self.runs)
        return sum(len(line.text) * line.sure for line in self.runs) / letters if letters else 0.0

    @property
    def is_sideways(self) -> bool:
        """Whether most lines stand upright like book spines."""
        long = [Run(line.words).box for line in self.runs if len(line.text) >= _SKEW_LENGTH]
        tall = sum(box.height > _TALL * (box.right - box.left) for box in long)
        return tall * 2 > len(long)


def _skew(boxes: Any, texts: Any) -> float:
    """How far the lines fall for each point to the right: the median over the longer lines."""
    slopes = [
        (right[1] - left[1]) / (right[0] - left[0])
        for (left, right, *_), text in zip(boxes.tolist(), texts, strict=True)
        if len(text) >= _SKEW_LENGTH and right[0] - left[0] > 1
    ]
    return median(slopes) if slopes else 0.0


def _word(entry: Any, height: int, sure: float) -> Word:
    across = [float(point[0]) * _POINTS_PER_DOT for point in entry[2]]
    up = [(height - float(point[1])) * _POINTS_PER_DOT for point in entry[2]]
    return Word(entry[0].strip(), Box(min(across), min(up), max(across), max(up)), min(sure, float(entry[1])))


def _level(word: Word, skew: float) -> Word:
    raised, box = skew * (word.box.left + word.box.right) / 2, word.box
    return Word(word.text, Box(box.left, box.bottom + raised, box.right, box.top + raised), word.sure)


def _turned_back(word: Word, turn: int, width: float, height: float) -> Word:
    """A word found on the picture turned left by `turn` degrees, where it stands on the picture itself."""
    box = word.box
    match turn:
        case 90:
            box = Box(box.bottom, height - box.right, box.top, height - box.left)
        case 180:
            box = Box(width - box.right, height - box.top, width - box.left, height - box.bottom)
        case 270:
            box = Box(width - box.top, box.left, width - box.bottom, box.right)
    return Word(word.text, box, word.sure)


def _inked(picture: Image) -> tuple[int, int, int, int] | None:
    """The part of the picture with anything dark on it, grains aside, and a margin; None where all or nothing is dark."""
    from PIL import ImageFilter

    dark = picture.filter(ImageFilter.MedianFilter(3)).point(lambda dot: 255 if dot < _DARK else 0).getbbox()
    if dark is None:
        return None
    left, top, right, bottom = dark
    inked = (
        max(left - _MARGIN, 0),
        max(top - _MARGIN, 0),
        min(right + _MARGIN, picture.width),
        min(bottom + _MARGIN, picture.height),
    )
    return None if inked == (0, 0, *picture.size) else inked


def _moved(word: Word, right: float, up: float) -> Word:
    box = word.box
    return Word(word.text, Box(box.left + right, box.bottom + up, box.right + right, box.top + up), word.sure)


def _sized(picture: Image) -> Image:
    """The picture as large as the models like it: letters about as high as on a page scanned at 150 dots an inch."""
    longer = max(picture.size)
    wanted = min(max(longer, _SMALLEST), _LARGEST)
    if wanted == longer:
        return picture
    return picture.resize((_side(picture.width * wanted / longer), _side(picture.height * wanted / longer)))


def _side(length: float) -> int:
    return max(round(length), 1)
