"""The way log lines leave a process. The law: whoever logs never waits; what cannot leave is counted, and said as soon as it can.

A pipe whose reader stops takes 64 KB and then nothing, and a full disk refuses. So lines go into a bounded queue, and one
thread, which keeps no promise to anybody, writes them: to a descriptor of its own, because whoever waits inside
`sys.stderr` holds a lock that ending the process asks for. A line after a silence, a warning, and the last ones before
the end leave at once; those of a busy process leave together, every 20 ms. After a fork the child begins with an empty queue and a
thread of its own. The standard library's QueueHandler is none of this: its queue has a lock that a signal's handler may
find held by the very thread it interrupted.
"""

from __future__ import annotations

import logging
import os
import select
import stat
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue

MOST_LINES = 10_000
MOST_BYTES = 16 * 1024 * 1024
GATHER_SECONDS = 0.02  # between two writes; what a killed process may lose
FILE_BYTES = 64 * 1024  # of one write to a file; to a pipe no more than what cannot be mixed with another process's
FLUSH_SECONDS = 1.0  # how long the end of a process may wait for its last lines


class Outlet(logging.Handler):
    """Writes formatted records to a descriptor, from a queue."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = os.dup(descriptor)  # whoever closes the other and opens a file would be given our lines
        is_file = stat.S_ISREG(os.fstat(self._descriptor).st_mode)
        self._most_at_once = FILE_BYTES if is_file else select.PIPE_BUF
        os.register_at_fork(after_in_child=self._begin_anew)
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._queue: SimpleQueue[bytes] = SimpleQueue()
        self._gathering = threading.Lock()  # held unless somebody hurries the writer: a signal's handler may
        self._gathering.acquire()
        self._counts = threading.RLock()  # a signal's handler may log in the middle of a count
        self._lines = self._bytes = self.lost = self._unsaid = 0
        self._writer: threading.Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a record's line, or count it as lost."""
        self.put(lambda: self.format(record), at_once=record.levelno >= logging.WARNING)

    def put(self, made: Callable[[], str], *, at_once: bool = False) -> None:
        """Queue the line that `made` gives, or count it as lost."""
        try:
            line = made().encode("utf-8", "backslashreplace") + b"\n"
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
        if at_once:
            self._hurry()

    def flush(self) -> None:
        """Wait until everything is written, but not for long."""
        self.drain(FLUSH_SECONDS)

    def drain(self, seconds: float) -> bool:
        """Wait for the writer, at most so long; whether it has written everything."""
        until = time.monotonic() + seconds
        while self._lines and self._writer is not None and time.monotonic() < until:
            self._hurry()
            time.sleep(0.005)
        return not self._lines

    def _hurry(self) -> None:
        """What is queued leaves now."""
        with suppress(RuntimeError):  # it hurries already
            self._gathering.release()

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
        written = float("-inf")
        while True:
            lines = [self._queue.get()]
            self._gathering.acquire(timeout=max(0.0, written + GATHER_SECONDS - time.monotonic()))
            with suppress(Empty):
                while True:
                    lines.append(self._queue.get_nowait())
            for several in self._in_writes(lines):
                self._say_losses()
                data = b"".join(several)
                if lost := data[self._write(data) :].count(b"\n"):
                    self._lose(lost)
                with self._counts:
                    self._lines, self._bytes = self._lines - len(several), self._bytes - len(data)
            written = time.monotonic()

    def _in_writes(self, lines: Sequence[bytes]) -> Iterator[list[bytes]]:
        """Whole lines, as many as leave in one write."""
        several: list[bytes] = []
        size = 0
        for line in lines:
            if several and size + len(line) > self._most_at_once:
                yield several
                several, size = [], 0
            several.append(line)
            size += len(line)
        yield several

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
            line = self.format(record).encode() + b"\n"
            if self._write(line) < len(line):
                with self._counts:
                    self._unsaid += lost

    def _write(self, data: bytes) -> int:
        """How much of it was written: less than all if nobody reads any more, or the disk is full."""
        left = memoryview(data)
        while left:
            try:
                left = left[os.write(self._descriptor, left) :]
            except BlockingIOError:  # somebody made the pipe we were given one that does not wait
                select.select([], [self._descriptor], [])
            except OSError:
                break
        return len(data) - len(left)
