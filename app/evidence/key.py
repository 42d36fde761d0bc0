"""The key that signs evidence packs: Ed25519, in a file that only its owner may read.

The law: a key is made once, whole, at its first use in the data folder, and never replaced by us: whoever holds a pack compares
its fingerprint with the one they were told. A file that the settings name is never made, because then it is missing by mistake.
The fingerprint is the SHA-256 of the public key in DER, which `openssl pkey -pubin -outform DER | sha256sum` computes too.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from app.core.errors import BadInput
from app.settings import Settings

_NAME = "evidence.key"
_MAKE = "make one with `openssl genpkey -algorithm ed25519 -out FILE`, mode 0600"


@dataclass(frozen=True, slots=True)
class EvidenceKey:
    """A key that can sign. `public` is its public half as PEM, `fingerprint` what people compare."""

    private: Ed25519PrivateKey

    @property
    def public(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    @property
    def fingerprint(self) -> str:
        return fingerprint_of(self.private.public_key())

    def sign(self, message: bytes) -> bytes:
        """The signature, 64 bytes."""
        return self.private.sign(message)


def fingerprint_of(public: Ed25519PublicKey) -> str:
    """SHA-256 of a public key, 64 hex digits."""
    return hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def public_key(pem: bytes) -> Ed25519PublicKey:
    """A public key from PEM. Raises BadInput for anything else."""
    try:
        found = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as problem:
        raise BadInput("this is no public key in PEM") from problem
    if not isinstance(found, Ed25519PublicKey):
        raise BadInput("this public key is none of Ed25519")
    return found


def is_signed(public: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    """Whether the key made this signature over exactly these bytes."""
    try:
        public.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def where(config: Settings) -> Path:
    """Where the key lies, or will lie."""
    return config.evidence_key or config.data_dir / _NAME


def evidence_key(config: Settings) -> EvidenceKey:
    """The key of this installation, made now if there is none yet. Raises BadInput naming the file and the remedy."""
    path = where(config)
    try:
        if not path.exists():
            if config.evidence_key:
                raise BadInput(f"LONGHAUL_EVIDENCE_KEY: there is no file {path}; {_MAKE}, or unset it")
            _make(path)
    except OSError as problem:
        said = f"the evidence key {path} cannot be made: {problem.strerror}; make the folder writable"
        raise BadInput(f"{said}, or name a key with LONGHAUL_EVIDENCE_KEY") from problem
    return _read(path)


def _read(path: Path) -> EvidenceKey:
    try:
        found = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as problem:
        raise BadInput(f"the evidence key {path} cannot be read: {problem}; restore it, or {_MAKE}") from problem
    if not isinstance(found, Ed25519PrivateKey):
        raise BadInput(f"the evidence key {path} is none of Ed25519; {_MAKE}")
    return EvidenceKey(found)


def _make(path: Path) -> None:
    """Make a key. Of two processes that do so at once one wins, and both use its key."""
    text = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, part = tempfile.mkstemp(dir=path.parent, prefix=f".{_NAME}-")  # mode 0600, for us alone
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(part, path)
        except FileExistsError:
            return
    finally:
        Path(part).unlink()
