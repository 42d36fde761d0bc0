"""Where servers may live: folders a user can reach, sockets short enough to bind, a record of what lies outside.

A unix socket path may hold 107 bytes and a project folder may be longer, so sockets live in short private folders
derived from the data folder. Postgres refuses root, so root runs it as `nobody`, who cannot enter `/root`: then its
files live elsewhere. Whatever is put outside the data folder is recorded in it, so that `make clean` removes it too.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from app.stack.servers.errors import StackError

OUTSIDE = "outside.txt"
_SHORT_ROOT = Path("/tmp")  # noqa: S108 - not tempfile.gettempdir(): TMPDIR may be longer than a socket path allows
_NOBODY = 65534
_BASES = (Path("/var/lib/longhaul"), Path("/var/tmp/longhaul"))  # noqa: S108 - made by root, checked when made
BASE_LOCK = "copy.lock"


@dataclass(frozen=True, slots=True)
class Owner:
    """The operating system user a server runs as."""

    uid: int
    gid: int

    @classmethod
    def current(cls) -> Owner:
        """The user of this process."""
        return cls(os.geteuid(), os.getegid())

    @classmethod
    def unprivileged(cls) -> Owner:
        """The user of this process, or `nobody` where that is root."""
        return cls(_NOBODY, _NOBODY) if os.geteuid() == 0 else cls.current()

    @property
    def is_current(self) -> bool:
        """Whether no change of user is needed."""
        return self.uid == os.geteuid()


def can_reach(path: Path, owner: Owner) -> bool:
    """Whether `owner` may traverse every folder above `path`. Folders that do not exist yet count as reachable."""
    for folder in path.resolve().parents:
        try:
            found = folder.stat()
        except FileNotFoundError:
            continue
        except PermissionError:
            return False
        if not _may_enter(found, owner):
            return False
    return True


def _may_enter(found: os.stat_result, owner: Owner) -> bool:
    if owner.uid == 0:
        return True
    if found.st_uid == owner.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == owner.gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


def short_hash(text: str) -> str:
    """Twelve hex digits that name a folder."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def private_folder(path: Path, owner: Owner, mode: int = 0o700) -> Path:
    """Make `path` a folder of `owner` alone.

    Raises StackError where something else stands there: a name under /tmp can be guessed and taken by another first.
    """
    path.mkdir(parents=True, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (owner.uid, os.geteuid()):
        raise StackError(f"{path} belongs to somebody else (user {found.st_uid}). Remove it and start again.")
    if found.st_uid != owner.uid:
        os.chown(path, owner.uid, owner.gid)
    path.chmod(mode)
    return path


def socket_folder(data_dir: Path, owner: Owner) -> Path:
    """The short private folder for the sockets of the server whose data is in `data_dir`; made, and recorded there."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    use_runtime = owner.is_current and runtime and len(runtime) < 40 and os.access(runtime, os.W_OK)
    base = Path(runtime) if use_runtime else _SHORT_ROOT
    folder = base / f"longhaul-{short_hash(str(data_dir.resolve()))}"
    record_outside(data_dir, folder)
    return private_folder(folder, owner)


def shared_base() -> Path:
    """A lasting folder that root and `nobody` can both reach, for what cannot lie in the project folder."""
    for base in _BASES:
        try:
            return private_folder(base, Owner.current(), mode=0o755)
        except OSError:
            continue
    raise StackError(
        "neither /var/lib nor /var/tmp can be written. Run as a normal user, or set LONGHAUL_DATABASE_URL."
    )


def record_outside(data_dir: Path, path: Path) -> None:
    """Note in the data folder that `path`, outside of it, belongs to it."""
    register = data_dir / OUTSIDE
    known = register.read_text().splitlines() if register.exists() else []
    if str(path) not in known:
        register.write_text("\n".join([*known, str(path)]) + "\n")


def outside(data_dir: Path) -> list[Path]:
    """Every folder outside that a server below `data_dir` has recorded."""
    return [Path(line) for register in sorted(data_dir.rglob(OUTSIDE)) for line in register.read_text().splitlines()]


def remove_outside(data_dir: Path) -> list[Path]:
    """Remove what is recorded; returns what was there. Only folders named `longhaul-…` are ever touched."""
    found = [path for path in outside(data_dir) if path.name.startswith("longhaul-") and path.is_dir()]
    for path in found:
        shutil.rmtree(path, ignore_errors=True)
    return found


def remove_bare_bases() -> None:
    """Remove the shared folders in which no stack keeps anything any more."""
    for base in _BASES:
        if base.is_dir() and {path.name for path in base.iterdir()} <= {BASE_LOCK}:
            shutil.rmtree(base, ignore_errors=True)
