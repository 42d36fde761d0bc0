"""An evidence pack as a stranger hands it over: opened without believing anything that it says of itself.

The law: every byte of the file belongs to a member that the manifest lists, or to the seal; so no reader of zips can find another
pack in it than the one that was checked. Nothing is unpacked before its size is known, and never more than that.
"""

from __future__ import annotations

import copy
import hashlib
import struct
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from app.evidence.writer import entry_of

MOST_SEAL = 64 * 1024 * 1024  # bytes of the manifest: 300,000 members
MOST_TIMES, MOST_MORE = 200, 64 * 1024 * 1024  # what is unpacked may be so many times the file, and so much more
LONGEST_LINE = 64 * 1024 * 1024  # one record
_PIECE = 256 * 1024
_LISTED = 46  # bytes of a member in the list, besides its name
_FAR = 2**31 - 1  # offsets beyond it are written in another place
# What the standard library raises over a zip that is none, or lies.
_UNREADABLE = (
    BadZipFile,
    zlib.error,
    EOFError,
    struct.error,
    ValueError,
    OverflowError,
    OSError,
    NotImplementedError,
    RuntimeError,
)
_ENDS = (22, 22 + 20 + 56)  # bytes behind the list: of a small zip, of a large one


@dataclass(frozen=True, slots=True)
class Broken:
    """The first thing that does not hold: where, and what is wrong."""

    where: str
    what: str


class PackBroken(Exception):
    """The check stops at the first thing that does not hold."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.broken = Broken(where, what)


class Archive:
    """The members of an open pack, by name."""

    def __init__(self, archive: ZipFile, file: IO[bytes], size: int) -> None:
        self._zip, self._file, self.size = archive, file, size
        self._entries: dict[str, ZipInfo] = {}
        for entry in archive.infolist():
            if entry.filename in self._entries:
                raise PackBroken(entry.filename, "it is in the file twice")
            self._entries[entry.filename] = entry
        self._require_no_gaps()

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._entries)

    def size_of(self, name: str) -> int:
        """How large a member says it is, unpacked."""
        return self._entries[name].file_size

    def read(self, name: str, *, most: int) -> bytes:
        """A member whole. Raises PackBroken if it is missing, larger than `most` or damaged."""
        if name not in self._entries:
            raise PackBroken(name, "it is missing")
        if self.size_of(name) > most:
            raise PackBroken(
                name, f"it would unpack to {self.size_of(name):,} bytes; at most {most:,} are read: a zip bomb"
            )
        with self.opened(name) as file:
            return file.read()

    def digest(self, name: str) -> str:
        """SHA-256 of a member, read in pieces."""
        found = hashlib.sha256()
        with self.opened(name) as file:
            while piece := file.read(_PIECE):
                found.update(piece)
        return found.hexdigest()

    def lines(self, name: str) -> Iterator[bytes]:
        """A member line by line."""
        with self.opened(name) as file:
            while line := file.readline(LONGEST_LINE):
                if len(line) == LONGEST_LINE:
                    raise PackBroken(name, f"a record of it is longer than {LONGEST_LINE:,} bytes")
                yield line

    @contextmanager
    def opened(self, name: str) -> Iterator[IO[bytes]]:
        """A member as a file. Raises PackBroken for what cannot be unpacked."""
        try:
            with self._zip.open(self._entries[name]) as file:
                yield file
        except _UNREADABLE as problem:
            raise PackBroken(name, f"it cannot be unpacked: {problem}") from problem

    def _require_no_gaps(self) -> None:
        """Members one after the other from the first byte to the list of them, each as we write it, and nothing behind."""
        position = listed = 0
        for entry in sorted(self._entries.values(), key=lambda entry: entry.header_offset):
            plain = entry.compress_type in (ZIP_STORED, ZIP_DEFLATED) and not entry.flag_bits and not entry.comment
            plain = plain and (not entry.extra or entry.header_offset > _FAR) and _is_file(entry)
            if not plain or entry.header_offset != position or not self._begins(entry):
                raise PackBroken(entry.filename, "it does not lie in the file as Longhaul writes it")
            position += len(_header(entry)) + entry.compress_size
            listed += _LISTED + len(entry.filename.encode()) + len(entry.extra)
        if position != self._zip.start_dir or self.size - position - listed not in _ENDS or self._zip.comment:
            raise PackBroken("the file", "there is something in it that belongs to no member")

    def _begins(self, entry: ZipInfo) -> bool:
        """Whether the header before a member says what the list of members says: some readers believe one, some the other."""
        header = _header(entry)
        self._file.seek(entry.header_offset)
        return self._file.read(len(header)) == header


def _is_file(entry: ZipInfo) -> bool:
    """Whether a member is marked as we mark ours: as a file, and as no link to something outside."""
    ours = entry_of(entry.filename, stored=False)
    return all(getattr(entry, name) == getattr(ours, name) for name in ("create_system", "external_attr", "date_time"))


def _header(entry: ZipInfo) -> bytes:
    plain = copy.copy(entry)
    plain.extra = b""
    return plain.FileHeader(zip64=False)


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """A file as an archive. Raises PackBroken if it is none, or not such as we write; OSError if it cannot be read."""
    with path.open("rb") as file:
        try:
            archive = ZipFile(file)
        except _UNREADABLE as problem:
            raise PackBroken("the file", f"it is no zip, or not whole: {problem}") from problem
        with archive:
            yield Archive(archive, file, path.stat().st_size)


def require_members(
    archive: Archive,
    listed: Mapping[str, tuple[str, int]],
    *,
    seal: Collection[str],
    known: Callable[[str], bool],
    trusted: bool,
) -> None:
    """What is there besides the seal is what is listed (by name: hash and size), to the byte. Raises PackBroken.

    `trusted`: it comes from whom the reader trusts; a run that said the same a thousand times shrinks like a bomb.
    """
    names = archive.names - set(seal)
    for name in sorted(names - listed.keys()):
        raise PackBroken(name, "it is in the file, but not in the manifest")
    for name in sorted(listed.keys() - names):
        raise PackBroken(name, "the manifest lists it, but it is missing")
    for name in listed:
        if not known(name):
            raise PackBroken(name, "no such file belongs into an evidence pack")
    total = sum(size for _, size in listed.values())
    if not trusted and total > MOST_TIMES * archive.size + MOST_MORE:
        said = f"of {archive.size:,} bytes it would become {total:,}, like a zip bomb; if you trust whose it is, name their key"
        raise PackBroken("the file", said)
    for name, (sha256, size) in listed.items():
        if archive.size_of(name) != size:
            raise PackBroken(
                name, f"it would unpack to {archive.size_of(name):,} bytes, but the manifest says {size:,}"
            )
        if archive.digest(name) != sha256:
            raise PackBroken(name, "its content is not the one that was signed")
