"""Hostile files of every kind, made when they are needed; nothing of them is stored or copied from anywhere.

A family is read in one child under the limits of a single document. What only the kernel can stop stands in `ALONE`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple


class Case(NamedTuple):
    """How a file is made, and what may be answered to it: 'read', or reasons. Empty: any answer of those."""

    make: Callable[[], bytes]
    answers: frozenset[str]


def case(make: Callable[[], bytes] | bytes, *answers: str) -> Case:
    """A case; its answers are told apart where it matters which of them is given."""
    return Case((lambda: make) if isinstance(make, bytes) else make, frozenset(answers))


Family = Mapping[str, Case]


def families() -> dict[str, Family]:
    """Every family by name."""
    from tests.documents.hostile import files, mails, pdf_insides, pdf_structure, pictures, texts

    return {
        "cut-off PDFs": pdf_structure.CUT_OFF,
        "damaged PDFs": pdf_structure.DAMAGED,
        "PDF structure": pdf_structure.STRUCTURE,
        "PDF page boxes": pdf_structure.BOXES,
        "locked PDFs": pdf_structure.LOCKED,
        "PDF bombs": pdf_insides.BOMBS,
        "PDF drawing": pdf_insides.DRAWING,
        "PDF fonts": pdf_insides.FONTS,
        "PDF pictures": pdf_insides.PICTURES,
        "pictures": pictures.PICTURES,
        "animated and many-paged pictures": pictures.FRAMES,
        "no documents": files.FILES,
        "archives": files.ARCHIVES,
        "texts": texts.TEXTS,
        "HTML": texts.HTML,
        "e-mails": mails.MAILS,
    }
