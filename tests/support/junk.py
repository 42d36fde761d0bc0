"""What lies in a queue that nobody of ours put there: of each kind that Celery, kombu or py-amqp would trip over.

`REFUSED` must each be refused with one line; `ODD` are messages for a task that ask for more than a message may: they
may be worked on, as if they had not asked.
"""

from __future__ import annotations

import json
import uuid
import zlib
from collections.abc import Iterator
from struct import pack
from typing import Any

import amqp
from kombu import Connection

AS_JSON = {"content_type": "application/json", "content_encoding": "utf-8"}
NOTHING: list[Any] = [[], {}, {}]
DEEP = "[" * 50_000 + "]" * 50_000
QUITE_DEEP = json.dumps([[json.loads("[" * 400 + "]" * 400)], {}, {}])
BOMB = zlib.compress(b" " * 50_000_000)

Message = tuple[Any, dict[str, Any]]


def refused(task: str) -> Iterator[Message]:
    """Bodies and their properties, for kombu to publish, of messages for a task, or for none."""
    for headers in (
        {},
        {"task": task},
        {"task": task, "id": None},
        {"task": task, "id": 7},
        {"task": task, "id": []},
        {"task": task, "id": {}},
        {"task": task, "id": ""},
        {"task": task, "id": "x" * 10_000},
        {"task": task, "id": "two\nlines"},
        {"task": None, "id": "a"},
        {"task": 7, "id": "a"},
        {"task": [task], "id": "a"},
        {"task": {}, "id": "a"},
        {"id": "a"},
        {"task": "no.such", "id": "a"},
        {"task": "celery.chord_unlock", "id": "a"},
        {"task": "celery.map", "id": "a"},
        {"task": task, "id": "a", "eta": "2030-01-01T00:00:00+00:00"},
        {"task": task, "id": "a", "eta": "never"},
        {"task": task, "id": "a", "expires": "soon"},
        {"task": task, "id": "a", "expires": 7},
        {"task": task, "id": "a", "expires": {}},
        {"task": task, "id": "a", "expires": "0001-01-01T00:00:00+14:00"},
    ):
        yield NOTHING, {"headers": headers}
    asks = {"task": task, "id": "a"}
    bodies: list[Any] = [
        {},
        [],
        "text",
        7,
        None,
        [1, 2, 3],
        [[], {}],
        [{}, [], {}],
        [[], {}, None],
        [[], {}, {}, {}],
        [[], {}, {"chain": [{"task": "celery.map"}]}],
        [[], {}, {"callbacks": ["x"]}],
    ]
    for body in bodies:
        yield body, {"headers": asks}
    for text in (b"", b"{", b"\xff\xfe", DEEP, QUITE_DEEP, '[[{"__type__":"uuid","__value__":{"hex":5}}],{},{}]'):
        yield text, {"headers": asks, **AS_JSON}
    yield (
        b"\x80\x04.",
        {"headers": asks, "content_type": "application/x-python-serialize", "content_encoding": "binary"},
    )
    yield "[[],{},{}]", {"headers": asks, "content_type": "application/x-no-such", "content_encoding": "utf-8"}
    yield b"[[],{},{}]", {"headers": asks, "content_type": "application/x-yaml", "content_encoding": "no-such"}
    for compression in ("application/x-gzip", "no such", ""):
        packed = {"headers": {**asks, "compression": compression}, "content_type": "application/json"}
        yield BOMB, {**packed, "content_encoding": "binary"}
    yield {"task": task, "id": "a", "args": [], "kwargs": {}}, {}  # Celery's first protocol
    yield {"task": task, "args": 7, "kwargs": 7}, {"headers": {"id": "a"}}


