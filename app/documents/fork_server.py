"""The process that the sandboxed readers of documents are forked from: it has their libraries loaded, they begin at once.

The law: the server reads no document, nothing of one passes through it, and it opens nothing that a reader could use: it
is started by exec, with closed descriptors and none of our variables. Each document has a reader of its own, which is
confined before it looks, and dies with the server; the server ends with the process that started it, or when nobody has
asked for IDLE_SECONDS. Who asks and does not wait any longer closes its line: that kills the reader with all its group.

One connection a process; every question on it brings the reader's three files and a line of its own, on which come BEGUN and
then how the reader ended. A line that breaks before BEGUN says that nothing was read.
"""

from __future__ import annotations

import gc
import json
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

IDLE_SECONDS = 60.0
BEGUN = b"b"
_ENDED = struct.Struct("i")
_LONGEST = 65_536  # bytes of a question
_PROJECT = Path(__file__).parents[2]
_ENVIRONMENT = {
    "PYTHONPATH": str(_PROJECT),
    "PYTHONDONTWRITEBYTECODE": "1",
    "LC_ALL": "C.UTF-8",
    "OMP_NUM_THREADS": "1",  # OCR's libraries start a thread a core, each with its own memory
    "OPENBLAS_NUM_THREADS": "1",
}


class ServerGone(Exception):
    """The server ended, and nobody knows how far the reader had come."""


class ForkServer:
    """The server of this process: started when first asked, started anew after its end and after a fork of ours."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None

    def read(
        self, document: IO[bytes], answer: IO[bytes], complaints: IO[bytes], asked: Mapping[str, Any], seconds: float
    ) -> int | None:
        """How the reader ended (its return code; negative: the signal), or None if it took too long and was killed.

        Raises ServerGone.
        """
        question = json.dumps(asked).encode() + b"\n"
        for _ in range(2):  # the second time with a server that has only just begun
            ours, theirs = socket.socketpair()
            with ours:
                with theirs:
                    files = [document.fileno(), answer.fileno(), complaints.fileno(), theirs.fileno()]
                    sent = self._send(question, files)
                ours.settimeout(seconds)
                try:
                    if not sent or ours.recv(1) != BEGUN:
                        continue
                    ended = ours.recv(_ENDED.size)
                except TimeoutError:
                    return None
                except ConnectionError:
                    ended = b""
                if len(ended) != _ENDED.size:
                    raise ServerGone
                code: int = _ENDED.unpack(ended)[0]
                return code
        raise ServerGone

    def _send(self, question: bytes, files: list[int]) -> bool:
        with self._lock:
            try:
                socket.send_fds(self._running(), [question], files)
            except (BrokenPipeError, ConnectionError):
                return False
            return True

    def _running(self) -> socket.socket:
        if self._owner == os.getpid() and self._line and self._process and self._process.poll() is None:
            return self._line
        if self._line:  # of a server that has ended, or of the process that forked us
            self._line.close()
        self._line, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-s", "-P", "-m", "app.documents.fork_server", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                cwd="/",
                env=_ENVIRONMENT,
            )
        self._owner = os.getpid()
        return self._line


class _Server:
    """What runs in the process of its own, without threads."""

    def __init__(self, line: socket.socket) -> None:
        self._line, self._selector = line, selectors.DefaultSelector()
        self._readers: dict[int, socket.socket] = {}
        self._woken, wakes = socket.socketpair()
        self._woken.setblocking(False)
        wakes.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wakes.detach())
        for one in (line, self._woken):
            self._selector.register(one, selectors.EVENT_READ)

    def serve(self) -> None:
        """Until nobody is there to ask, or nobody has asked for a while."""
        while True:
            events = self._selector.select(None if self._readers else IDLE_SECONDS)
            if not events and not self._readers:
                return
            for key, _ in events:
                if key.fileobj is self._line:
                    if not self._asked():
                        self._kill(*self._readers)
                        return
                elif key.fileobj is self._woken:
                    self._woken.recv(_LONGEST)
                else:  # nobody waits for this one any longer
                    self._selector.unregister(key.fileobj)
                    self._kill(*(pid for pid, line in self._readers.items() if line is key.fileobj))
            self._reap()

    def _asked(self) -> bool:
        question, files, *_ = socket.recv_fds(self._line, _LONGEST, 4)
        if not question:
            return False
        while not question.endswith(b"\n"):
            question += self._line.recv(_LONGEST)
        line, files = socket.socket(fileno=files[3]), files[:3]
        try:
            self._begin(line, files, json.loads(question))
        except OSError:  # who asked is gone already, or no process can be made: that breaks the line
            line.close()
        finally:
            for file in files:
                os.close(file)
        return True

    def _begin(self, line: socket.socket, files: list[int], asked: Any) -> None:
        line.sendall(BEGUN)
        server = os.getpid()
        if (pid := os.fork()) == 0:
            _become_reader(files, asked | {"parent": server})
        self._readers[pid] = line
        self._selector.register(line, selectors.EVENT_READ)

    def _reap(self) -> None:
        while self._readers:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            if (line := self._readers.pop(pid, None)) is not None:
                if line in (key.fileobj for key in self._selector.get_map().values()):
                    self._selector.unregister(line)
                with line:
                    try:
                        line.sendall(_ENDED.pack(os.waitstatus_to_exitcode(status)))
                    except OSError:
                        continue  # nobody waits

    def _kill(self, *pids: int) -> None:
        for pid in pids:
            try:
                os.killpg(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):  # not yet in a session of its own, or ended
                os.kill(pid, signal.SIGKILL)


def _become_reader(files: list[int], asked: Any) -> None:
    """In the fork: nothing stays open but the three files. Never returns."""
    from app.documents.child import reader_child

    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        for place, file in enumerate(files):
            os.dup2(file, place)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        reader_child.read(asked)
    except BaseException as problem:
        os.write(2, f"{type(problem).__name__}: {problem}"[:2000].encode())
    finally:
        os._exit(1)


def load() -> None:
    """What most readers need. What few do (OCR's models take 300 MB) they load themselves."""
    from app.documents.child import mail, pdf_pages, pictures, reader_child  # noqa: F401


def main() -> None:
    """Load, then fork."""
    load()
    gc.freeze()  # collected in no reader, so its pages stay shared
    _Server(socket.socket(fileno=int(sys.argv[1]))).serve()


if __name__ == "__main__":
    main()
