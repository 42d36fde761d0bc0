"""What happens to papers on their way: scanned without a text layer, cut off in the mail, sent twice, misnamed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time
from io import BytesIO
from random import Random
from typing import Final

import pypdfium2
from fpdf import FPDF
from PIL import Image

from app.insurance.demo.samples.casefile import stream
from app.insurance.demo.samples.model import DocumentKind, Paper, Papers

_DOTS_PER_INCH: Final = 150
_PAPER_GREY: Final = 244
_CUT_OFF_AFTER: Final = 400  # bytes: past the header, before anything a reader could repair


def as_sent(papers: Papers, today: date) -> Papers:
    """Nothing happened."""
    del today
    return papers


def scanned(papers: Papers, today: date) -> Papers:
    """The repair estimate as a flatbed scanner makes it: pictures of its pages, slightly askew, no text layer."""
    return _each(papers, "repair_estimate", lambda p: replace(p, file_name="scan0001.pdf", content=_scan(p, today)))


def corrupted(papers: Papers, today: date) -> Papers:
    """The repair estimate cut off at its beginning, as a broken upload leaves it."""
    del today
    return _each(papers, "repair_estimate", lambda p: replace(p, content=p.content[:_CUT_OFF_AFTER]))


def form_sent_twice(papers: Papers, today: date) -> Papers:
    """The claim form again, byte for byte, under the name a browser gives a second download."""
    del today
    form = next(paper for paper in papers if paper.kind == "claim_form")
    return (*papers, replace(form, file_name=form.file_name.replace(".pdf", " (1).pdf")))


def declaration_as_police_report(papers: Papers, today: date) -> Papers:
    """The declarations page sent under the name of the police report it is not."""
    del today
    return _each(papers, "policy_declaration", lambda p: replace(p, file_name="police_report.pdf"))


def _each(papers: Papers, kind: DocumentKind, change: Callable[[Paper], Paper]) -> Papers:
    return tuple(change(paper) if paper.kind == kind else paper for paper in papers)


def _scan(paper: Paper, today: date) -> bytes:
    rng = stream(0, paper.file_name)
    scan = FPDF(format="Letter")
    scan.set_creation_date(datetime.combine(today, time(9), UTC))
    with pypdfium2.PdfDocument(paper.content) as document:
        for page in document:
            picture = page.render(scale=_DOTS_PER_INCH / 72, grayscale=True).to_pil()
            askew = picture.rotate(rng.uniform(-0.8, 0.8), Image.Resampling.BICUBIC, fillcolor=_PAPER_GREY)
            scan.add_page()
            scan.image(BytesIO(_jpeg(askew, rng)), x=0, y=0, w=scan.w, h=scan.h)
    return bytes(scan.output())


def _jpeg(picture: Image.Image, rng: Random) -> bytes:
    """A grey picture with the grain of a scanner glass, compressed as scanners do."""
    grain = Image.frombytes("L", (picture.width, 64), rng.randbytes(picture.width * 64))
    grain = grain.resize(picture.size)
    noisy = Image.blend(picture.convert("L"), grain, 0.06)
    target = BytesIO()
    noisy.save(target, "JPEG", quality=55)
    return target.getvalue()
