"""Documents made for the tests, good and hostile; nothing here is copied from anywhere."""

from __future__ import annotations

import io
import zlib
from random import Random

import pypdf
import pypdfium2
from fpdf import FPDF
from PIL import Image


def pdf_of(*lines: str) -> bytes:
    """A one-page PDF with these lines."""
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=11)
    for line in lines:
        pdf.cell(text=line, new_x="LMARGIN", new_y="NEXT")
    return bytes(pdf.output())


def raw_pdf(content: bytes, *, form: bytes = b"", mediabox: bytes = b"0 0 600 800", pages: int = 1) -> bytes:
    """A PDF written by hand: `content` is the page's operators, `form` those of a form named /X it may draw."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count %d/Kids[%s]>>" % (pages, b"3 0 R " * pages),
        b"<</Type/Page/Parent 2 0 R/MediaBox[%s]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>/XObject<</X 6 0 R>>>>>>"
        % mediabox,
        _deflated(content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        _deflated(form, b"/Type/XObject/Subtype/Form/BBox[0 0 600 800]"),
    ]
    out = io.BytesIO(b"%PDF-1.7\n")
    out.seek(0, io.SEEK_END)
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.writelines(b"%010d 00000 n \n" % offset for offset in offsets)
    out.write(b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start))
    return out.getvalue()


def _deflated(body: bytes, entries: bytes = b"") -> bytes:
    packed = zlib.compress(body, 9)
    return b"<<%s/Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (entries, len(packed), packed)


def encrypted(data: bytes, *, password: str) -> bytes:
    """`data` behind a user password; an empty one only restricts printing and copying."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(data))
    writer.encrypt(password, "owner", algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def drawing_only() -> bytes:
    """A page that shows something and says nothing."""
    pdf = FPDF()
    pdf.add_page()
    pdf.rect(10, 10, 50, 50)
    return bytes(pdf.output())


def scan_of(data: bytes, *, turn: int = 0, skew: float = 0.6, grain: float = 0.06, quality: int = 55) -> bytes:
    """The pages of a PDF as a scanner makes them: pictures, noisy and askew, `turn` degrees to the left."""
    rng, scan = Random(7), FPDF(format="Letter")
    with pypdfium2.PdfDocument(data) as document:
        for page in document:
            picture = page.render(scale=150 / 72, grayscale=True).to_pil()
            picture = picture.rotate(skew, Image.Resampling.BICUBIC, fillcolor=244).rotate(turn, expand=True)
            scan.add_page(orientation="portrait" if turn % 180 == 0 else "landscape")
            scan.image(io.BytesIO(jpeg(picture, rng, grain, quality)), x=0, y=0, w=scan.w, h=scan.h)
    return bytes(scan.output())


def jpeg(picture: Image.Image, rng: Random, grain: float = 0.06, quality: int = 55) -> bytes:
    """A grey picture with grain, as JPEG."""
    noise = Image.frombytes("L", picture.size, rng.randbytes(picture.width * picture.height))
    target = io.BytesIO()
    Image.blend(picture, noise, grain).save(target, "JPEG", quality=quality)
    return target.getvalue()
