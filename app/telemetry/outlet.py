"""The way log lines leave a process. The law: whoever logs never waits; what cannot leave is counted, and said as soon as it can.

A pipe whose reader stops takes 64 KB and then nothing, and a full disk refuses. So lines go into a bounded queue, and one
thread, which keeps no promise to anybody, writes them: to a descriptor of its own, because whoever waits inside
`sys.stderr` holds a lock that ending the process asks for. After a fork the child begins with an empty queue and a
thread of its own. The standard library's QueueHandler is none of this: its queue has a lock that a signal's handler may
find held by the very thread it interrupted.
"""

from __future__ import annotations

import logging
import os
import select
import threading
import time
from queue import SimpleQueue

MOST_LINES = 10_000
MOST_BYTES = 16 * 1024 * 1024
FLUSH_SECONDS = 1.0  # how long the end of a process may wait for its last lines


class Outlet(logging.Handler):
    """Writes formatted records to a descriptor, from a queue."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = os.dup(descriptor)  # whoever closes the other and opens a file would be given our lines
        os.register_at_fork(after_in_child=self._begin_anew)
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._queue: SimpleQueue[bytes] = SimpleQueue()
        self._counts = threading.RLock()  # a signal's handler may log in the middle of a count
        self._lines = self._bytes = self.lost = self._unsaid = 0
        self._writer: threading.Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a line, or count it as lost."""
        try:
            line = self.format(record).encode("utf-8", "backslashreplace") + b"\n"
        except Exception:  # what cannot be written down must not end what it tells of
            self._lose(1)
            return
        with self._counts:
            if self._lines >= MOST_LINES or self._bytes + len(line) > MOST_BYTES:
                self._lose(1)
                return
            self._lines, self._bytes = self._lines + 1, self._bytes + len(line)
            if self._writer is None:
                self._start()
        self._queue.put(line)

    def flush(self) -> None:
        """Wait until everything is written, but not for long."""
        self.drain(FLUSH_SECONDS)

    def drain(self, seconds: float) -> bool:
        """Wait for the writer, at most so long; whether it has written everything."""
        until = time.monotonic() + seconds
        while self._lines and self._writer is not None and time.monotonic() < until:
            time.sleep(0.005)
        return not self._lines

    def _start(self) -> None:
        self._writer = threading.Thread(target=self._write_all, name="log-lines", daemon=True)
        try:
            self._writer.start()
        except RuntimeError:  # the interpreter ends
            self._writer = None

    def _lose(self, lines: int) -> None:
        with self._counts:
            self.lost, self._unsaid = self.lost + lines, self._unsaid + lines

    def _write_all(self) -> None:
        while True:
            line = self._queue.get()
            self._say_losses()
            if not self._write(line):
                self._lose(1)
            with self._counts:
                self._lines, self._bytes = self._lines - 1, self._bytes - len(line)

    def _say_losses(self) -> None:
        """A line about the lines that are missing before the next one."""
        with self._counts:
            lost, self._unsaid = self._unsaid, 0
        if lost:
            fields = {"fields": {"kind": "log_lines_lost", "lost": lost}}
            record = logging.makeLogRecord(
                {
                    "name": "longhaul",
                    "levelno": logging.WARNING,
                    "levelname": "WARNING",
                    "msg": "log_lines_lost",
                    **fields,
                }
            )
            if not self._write(self.format(record).encode() + b"\n"):
                with self._counts:
                    self._unsaid += lost

    def _write(self, data: bytes) -> bool:
        """All of it; False if nobody reads any more, or the disk is full."""
        left = memoryview(data)
        while left:
            try:
                left = left[os.write(self._descriptor, left) :]
            except BlockingIOError:  # somebody made the pipe we were given one that does not wait
                select.select([], [self._descriptor], [])
            except OSError:
                return False
        return True
