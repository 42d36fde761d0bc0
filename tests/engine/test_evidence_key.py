"""The key that signs evidence packs is made once, for its owner alone, and never in place of one that is missing by mistake."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.core.errors import BadInput
from app.evidence.key import evidence_key, is_signed, public_key
from app.settings import Settings


def test_it_is_made_at_its_first_use_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    config = Settings(data_dir=tmp_path / "data")
    made = evidence_key(config)
    (file,) = (tmp_path / "data").iterdir()
    assert file.name == "evidence.key" and file.stat().st_mode & 0o777 == 0o600
    again = evidence_key(config)
    assert again.fingerprint == made.fingerprint
    assert is_signed(public_key(again.public), made.sign(b"words"), b"words")
    assert not is_signed(public_key(again.public), made.sign(b"words"), b"other words")


def test_those_who_make_it_at_once_get_the_same(tmp_path: Path) -> None:
    config = Settings(data_dir=tmp_path)
    with ThreadPoolExecutor(8) as threads:
        found = {key.fingerprint for key in threads.map(lambda _: evidence_key(config), range(8))}
    assert len(found) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["evidence.key"]


def test_a_key_that_is_named_is_never_made(tmp_path: Path) -> None:
    config = Settings(data_dir=tmp_path, evidence_key=tmp_path / "vault" / "key.pem")
    with pytest.raises(BadInput, match=r"LONGHAUL_EVIDENCE_KEY: there is no file .*openssl genpkey"):
        evidence_key(config)
    assert list(tmp_path.iterdir()) == []


def test_where_it_cannot_be_made_it_is_said_why(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    with pytest.raises(BadInput, match=r"evidence\.key cannot be (made|read)"):
        evidence_key(Settings(data_dir=tmp_path / "data"))


def test_the_key_the_message_tells_to_make_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    made = ["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(path)]
    try:
        subprocess.run(made, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no openssl is installed")
    assert len(evidence_key(Settings(evidence_key=path)).fingerprint) == 64


@pytest.mark.parametrize("content", [b"", b"no key", "another kind"])
def test_what_is_no_key_of_ours_is_named(tmp_path: Path, content: bytes | str) -> None:
    path = tmp_path / "key.pem"
    if isinstance(content, str):
        other = generate_private_key(public_exponent=65537, key_size=2048)
        content = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"the evidence key .*key\.pem"):
        evidence_key(Settings(evidence_key=path))
