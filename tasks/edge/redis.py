"""Reading from Redis: a list may hold any bytes, and a subscriber be sent any. Of each, a message or a refusal.

kombu has no hook between the bytes and its message, so two of its methods that read are overridden by name; neither
is copied. A test pushes raw junk and fails if they are ever renamed.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from queue import Empty
from typing import Any

from kombu.transport import virtual

from tasks.edge.messages import log_refused

# What JSON that is none, or that is deep, or that holds kombu's own type markers wrongly, is found out by.
_UNREADABLE = (ValueError, TypeError, AttributeError, ArithmeticError, RecursionError)


class Message(virtual.Message):
    """A message that can be made of anything; `malformed` says why it is none."""

    malformed: str | None = None

    def __init__(self, payload: Any, channel: Any = None, **kwargs: Any) -> None:
        try:
            super().__init__(_plain(payload), channel=channel, **kwargs)
        except Exception as problem:
            self.malformed = f"it is no message of kombu's: {type(problem).__name__}: {problem}"
            super().__init__(_plain({}), channel=channel, **kwargs)


def _plain(payload: dict[str, Any]) -> dict[str, Any]:
    """The parts of an envelope that are used, of the types they are used as. What a body is compressed with is
    dropped, so that nothing is unpacked in memory."""
    headers, given = payload.get("headers"), payload.get("properties")
    given = given if isinstance(given, dict) else {}
    info, tag = given.get("delivery_info"), given.get("delivery_tag")
    info = info if isinstance(info, dict) else {}
    return {
        "body": payload.get("body"),
        "content-type": payload.get("content-type"),
        "content-encoding": payload.get("content-encoding"),
        "headers": {k: v for k, v in headers.items() if k != "compression"} if isinstance(headers, dict) else {},
        "properties": {
            "delivery_tag": tag if isinstance(tag, str) else str(uuid.uuid4()),
            "delivery_info": {key: str(info.get(key) or "") for key in ("exchange", "routing_key")},
            "body_encoding": given.get("body_encoding"),
        },
    }


class CarefulChannel:
    """What a Redis channel does on bytes that are no JSON: refuse them, and wait for the next."""

    Message = Message

    def _brpop_read(self: Any, **options: Any) -> Any:
        read = super()._brpop_read  # type: ignore[misc]
        return self.taken(lambda: read(**options), self.client)

    def _receive_one(self: Any, c: Any) -> Any:
        read = super()._receive_one  # type: ignore[misc]
        return self.taken(lambda: read(c), c)

    def taken(self: Any, read: Callable[[], Any], client: Any) -> Any:
        """What `read` makes of bytes from `client`. Raises Empty, having said so, for what is no message."""
        transport = self.connection
        transport.handing_over = False
        try:
            return read()
        except _UNREADABLE as problem:
            # Not what was read, but what became of it, or of the connection.
            if transport.handing_over or client.connection is None or not client.connection.is_connected:
                raise
            log_refused(f"it is no JSON: {type(problem).__name__}: {problem}", None)
            raise Empty from problem


class CarefulTransport:
    """Knows whether an error came from reading a message or from working on it."""

    handing_over = False

    def _deliver(self, message: Any, queue: Any) -> None:
        self.handing_over = True
        super()._deliver(message, queue)  # type: ignore[misc]
