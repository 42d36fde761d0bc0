"""Where bytes lie: a folder on this machine, or any place fsspec knows by a URL (s3://…, gs://…, memory://…).

The law: what appears under a name is whole. A folder gets a temporary file, a sync and a rename; an object store makes
an object visible only when all of it has arrived.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Protocol
from uuid import uuid4

from app.core.errors import BadInput


class Place(Protocol):
    """Bytes under names like `ab/abcdef`. Reading what is not there raises FileNotFoundError."""

    def size(self, name: str) -> int | None: ...
    def read(self, name: str) -> bytes: ...
    def write(self, name: str, data: bytes) -> None: ...
    def remove(self, name: str) -> bool: ...
    def opened(self, name: str) -> Any: ...


def place_of(where: Path | str) -> Place:
    """The place a setting names. Raises BadInput where no such kind of place is known here."""
    if isinstance(where, Path):
        return Folder(where)
    if where.startswith("file://"):
        return Folder(Path(where.removeprefix("file://")))
    if "://" not in where:
        return Folder(Path(where))
    import fsspec  # not before it is needed: every process of ours would pay for it

    protocol = where.partition("://")[0]
    try:
        fsspec.get_filesystem_class(protocol)
    except (ValueError, ImportError) as problem:
        raise BadInput(
            f"LONGHAUL_DOCUMENTS_URL: {protocol}:// is no kind of place that can be used here ({problem}); "
            "name a folder, or install what fsspec needs for it"
        ) from problem
    return Bucket(where)


class Folder:
    """A folder on this machine. Any number of processes may share it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, name: str) -> Path:
        """Where these bytes lie, whether or not they exist."""
        return self.root / name

    def size(self, name: str) -> int | None:
        """Bytes, or None where there are none of that name."""
        try:
            return self.path(name).stat().st_size
        except FileNotFoundError:
            return None

    def read(self, name: str) -> bytes:
        """All of it."""
        return self.path(name).read_bytes()

    @contextmanager
    def opened(self, name: str) -> Iterator[IO[bytes]]:
        """A file with a descriptor of its own, as a child process needs."""
        with self.path(name).open("rb") as file:
            yield file

    def remove(self, name: str) -> bool:
        """Remove it for good, a folder with all it holds; False when there was nothing."""
        place = self.path(name)
        if place.is_dir():
            shutil.rmtree(place)
        else:
            try:
                place.unlink()
            except FileNotFoundError:
                return False
        _sync_folder(place.parent)
        return True

    def write(self, name: str, data: bytes) -> None:
        """Make it appear, whole or not at all."""
        place = self.path(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = place.with_name(f".{place.name}.{uuid4().hex}")
        try:
            with draft.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(place)
        finally:
            draft.unlink(missing_ok=True)
        # The rename itself, and a folder made on the way, survive a power cut only once their folders are synced.
        for folder in (place.parent, place.parent.parent):
            _sync_folder(folder)


class Bucket:
    """A place behind an fsspec URL. Connected when first used, so that nothing is opened before a fork."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._known: tuple[int, Any, str] | None = None

    def _at(self, name: str) -> tuple[Any, str]:
        if self._known is None or self._known[0] != os.getpid():
            import fsspec

            files, root = fsspec.core.url_to_fs(self._url)
            self._known = (os.getpid(), files, root)
        return self._known[1], f"{self._known[2].rstrip('/')}/{name}"

    def size(self, name: str) -> int | None:
        """Bytes, or None where there are none of that name."""
        files, path = self._at(name)
        try:
            files.invalidate_cache()
            return int(files.info(path)["size"])
        except FileNotFoundError:
            return None

    def read(self, name: str) -> bytes:
        """All of it."""
        files, path = self._at(name)
        return bytes(files.cat_file(path))

    @contextmanager
    def opened(self, name: str) -> Iterator[IO[bytes]]:
        """A file with a descriptor of its own, as a child process needs: a copy on this machine, gone afterwards."""
        with tempfile.TemporaryFile() as copy:
            copy.write(self.read(name))
            copy.seek(0)
            yield copy

    def write(self, name: str, data: bytes) -> None:
        """Make it appear, whole or not at all, as far as the place behind the URL does so."""
        files, path = self._at(name)
        files.pipe_file(path, data)

    def remove(self, name: str) -> bool:
        """Remove it for good, a folder with all it holds; False when there was nothing."""
        files, path = self._at(name)
        files.invalidate_cache()
        if not files.exists(path):
            return False
        files.rm(path, recursive=True)
        return True


def _sync_folder(folder: Path) -> None:
    with suppress(FileNotFoundError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
