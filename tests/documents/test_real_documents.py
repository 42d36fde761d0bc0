"""Documents that others wrote: each is read, drawn, and shown where its words stand; a scan of it says the same.

Set LONGHAUL_REAL_DOCUMENTS to a folder of them; nothing of it lies in this repository.
"""

from __future__ import annotations

import io
import os
import re
import sys
from pathlib import Path

import pypdf
import pytest

from app.documents.media import PDF, media_type_of
from app.documents.page_images import PageImages, places_of
from app.documents.reader import can_read_scans, read_document, read_scan
from app.documents.storage import DocumentStore
from tests.documents.pdfs import scan_of

FOLDER = os.environ.get("LONGHAUL_REAL_DOCUMENTS")
if not FOLDER:
    pytest.skip("LONGHAUL_REAL_DOCUMENTS names no folder of real documents", allow_module_level=True)
DOCUMENTS = sorted(path for path in Path(FOLDER).rglob("*") if path.is_file())
PDFS = [path for path in DOCUMENTS if media_type_of(path.read_bytes()) == PDF]
LEAST_FOUND = 0.9
_FIGURE = re.compile(r"\d[\d.,/-]*\d")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_each_is_read_or_says_why_not(path: Path) -> None:
    found = read_document(path)
    assert (found.status == "read") == (found.reason is None) == bool(found.pages)
    assert found.status == "read" or found.sentence.endswith(".")


@pytest.mark.parametrize("path", PDFS, ids=lambda path: path.name)
def test_every_line_of_a_page_is_shown_where_it_stands(path: Path, tmp_path: Path) -> None:
    store = DocumentStore(tmp_path)
    sha256, text = store.put(path.read_bytes(), path.name).sha256, read_document(path).pages[0].text
    shown = PageImages(store).page(sha256, 1)
    assert shown.status == "read"
    lost = [line for line in text.splitlines() if line.strip() and not places_of(line, shown.words)]
    assert lost == []


@pytest.mark.skipif(not can_read_scans(), reason="the extra 'ocr' is not installed")
@pytest.mark.parametrize("path", PDFS, ids=lambda path: path.name)
def test_a_scan_of_its_first_page_says_the_same_figures(path: Path, tmp_path: Path) -> None:
    """Of the figures its text layer holds (amounts, dates, numbers), nine in ten are read off a noisy, askew scan."""
    figures = _FIGURE.findall(read_document(path).pages[0].text)
    writer, out, scan = pypdf.PdfWriter(), io.BytesIO(), tmp_path / "scan.pdf"
    writer.append(path, pages=(0, 1))
    writer.write(out)
    scan.write_bytes(scan_of(out.getvalue(), skew=0.7, grain=0.04, quality=60))
    read = read_scan(scan, 1)
    seen = "".join(read.text.split())
    found = [figure for figure in figures if figure in seen]
    sys.stdout.write(
        f"{path.name}: {len(found)} of {len(figures)} figures, sure to {read.sure:.0%}, unsure: {read.unsure}\n"
    )
    assert len(found) >= LEAST_FOUND * len(figures), sorted(set(figures) - set(found))
