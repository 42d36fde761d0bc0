"""A thread's pause between two turns, which ends early when there is something to hear."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterable


class Pause:
    """The pauses of one thread, once it has begun: whoever begins it ends it, and the thread closes it."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._pair: tuple[socket.socket, socket.socket] | None = None

    def begin(self) -> None:
        """Before the first pause, and after any fork."""
        self._pair = socket.socketpair()

    def wait(self, seconds: float, descriptors: Iterable[int] = ()) -> bool:
        """Wait so long, or until one of the descriptors is readable; True if there shall be no other turn."""
        assert self._pair is not None, "it has not begun"
        poll = select.poll()
        for descriptor in (self._pair[0].fileno(), *descriptors):
            poll.register(descriptor, select.POLLIN)
        poll.poll(max(0.0, seconds) * 1000)
        return self._ended.is_set()

    def end(self) -> None:
        """No other turn: the pause that is on, or the next, ends now. For any thread; once."""
        if self._pair is not None and self._pair[1].fileno() >= 0:
            self._pair[1].send(b"\0")  # stays unread; before the word is given, after which the thread may close it
        self._ended.set()

    def close(self) -> None:
        """Close what `begin` opened, after the last pause."""
        if self._pair is not None:
            for one in self._pair:
                one.close()
