"""A network between a process and the database that can lose everything, without closing anything.

Silent, it passes no byte on, both ways or one way; connections stand, and new ones are accepted and unanswered, as by a
host without power behind a switch. Healed, what was held back goes on, except what somebody closed meanwhile.
"""

from __future__ import annotations

import selectors
import socket
import threading
from types import TracebackType
from typing import Literal, Self
from urllib.parse import parse_qs, urlsplit

from psycopg.conninfo import conninfo_to_dict

Way = Literal["to server", "to client"]
BOTH: tuple[Way, ...] = ("to server", "to client")
LOOK_SECONDS = 0.02


class Relay:
    """Listens on a port of this machine and passes on to the server behind `database_url`, which it calls from `source`."""

    def __init__(self, database_url: str, *, source: str = "127.0.0.1") -> None:
        self._source = source
        self._parts = urlsplit(database_url)
        named = conninfo_to_dict(database_url)
        self._host, self._port = str(named["host"]), int(str(named.get("port") or 5432))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(LOOK_SECONDS)
        self._silent: frozenset[Way] = frozenset()
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        """The database's address by way of this relay."""
        user = f"{self._parts.username}@" if self._parts.username else ""
        port = self._listener.getsockname()[1]
        left = {
            name: value for name, (value, *_) in parse_qs(self._parts.query).items() if name not in ("host", "port")
        }
        query = "&".join(f"{name}={value}" for name, value in left.items())
        return self._parts._replace(netloc=f"{user}127.0.0.1:{port}", query=query).geturl()

    def fall_silent(self, *ways: Way) -> None:
        """Pass nothing on any more: both ways, or the ones named."""
        self._silent = frozenset(ways or BOTH)

    def heal(self) -> None:
        """Pass everything on again."""
        self._silent = frozenset()

    def close(self) -> None:
        """End it, and every connection through it."""
        self._ended.set()
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            thread = threading.Thread(target=self._pass_on, args=(client,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _server(self) -> socket.socket:
        if not self._host.startswith("/"):
            return socket.create_connection((self._host, self._port), source_address=(self._source, 0))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{self._host}/.s.PGSQL.{self._port}")
        return server

    def _pass_on(self, client: socket.socket) -> None:
        """One connection, until either side closes it: and whoever is told of that, hears of it only through us."""
        while self._silent and not self._ended.is_set():
            self._ended.wait(LOOK_SECONDS)
        with client, self._server() as server, selectors.DefaultSelector() as ready:
            ways: dict[socket.socket, tuple[Way, socket.socket]] = {
                client: ("to server", server),
                server: ("to client", client),
            }
            while not self._ended.is_set():
                silent = self._silent
                for side, (way, _) in ways.items():
                    known = side in ready.get_map()
                    if known and way in silent:
                        ready.unregister(side)
                    elif not known and way not in silent:
                        ready.register(side, selectors.EVENT_READ)
                if not ready.get_map():
                    self._ended.wait(LOOK_SECONDS)
                for key, _ in ready.select(LOOK_SECONDS) if ready.get_map() else ():
                    way, other = ways[key.fileobj]  # type: ignore[index]
                    # Asked again: what is sent after the silence began is not passed on.
                    if way not in self._silent and not _moved(key.fileobj, other):  # type: ignore[arg-type]
                        return


def _moved(source: socket.socket, target: socket.socket) -> bool:
    """Pass on what is there; False at the end."""
    try:
        data = source.recv(65536)
        target.sendall(data)
    except OSError:
        return False
    return bool(data)
