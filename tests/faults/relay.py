"""A relay that goes silent: what stands in for a packet filter where no network namespaces can be made.

While it is silent in a direction it neither reads nor forwards there, and accepts nobody: both ends see a peer that
stands, and says nothing. What was under way is delivered afterwards, as TCP would by sending again.
"""

from __future__ import annotations

import contextlib
import socket
import threading

CHUNK = 65_536


class Relay:
    """One listening port of the loopback that leads to a server; it calls from an address of its own."""

    def __init__(self, target: tuple[str, int], *, source: str) -> None:
        self._target, self._source = target, source
        self._open = {"requests": threading.Event(), "answers": threading.Event()}
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = [self._listening]
        self._closed = False
        self.port: int = self._listening.getsockname()[1]
        self.heal()
        threading.Thread(target=self._accept, daemon=True).start()

    def silence(self, *directions: str) -> None:
        """Say nothing more in these directions: `requests`, `answers`."""
        for direction in directions:
            self._open[direction].clear()

    def heal(self) -> None:
        """Forward again."""
        for event in self._open.values():
            event.set()

    def close(self) -> None:
        """End it."""
        self._closed = True
        self.heal()
        for found in self._sockets:
            with contextlib.suppress(OSError):
                found.shutdown(socket.SHUT_RDWR)
            found.close()

    def _accept(self) -> None:
        while not self._closed:
            self._open["requests"].wait()
            try:
                client, _ = self._listening.accept()
                server = socket.create_connection(self._target, source_address=(self._source, 0))
            except OSError:
                continue
            self._sockets += [client, server]
            for event, source, sink in (("requests", client, server), ("answers", server, client)):
                threading.Thread(target=self._pump, args=(self._open[event], source, sink), daemon=True).start()

    def _pump(self, opened: threading.Event, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(CHUNK):
                opened.wait()
                sink.sendall(chunk)
        opened.wait()  # an end is told no sooner than a byte
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
