"""A model server that answers when a test lets it: how many askings are under way at once, and on how many connections."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler

from tests.support.http_server import QuietHandler, local_server
from tests.support.waiting import wait_for

PATIENCE_SECONDS = 120.0  # of a test that failed: nothing else leaves the gate closed


class GatedModel:
    """Answers every request with the same answer, once the gate is open. `cookies`: what it was sent of them."""

    def __init__(self, answer: object) -> None:
        call = {"id": "1", "type": "function", "function": {"name": "answer", "arguments": json.dumps(answer)}}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        self._body = json.dumps(
            {
                "id": "1",
                "object": "chat.completion",
                "created": 1,
                "model": "gated",
                "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
            }
        ).encode()
        self.gate = threading.Event()
        self.cookies: list[str | None] = []
        self.connections = set[object]()
        self._waiting, self._lock = 0, threading.Lock()
        self.url = ""

    def until_waiting(self, count: int, evidence: Callable[[], object] = str) -> None:
        """Wait until so many requests wait for the gate at the same time."""
        wait_for(
            lambda: self._waiting >= count,
            f"{count} requests to wait at once",
            evidence=lambda: f"{self._waiting} do; {evidence()}",
        )

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """What a server of it handles requests by."""
        model = self

        class Handler(QuietHandler):
            protocol_version = "HTTP/1.1"

            def post(self) -> None:
                self.body()
                with model._lock:
                    model._waiting += 1
                    model.connections.add(self.client_address)
                    model.cookies.append(self.headers["Cookie"])
                model.gate.wait(PATIENCE_SECONDS)
                with model._lock:
                    model._waiting -= 1
                with suppress(ConnectionError):  # who asked may be gone
                    self.send_response(200)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Set-Cookie", "of=the-run-before")
                    self.send_header("Content-Length", str(len(model._body)))
                    self.end_headers()
                    self.wfile.write(model._body)

        return Handler


@contextmanager
def gated_model(answer: object) -> Iterator[GatedModel]:
    """Such a server, for the length of a block; its gate is closed."""
    model = GatedModel(answer)
    with local_server(model.handler()) as server:
        model.url = f"{server.url}/v1"
        try:
            yield model
        finally:
            model.gate.set()
