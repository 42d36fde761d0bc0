"""Pictures sent as documents (PNG, JPEG, TIFF and the like): opened under limits; runs only in the sandboxed child.

The law: a picture says how large it is before it is unpacked, and one that is too large is refused by what it says.
"""

from __future__ import annotations

import io
import warnings

import PIL
from PIL import Image, ImageOps

from app.documents.child.asked import Asked
from app.documents.child.pdf_preflight import check_page_count
from app.documents.unreadable import Unreadable

ENGINE = f"pillow/{PIL.__version__}"
_FORMATS = ("PNG", "JPEG", "TIFF", "GIF", "BMP", "WEBP")
_PAPER = "white"


def frames_of(data: bytes, limits: Asked) -> int:
    """How many pages the picture has. Raises Unreadable where it has too many, is too large or is broken."""
    with _opened(data) as picture:
        _check_size(picture, limits)
        frames = 1
        try:
            while frames <= limits["pages"]:
                picture.seek(frames)
                _check_size(picture, limits)
                frames += 1
        except EOFError:
            return frames
        except Unreadable:
            raise
        except Exception as problem:
            raise _corrupt(problem) from problem
    check_page_count(frames, limits)
    return frames


def frame_of(data: bytes, number: int, limits: Asked) -> Image.Image:
    """One page of the picture, counted from 1, grey on white paper, turned as it was meant to be seen."""
    with _opened(data) as picture:
        try:
            picture.seek(number - 1)
            _check_size(picture, limits)
            picture.load()
            upright = ImageOps.exif_transpose(picture)
            if upright.has_transparency_data:
                upright = upright.convert("RGBA")
                paper = Image.new("RGBA", upright.size, _PAPER)
                upright = Image.alpha_composite(paper, upright)
            return upright.convert("L")
        except EOFError as problem:
            raise Unreadable("NO_SUCH_PAGE", f"It has no page {number}.") from problem
        except (Unreadable, MemoryError):
            raise
        except Exception as problem:  # each format breaks in ways of its own
            raise _corrupt(problem) from problem


def _opened(data: bytes) -> Image.Image:
    Image.MAX_IMAGE_PIXELS = None  # judged by us, by the limit of this reading and before anything is unpacked
    warnings.simplefilter("ignore")
    try:
        return Image.open(io.BytesIO(data), formats=_FORMATS)
    except MemoryError:
        raise
    except Exception as problem:
        raise _corrupt(problem) from problem


def _check_size(picture: Image.Image, limits: Asked) -> None:
    width, height = picture.size
    if width * height > limits["picture_pixels"]:
        raise Unreadable(
            "LIMIT_EXCEEDED",
            f"It is a picture of {width:,} by {height:,} dots, more than {limits['picture_pixels'] / 1e6:g} million; "
            "ask for a smaller one.",
        )


def _corrupt(problem: Exception) -> Unreadable:
    said = str(problem).partition("\n")[0][:120] or type(problem).__name__
    return Unreadable("CORRUPT", f"It is a damaged picture ({said}); ask for a new copy.")
