"""A document is stored whole, once, under the hash of its bytes."""

from __future__ import annotations

import hashlib
import tempfile
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import BadInput, NotFound
from app.documents.media import media_type_of
from app.documents.places import place_of
from app.documents.storage import MAX_BYTES, DocumentDamaged, DocumentRefused, DocumentStore, display_name


def lies_at(root: Path, sha256: str) -> Path:
    return root / sha256[:2] / sha256


@given(data=st.binary(max_size=2000))
def test_what_was_put_is_what_is_got(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = DocumentStore(Path(folder))
        stored = store.put(data, "a.bin")
        assert stored.sha256 == hashlib.sha256(data).hexdigest()
        assert stored.size == len(data)
        assert store.get(stored.sha256) == data
        assert lies_at(Path(folder), stored.sha256).read_bytes() == data


def test_storing_twice_keeps_the_first_file_and_leaves_no_drafts(tmp_path: Path) -> None:
    store = DocumentStore(tmp_path)
    first = store.put(b"same", "one.txt")
    inode = lies_at(tmp_path, first.sha256).stat().st_ino
    second = store.put(b"same", "two.txt")
    assert second.sha256 == first.sha256
    assert lies_at(tmp_path, first.sha256).stat().st_ino == inode
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [lies_at(tmp_path, first.sha256)]


def test_a_file_cut_short_by_a_crash_is_replaced(tmp_path: Path) -> None:
    store = DocumentStore(tmp_path)
    stored = store.put(b"the whole document", "a.txt")
    lies_at(tmp_path, stored.sha256).write_bytes(b"the wh")
    store.put(b"the whole document", "a.txt")
    assert store.get(stored.sha256) == b"the whole document"


def test_25_mb_are_accepted_and_one_byte_more_is_refused_with_a_remedy(tmp_path: Path) -> None:
    store = DocumentStore(tmp_path)
    assert store.put(bytes(MAX_BYTES), "big.pdf").size == MAX_BYTES
    with pytest.raises(DocumentRefused, match=r"huge\.pdf .*Split it") as refusal:
        store.put(bytes(MAX_BYTES + 1), "huge.pdf")
    assert "26,214,401" in str(refusal.value)
    assert len([p for p in tmp_path.rglob("*") if p.is_file()]) == 1


def test_zero_bytes_are_kept(tmp_path: Path) -> None:
    stored = DocumentStore(tmp_path).put(b"", "empty.pdf")
    assert (stored.size, stored.media_type) == (0, "application/x-empty")
    assert DocumentStore(tmp_path).get(stored.sha256) == b""


def test_a_changed_file_is_not_handed_out(tmp_path: Path) -> None:
    store = DocumentStore(tmp_path)
    stored = store.put(b"original", "a.txt")
    lies_at(tmp_path, stored.sha256).write_bytes(b"tampered")
    with pytest.raises(DocumentDamaged, match="backup"):
        store.get(stored.sha256)


def test_erasing_is_final_and_repeatable(tmp_path: Path) -> None:
    store = DocumentStore(tmp_path)
    stored = store.put(b"private", "a.txt")
    assert store.erase(stored.sha256) is True
    assert store.erase(stored.sha256) is False
    with pytest.raises(NotFound, match="erased"):
        store.get(stored.sha256)


@pytest.mark.parametrize("sha256", ["", "../../etc/passwd", "A" * 64, "a" * 63, "a" * 64 + "\n"])
def test_only_a_hash_names_a_document(tmp_path: Path, sha256: str) -> None:
    with pytest.raises(DocumentRefused, match="SHA-256"):
        DocumentStore(tmp_path).get(sha256)


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (b"%PDF-1.7\n", "application/pdf"),
        (b"\n\njunk before %PDF-1.4", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"PK\x03\x04", "application/zip"),
        (b"BMW, blue", "text/plain"),
        ("Schaden: 12 €".encode(), "text/plain"),
        ("Schaden: 12 €".encode("cp1252"), "text/plain"),
        ("Schaden".encode("utf-16"), "text/plain"),
        (b"\x00\x01\x02", "application/octet-stream"),
    ],
)
def test_the_content_decides_what_a_file_is(tmp_path: Path, data: bytes, media_type: str) -> None:
    assert media_type_of(data) == media_type
    assert DocumentStore(tmp_path).put(data, "claims.exe").media_type == media_type


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("claim form.pdf", "claim form.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\n\\scan.pdf", "scan.pdf"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\x00b\n.pdf", "ab.pdf"),
        ("", "document"),
        ("..", "document"),
        ("   ", "document"),
    ],
)
def test_names_are_made_safe_to_show(sent: str, shown: str) -> None:
    assert display_name(sent) == shown


@given(st.text(max_size=400))
def test_a_shown_name_is_short_and_holds_no_path_or_control_character(sent: str) -> None:
    shown = display_name(sent)
    assert 0 < len(shown) <= 120
    assert not {"/", "\\"} & set(shown)
    assert all(unicodedata.category(c)[0] != "C" for c in shown)


@pytest.fixture(params=["folder", "file", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """The kinds of places: a folder, the same by URL, and an object store (in memory, behind the same interface)."""
    places: dict[str, Path | str] = {"folder": tmp_path, "file": f"file://{tmp_path}", "memory": f"memory://{tmp_path}"}
    return places[request.param]


def test_every_place_keeps_hands_out_and_forgets(place: Path | str) -> None:
    store = DocumentStore(place)
    stored = store.put(b"a document", "a.txt")
    store.put(b"a document", "again.txt")
    store.keep_made(stored.sha256, "page-1.png", b"its picture")
    with DocumentStore(place).opened(stored.sha256) as file:
        assert (file.read(), file.fileno() > 2) == (b"a document", True)
    assert (store.get(stored.sha256), store.made(stored.sha256, "page-1.png")) == (b"a document", b"its picture")
    assert (store.erase(stored.sha256), store.erase(stored.sha256)) == (True, False)
    assert store.made(stored.sha256, "page-1.png") is None
    with pytest.raises(NotFound, match="erased"), store.opened(stored.sha256):
        raise AssertionError("it was handed out")


def test_a_shared_place_shows_a_document_cut_short_as_damaged_and_replaces_it(place: Path | str) -> None:
    store = DocumentStore(place)
    sha256 = store.put(b"the whole document", "a.txt").sha256
    place_of(place).write(f"{sha256[:2]}/{sha256}", b"the wh")
    with pytest.raises(DocumentDamaged):
        store.get(sha256)
    store.put(b"the whole document", "a.txt")
    assert store.get(sha256) == b"the whole document"


def test_a_place_that_nobody_knows_is_refused_with_the_settings_name() -> None:
    with pytest.raises(BadInput, match="LONGHAUL_DOCUMENTS_URL: nowhere://"):
        DocumentStore("nowhere://bucket")