def odd(task: str) -> Iterator[Message]:
    """Messages that ask for a task, and for more."""
    more: list[dict[str, Any]] = [
        {"timelimit": "abc"},
        {"timelimit": [1]},
        {"timelimit": ["a", {}]},
        {"retries": "many"},
        {"retries": 10**9},
        {"shadow": 7},
        {"shadow": []},
        {"root_id": []},
        {"group": {}},
        {"argsrepr": []},
        {"kwargsrepr": 7},
        {"origin": {}},
        {"ignore_result": "no"},
        {"hostname": []},
        {"errbacks": "x"},
        {"chain": "x"},
        {"is_eager": True},
        {"stamps": "x"},
        {"stamped_headers": "x"},
        {"replaced_task_nesting": "x"},
        {"delivery_info": 7},
        {"update": 7},
        {"lang": 7},
    ]
    for headers in more:
        yield [["no run", 1], {}, {}], {"headers": {"task": task, "id": str(uuid.uuid4()), **headers}}


def redis_items(task: str) -> Iterator[bytes]:
    """What may lie in a Redis list instead of kombu's envelope; each must be refused."""
    headers = {"task": task, "id": "a"}
    good: dict[str, Any] = {
        "body": "W1tdLHt9LHt9XQ==",
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": {},
        "properties": {
            "delivery_tag": "t",
            "delivery_info": {"exchange": "", "routing_key": ""},
            "body_encoding": "base64",
        },
    }
    yield from (b"", b"junk", b"\xff\xfe\x00", b"5", b"null", b"[]", b"{}", b'"text"', DEEP.encode(), b"1" * 5000)
    for value in ('{"hex":5}', "5", "[]", '"x"', "null", '"1e999999999999999999999"'):
        for kind in ("uuid", "decimal", "bytes", "base64", "datetime", "no such", "[]"):
            yield f'{{"properties":{{"__type__":"{kind}","__value__":{value}}}}}'.encode()
    changes: list[dict[str, Any]] = [
        {"properties": 5},
        {"properties": []},
        {"properties": {}},
        {"properties": None},
        {"headers": "text"},
        {"headers": []},
        {"headers": {**headers, "compression": []}, "body": 5},
        {"body": 5, "headers": headers},
        {"body": {}, "headers": headers},
        {"body": "no base64!", "headers": headers},
        {"body": "\ud83d", "headers": headers},
        {"body": None, "headers": headers},
        {"content-type": [], "headers": headers},
        {"content-type": 7, "headers": headers},
        {"content-encoding": [], "headers": headers, "content-type": "application/text"},
        {"properties": {**good["properties"], "body_encoding": "no such"}},
        {"properties": {**good["properties"], "body_encoding": []}},
        {"properties": {**good["properties"], "delivery_tag": []}},
        {"properties": {**good["properties"], "delivery_tag": {}}},
        {"properties": {**good["properties"], "delivery_info": "text"}},
        {"properties": {**good["properties"], "delivery_info": {"routing_key": [], "exchange": {}}}},
    ]
    for change in changes:
        yield json.dumps({**good, **change}).encode()


class _Raw(amqp.Message):  # type: ignore[misc]
    """An AMQP message whose properties are these bytes."""

    def __init__(self, body: bytes, properties: bytes) -> None:
        super().__init__(body)
        self._raw = properties

    def _serialize_properties(self) -> bytes:
        return self._raw


def rabbit_messages() -> list[amqp.Message]:
    """AMQP messages whose properties no client of ours can read; each must be refused."""

    def with_header(value: bytes) -> bytes:
        field = b"\x01k" + value
        return pack(">H", 1 << 13) + pack(">I", len(field)) + field

    unreadable = [
        pack(">H", 1 << 15) + b"\x02\xff\xfe",  # a content type that is no text
        with_header(b"T" + pack(">Q", 2**62)),  # a time after the end of time
        with_header(b"D\xff" + pack(">i", 1)),
        with_header(b"x" + pack(">I", 3) + b"\xff\xfe\xfd"),
        pack(">H", 0),
    ]
    return [_Raw(body, properties) for properties in unreadable for body in (b"", b"body", b"long" * 100_000)]


def push(broker_url: str, queue: str, items: Iterator[bytes]) -> int:
    """Put items at the end of a Redis list as they are; how many."""
    count = 0
    options = {"global_keyprefix": "longhaul:"}
    with Connection(broker_url, transport_options=options) as connection, connection.channel() as channel:
        for item in items:
            channel.client.lpush(queue, item)
            count += 1
    return count
