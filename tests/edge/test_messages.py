"""Whatever a message says, it is refused or becomes one that Celery can work on; nothing in it is unpacked in memory."""

from __future__ import annotations

import json
import pickle
from typing import Any, ClassVar

import amqp
import pytest
from celery.worker.request import Request
from hypothesis import example, given, settings
from hypothesis import strategies as st
from kombu.transport import virtual

from tasks.canary import HEAR
from tasks.celery import app
from tasks.edge import rabbitmq
from tasks.edge.messages import Refused, check
from tasks.edge.redis import Message
from tests.support.junk import BOMB

NAMES = (
    "task",
    "id",
    "eta",
    "expires",
    "timelimit",
    "retries",
    "shadow",
    "root_id",
    "group",
    "argsrepr",
    "compression",
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
HEADERS = st.dictionaries(st.sampled_from(NAMES), ANYTHING)
IDENTITY = st.just({"task": HEAR, "id": "a"}) | st.fixed_dictionaries(
    {"task": ANYTHING | st.just(HEAR), "id": ANYTHING}
)
BODY = st.tuples(st.lists(ANYTHING), st.just({}), st.just({"chain": None}) | ANYTHING) | ANYTHING


class _Channel:
    codecs: ClassVar[dict[str, Any]] = virtual.Channel.codecs
    decode_body = virtual.Channel.decode_body
    no_ack_consumers = None


@settings(deadline=None)
@example(identity={"task": HEAR, "id": "a"}, headers={}, body=[["x"], {}, {}], rest=None)
@given(identity=IDENTITY, headers=HEADERS, body=BODY, rest=ANYTHING)
def test_a_message_is_refused_or_can_be_worked_on(
    identity: dict[str, Any], headers: dict[str, Any], body: Any, rest: Any
) -> None:
    envelope = {"body": json.dumps(body), "content-type": "application/json", "content-encoding": "utf-8"}
    message = Message(
        {**envelope, "headers": {**headers, **identity}, "properties": {"delivery_info": rest}}, channel=_Channel()
    )
    message.accept = {"application/json"}
    try:
        check(message, app.tasks)
    except Refused:
        assert headers or identity != {"task": HEAR, "id": "a"} or body != [["x"], {}, {}], (
            "a plain message was refused"
        )
        return
    request = Request(message, app=app, headers=message.headers)
    assert request.time_limits == [None, None]
    assert request.eta is None
    pickle.dumps(request.request_dict)  # as it is passed to a prefork child


@settings(deadline=None)
@given(payload=ANYTHING)
def test_anything_in_a_redis_list_becomes_a_message_that_is_refused(payload: Any) -> None:
    with pytest.raises(Refused):
        check(Message(payload, channel=_Channel()), app.tasks)


def test_a_compressed_message_is_not_unpacked() -> None:
    headers = {"compression": "application/x-gzip"}
    from_redis = Message({"body": BOMB, "headers": dict(headers), "properties": {}}, channel=_Channel())
    raw = amqp.Message(BOMB, application_headers=dict(headers))
    raw.delivery_info = {"delivery_tag": 1}
    from_rabbitmq = rabbitmq.Message(raw)
    assert len(from_redis.body) == len(from_rabbitmq.body) == len(BOMB)
