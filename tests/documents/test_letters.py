"""The same facts give the same letter; a denial says why, from where, and by whom."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import BadInput
from app.documents.reader import read_document
from app.insurance.connectors.letters import LetterFacts, LetterKind, printable, written

FACTS = LetterFacts(
    claim="CLM-88214",
    recipient="Nora Quill",
    date=dt.date(2031, 5, 4),
    policy="NW-2031-00417",
    lines=["The tread of both tyres was below the legal limit."],
    documents=["police_report", "repair_estimate or repair_invoice"],
    amount=Decimal("1728.50"),
    currency="USD",
    provision="4.2 Wear and tear",
    provision_text="We do not pay for damage that wear has caused.",
    decided_by="Ada Lindner, claims supervisor",
)
KINDS: tuple[LetterKind, ...] = ("settlement", "denial", "acknowledgement", "document_request")
ONE_LETTER = """
import sys, hashlib
from app.insurance.connectors.letters import LetterFacts, written
print(hashlib.sha256(written(sys.argv[1], LetterFacts.model_validate_json(sys.argv[2]))[0]).hexdigest())
"""


def pdf_of(kind: LetterKind, facts: LetterFacts) -> bytes:
    return written(kind, facts)[0]


def text_of(letter: bytes, folder: Path) -> str:
    path = folder / "letter.pdf"
    path.write_bytes(letter)
    return " ".join(" ".join(page.text for page in read_document(path).pages).split())


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_facts_give_the_same_bytes_in_another_process_too(kind: LetterKind) -> None:
    hashes = {
        subprocess.run(
            [sys.executable, "-c", ONE_LETTER, kind, FACTS.model_dump_json()],
            cwd=Path(__file__).parents[2],
            env={"PYTHONHASHSEED": seed, "TZ": zone},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }
    assert len(hashes) == 1
    assert pdf_of(kind, FACTS) == pdf_of(kind, FACTS)


def test_other_facts_give_other_bytes() -> None:
    later = FACTS.model_copy(update={"date": dt.date(2031, 5, 5)})
    assert pdf_of("denial", later) != pdf_of("denial", FACTS)


def test_a_denial_cites_the_provision_with_its_text_and_names_who_decided(tmp_path: Path) -> None:
    text = text_of(pdf_of("denial", FACTS), tmp_path)
    for said in (
        "4.2 Wear and tear",
        '"We do not pay for damage that wear has caused."',
        "made by Ada Lindner, claims supervisor",
        "below the legal limit",
        "Claim number: CLM-88214",
        "4 May 2031",
    ):
        assert said in text


def test_a_settlement_names_the_amount_and_who_decided(tmp_path: Path) -> None:
    text = text_of(pdf_of("settlement", FACTS), tmp_path)
    assert "We are paying 1,728.50 USD." in text
    assert "made by Ada Lindner" in text


def test_a_request_lists_the_documents_and_an_acknowledgement_names_nobody(tmp_path: Path) -> None:
    assert "- police report - repair estimate or repair invoice" in text_of(pdf_of("document_request", FACTS), tmp_path)
    assert "Ada Lindner" not in text_of(pdf_of("acknowledgement", FACTS), tmp_path)


def test_nobody_is_addressed_by_a_name_that_nobody_stated(tmp_path: Path) -> None:
    unnamed = FACTS.model_copy(update={"recipient": "the claimant"})
    text = text_of(pdf_of("acknowledgement", unnamed), tmp_path)
    assert "Dear Sir or Madam," in text
    assert "Dear the" not in text


@pytest.mark.parametrize(
    ("kind", "absent"),
    [
        ("denial", "provision"),
        ("denial", "provision_text"),
        ("denial", "decided_by"),
        ("settlement", "amount"),
        ("settlement", "decided_by"),
        ("document_request", "documents"),
    ],
)
def test_a_letter_without_what_it_must_say_is_not_written(kind: LetterKind, absent: str) -> None:
    bare = FACTS.model_copy(update={absent: None})
    with pytest.raises(BadInput, match=absent):
        pdf_of(kind, bare)


def test_other_alphabets_become_likenesses() -> None:
    assert printable("Žofia “Łuk” – 5 €") == 'Zofia "Luk" - 5 EUR'
    assert printable("你好\x00") == "?? "


def test_every_line_fits_between_the_margins_and_a_word_longer_than_a_line_is_parted() -> None:
    long = "Donaudampfschifffahrts" * 12
    said = f"{'Some words, and more of them. ' * 20}{long} and  on."
    with pypdfium2.PdfDocument(pdf_of("settlement", FACTS.model_copy(update={"lines": [said]}))) as document:
        texts = [page.get_textpage() for page in document]
        right = max(text.get_rect(n)[2] for text in texts for n in range(text.count_rects()))
        read = "".join(text.get_text_range() for text in texts)
    assert right <= (210 - 25) * 72 / 25.4
    assert long in "".join(read.split())


@settings(max_examples=25, deadline=None)
@given(st.text(st.characters(codec=None), min_size=1, max_size=300))
def test_any_text_can_be_written(text: str) -> None:
    letter = FACTS.model_copy(update={"recipient": text, "lines": [text], "provision_text": text, "decided_by": text})
    assert pdf_of("denial", letter).startswith(b"%PDF")
