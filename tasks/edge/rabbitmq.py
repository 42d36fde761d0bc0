"""Reading from RabbitMQ: it passes on headers and keys as they were sent, readable or not.

A message whose headers py-amqp cannot read would end the worker, and lie there again for the next one. Such a message
is given to the consumer without them, which refuses it for naming no task. `frame_handler` is py-amqp's own hook.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import unpack_from
from typing import Any

import amqp
from amqp import spec
from amqp.method_framing import frame_handler
from amqp.serialization import loads
from kombu.transport import pyamqp

from tasks.edge.messages import log_refused

Frame = tuple[int, int, Any]
_METHOD, _HEADER = 1, 2
_FIXED = 12  # bytes of a content header before its properties: class, weight, size of the body


class Message(pyamqp.Message):
    """A message of which nothing is unpacked in memory, and whose properties go no further."""

    def __init__(self, msg: Any, channel: Any = None, **kwargs: Any) -> None:
        (msg.properties.get("application_headers") or {}).pop("compression", None)
        super().__init__(msg, channel=channel, **kwargs)
        self.properties = {}  # tables hold what cannot be passed to a prefork child


class Channel(pyamqp.Channel):
    """Makes such messages."""

    Message = Message


class Connection(pyamqp.Connection):
    """Reads frames with care."""

    Channel = Channel

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, frame_handler=_careful_frames, **kwargs)


def _careful_frames(connection: Any, callback: Callable[..., Any]) -> Callable[[Frame], Any]:
    read = frame_handler(connection, callback)
    methods: dict[int, Any] = {}  # what announced the message that each channel is receiving

    def on_frame(frame: Frame) -> Any:
        kind, channel, content = frame
        if kind == _METHOD:
            methods[channel] = content
        try:
            return read(frame)
        except Exception:
            # Only now is looked for a cause in the frames: the ordinary message costs nothing.
            if kind == _HEADER and not _has_readable_properties(content):
                return on_frame((kind, channel, bytes(content[:_FIXED]) + b"\0\0"))
            if kind == _METHOD or _is_readable_delivery(methods[channel]):
                raise
            _drop(connection.channels[channel], methods[channel])
            return True

    return on_frame


def _has_readable_properties(content: Any) -> bool:
    try:
        amqp.Message().inbound_header(content)
    except Exception:
        return False
    return True


def _is_readable_delivery(method: Any) -> bool:
    try:
        return unpack_from(">HH", method, 0) != spec.Basic.Deliver or bool(loads("sLbss", method, 4))
    except Exception:
        return False


def _drop(channel: Any, method: Any) -> None:
    """Refuse a message whose routing key is no text."""
    (consumer, tag), _ = loads("sL", method, 4)
    log_refused("its routing key is no text", None)
    if consumer not in (channel.no_ack_consumers or ()):
        channel.basic_ack(tag)
