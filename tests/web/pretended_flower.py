"""A server in Flower's place that answers as it is told and keeps what it was asked, for what a real one does not do on demand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message

from tests.support.http_server import QuietHandler, local_server

PAGE = b"<!doctype html><title>Flower</title><nav>Tasks</nav><main>A task</main>"
_HTML = (("Content-Type", "text/html; charset=UTF-8"),)


@dataclass(kw_only=True)
class Answer:
    """What is said at an address. `pieces`: sent one by one; `breaks_off`: the connection is closed before a word; `hangs`:
    it is after that."""

    status: int = 200
    headers: Sequence[tuple[str, str]] = _HTML
    pieces: Sequence[bytes] = (PAGE,)
    breaks_off: bool = False
    hangs: threading.Event | None = None


@dataclass
class PretendedFlower:
    """Where it is; what it says, by path; what it was asked: (method, path with query, headers)."""

    url: str
    says: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, str, Message]] = field(default_factory=list)


@contextmanager
def pretended_flower() -> Iterator[PretendedFlower]:
    """One that runs, on a port of its own."""

    class Handler(QuietHandler):
        def __getattr__(self, name: str) -> Callable[[], None]:
            if name.startswith("do_"):  # whatever the method
                return self.get
            raise AttributeError(name)

        def post(self) -> None:
            self.get()

        def get(self) -> None:
            flower.asked.append((self.command, self.path, self.headers))
            answer = flower.says.get(self.path.partition("?")[0], Answer())
            if answer.hangs is not None:
                answer.hangs.wait(30)
            if answer.breaks_off or answer.hangs is not None:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in (*answer.headers, ("Connection", "close")):
                self.send_header(name, value)
            self.end_headers()
            for piece in answer.pieces if self.command != "HEAD" else ():
                self.wfile.write(piece)
                self.wfile.flush()

    with local_server(Handler) as server:
        flower = PretendedFlower(server.url)
        yield flower
