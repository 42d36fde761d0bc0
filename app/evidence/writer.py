"""Writing a zip whose bytes say nothing but its content: fixed times, one order, each member's hash noted as it goes in.

The law: nothing is held in memory but the piece that is being written. What is written again from the same rows is the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

_UNIX, _READABLE = 3, 0o644 << 16


class PackWriter:
    """A pack being written into `file`, which must be able to seek. `members`: what is in it so far."""

    def __init__(self, file: IO[bytes]) -> None:
        self._zip = ZipFile(file, "w")
        self.members: list[dict[str, Any]] = []

    def add(self, name: str, content: bytes, *, stored: bool = False) -> None:
        """A member in one piece; `stored`: not compressed, because it is already, or to be found by its bytes."""
        with self.growing(name, stored=stored) as write:
            write(content)

    def add_all(self, name: str, pieces: Iterable[bytes]) -> int:
        """A member in pieces; how many there were."""
        n = 0
        with self.growing(name) as write:
            for n, piece in enumerate(pieces, start=1):  # noqa: B007 - counted on the way
                write(piece)
        return n

    @contextmanager
    def growing(self, name: str, *, stored: bool = False) -> Iterator[Callable[[bytes], None]]:
        """A member to be written into; listed when it is whole."""
        digest, size = hashlib.sha256(), 0
        with self._zip.open(entry_of(name, stored=stored), "w") as out:

            def write(piece: bytes) -> None:
                nonlocal size
                digest.update(piece)
                size += len(piece)
                out.write(piece)

            yield write
        self.members.append({"name": name, "sha256": digest.hexdigest(), "size": size})

    def seal(self, *last: tuple[str, bytes]) -> None:
        """Add the files that are not listed, and close."""
        for name, content in last:
            self._zip.writestr(entry_of(name, stored=False), content)
        self.close()

    def close(self) -> None:
        """Write the list of members; again changes nothing. Also of a pack that failed, while its file is open."""
        self._zip.close()


def entry_of(name: str, *, stored: bool) -> ZipInfo:
    """How a member is marked: as a file everybody may read, of no particular time."""
    entry = ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.compress_type = ZIP_STORED if stored else ZIP_DEFLATED
    entry.create_system, entry.external_attr = _UNIX, _READABLE
    return entry
