"""The child is confined, leaves nothing behind, and does not outlive who started it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from app.documents import confined
from app.documents.fork_server import ForkServer
from app.documents.reader import ReaderFailed, ReadLimits, ReadResult, read_document
from tests.support.waiting import wait_for

PROJECT = Path(__file__).parents[2]
PARENT = """
import sys
import threading
from pathlib import Path
from app.documents import confined
from app.documents.reader import read_document
read_document(Path(sys.argv[1]))
"""


@pytest.fixture
def endless(tmp_path: Path) -> Iterator[Path]:
    """A document that never ends: a pipe somebody holds open, so that the child waits inside its reading."""
    path = tmp_path / "endless"
    os.mkfifo(path)
    descriptor = os.open(path, os.O_RDWR)
    yield path
    os.close(descriptor)


def reader_of(parent: psutil.Process) -> psutil.Process | None:
    """The reader child of `parent`, once it has confined itself."""
    # Other tests' servers are among them, which may belong to somebody else.
    for child in parent.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            ours = "app.documents.fork_server" in child.cmdline()
            if ours and child.rlimit(psutil.RLIMIT_CPU)[0] == ReadLimits().cpu_seconds:
                return child
    return None


@contextmanager
def reading(path: Path) -> Iterator[tuple[psutil.Process, Future[ReadResult]]]:
    """A reading in the background: its child, and its answer to come."""
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(read_document, path)
        child = wait_for(lambda: reader_of(psutil.Process()), "the reader to start")
        assert child is not None
        try:
            yield child, answer
        finally:
            if child.is_running():
                child.kill()


def test_the_child_dies_with_its_killed_parent(endless: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT, str(endless)], cwd=PROJECT) as parent:
        child = wait_for(lambda: reader_of(psutil.Process(parent.pid)), "the reader to start")
        assert child is not None
        parent.kill()
        assert wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, "the reader to end")


def test_a_reading_that_takes_too_long_is_stopped_with_its_whole_group(endless: Path) -> None:
    result = read_document(endless, limits=ReadLimits(wall_seconds=0.5))
    assert (result.status, result.reason) == ("unreadable", "TIMED_OUT")
    wait_for(lambda: reader_of(psutil.Process()) is None, "its end")


def test_the_child_is_confined_and_inherits_nothing(endless: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONGHAUL_OPENAI_API_KEY", "not for the reader")
    secret = os.dup(0)
    os.set_inheritable(secret, True)
    with reading(endless) as (child, _):
        assert child.rlimit(psutil.RLIMIT_AS)[0] == ReadLimits().memory_bytes
        assert child.rlimit(psutil.RLIMIT_NOFILE)[0] == 32
        assert child.rlimit(psutil.RLIMIT_FSIZE)[0] < 200 * 1024 * 1024
        assert "LONGHAUL_OPENAI_API_KEY" not in child.environ()
        assert {entry.name for entry in Path(f"/proc/{child.pid}/fd").iterdir()} == {"0", "1", "2"}
        assert os.getsid(child.pid) == child.pid
    os.close(secret)


def test_no_more_children_are_at_work_than_the_machine_bears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confined, "_at_work", threading.BoundedSemaphore(1))
    document = tmp_path / "document"
    document.write_text("some words")
    first = tmp_path / "first"
    os.mkfifo(first)
    held = os.open(first, os.O_RDWR)
    with reading(first) as (child, _), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(read_document, document)
        wait_for(lambda: confined._at_work._value == 0, "the first to be at work")
        assert reader_of(psutil.Process()) == child
        child.kill()
        assert waiting.result(timeout=20).status == "read"
    os.close(held)


def test_a_child_killed_by_someone_else_says_nothing_about_the_document(endless: Path) -> None:
    with reading(endless) as (child, answer):
        child.send_signal(signal.SIGKILL)
        with pytest.raises(ReaderFailed, match="try again"):
            answer.result(timeout=20)


def test_an_orphan_ends_before_it_reads_anything() -> None:
    orphan = "from app.documents.child import reader_child; reader_child.read({'parent': 1})"
    child = subprocess.run(
        [sys.executable, "-c", orphan],
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=20,
        check=False,
    )
    assert (child.returncode, child.stdout) == (1, b"")


def test_the_child_begins_with_what_most_documents_need_and_without_what_few_do() -> None:
    loaded = """
import sys
from app.documents import fork_server
fork_server.load()
print(*sorted({'pydantic', 'pypdf', 'pypdfium2', 'PIL.Image', 'onnxruntime', 'numpy', 'app.settings'} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", loaded], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["PIL.Image", "pypdf", "pypdfium2"]


def test_each_document_has_a_child_of_its_own_from_one_server(tmp_path: Path) -> None:
    document = tmp_path / "document"
    document.write_text("some words")
    readers = ForkServer()
    limits = confined.asked({"name": "text"}, ReadLimits(), 1 << 20)

    def read() -> int | None:
        with document.open("rb") as source, (tmp_path / "answer").open("w+b") as answer:
            return readers.read(source, answer, answer, limits, 20)

    with ThreadPoolExecutor(4) as asking:
        assert list(asking.map(lambda _: read(), range(12))) == [0] * 12
    assert readers._process is not None
    server = psutil.Process(readers._process.pid)
    assert server.children() == []
    server.kill()
    wait_for(lambda: readers._process and readers._process.poll() is not None, "the server to end")
    assert read() == 0, "another server is started"
    assert readers._process.pid != server.pid


def test_a_server_that_dies_takes_its_readers_along_and_says_nothing_about_the_document(endless: Path) -> None:
    with reading(endless) as (child, answer):
        server = child.parent()
        assert server is not None
        server.kill()
        with pytest.raises(ReaderFailed, match="try again"):
            answer.result(timeout=20)
        assert wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, "the reader to end")


def test_a_server_that_nobody_asks_ends() -> None:
    ours, theirs = socket.socketpair()
    idle = "from app.documents import fork_server; fork_server.IDLE_SECONDS = 0.1; fork_server.main()"
    with ours, theirs:
        argv = [sys.executable, "-c", idle, str(theirs.fileno())]
        done = subprocess.run(argv, cwd=PROJECT, pass_fds=[theirs.fileno()], timeout=30, check=False)
    assert done.returncode == 0
