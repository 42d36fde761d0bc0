"""A step that a worker delivers to itself is, to Celery, the very message that the broker would have brought."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from celery.utils.functional import noop
from celery.worker import request, state, strategy
from kombu import Consumer, Queue
from kombu.utils.encoding import str_to_bytes

from app.application import workflows
from app.core.ids import new_id, queue_name
from app.core.lifecycle import Status
from app.core.ports import Bell
from app.core.run import Run
from app.settings import settings
from tasks import dispatch, local
from tasks.celery import app
from tasks.edge.messages import check
from tests.conftest import BOTH_BROKERS

HOSTNAME = "here@localhost"
FIELDS = [name for name, what in inspect.getmembers(request.Request) if isinstance(what, property)]
OF_THE_MESSAGE = ("content_type", "content_encoding", "headers", "payload")
# Who sent it, how its transport packed it, and how the broker is told that it was taken.
MAY_DIFFER = {"message", "on_ack", "on_reject", "body"}


def consumer(received: Callable[[Any], None]) -> Any:
    """What Celery's strategies ask of a worker's consumer."""
    return SimpleNamespace(
        app=app,
        hostname=HOSTNAME,
        connection_errors=(ConnectionError,),
        event_dispatcher=None,
        timer=SimpleNamespace(call_at=None),
        apply_eta_task=None,
        disable_rate_limits=True,
        task_buckets={},
        on_task_request=received,
        _limit_task=None,
        _limit_post_eta=None,
        pool=SimpleNamespace(apply_async=None),
        controller=SimpleNamespace(state=state),
    )


def delivered(bell: Bell, broker_url: str) -> Any:
    """The request of a bell that our dispatcher rang, as the worker's consumer receives it."""
    app.loader.import_default_modules()
    queue = Queue(bell.queue, routing_key=bell.queue, durable=True)
    brought: list[Any] = []
    with app.connection_for_read(url=broker_url) as connection:
        queue(connection.default_channel).declare()
        with connection.Producer() as producer:
            dispatch._ring(bell, producer)
        with Consumer(connection.default_channel, [queue], accept=["json"], on_message=brought.append):
            connection.drain_events(timeout=30)
        queue(connection.default_channel).delete()
    (message,) = brought
    check(message, app.tasks)
    received: list[Any] = []
    name = message.headers["task"]
    strategy.default(app.tasks[name], app, consumer(received.append))(message, None, noop, noop, ())
    return received[0]


def a_run() -> Run:
    """A run of the first workflow there is, in its second step."""
    flow = workflows(settings())[0]
    second = flow.states[1]
    return Run(
        id=new_id(),
        workflow=flow.name,
        workflow_version=flow.version,
        subject="somebody",
        state=second.name,
        status=Status.RUNNING,
        step_seq=2,
        queue=queue_name(second.pool, flow.name, flow.version),
    )


@BOTH_BROKERS
def test_a_request_made_here_equals_the_one_that_the_broker_would_have_brought(broker_url: str) -> None:
    run = a_run()
    bell = Bell(run.id, run.step_seq, run.workflow, run.state, run.queue)
    theirs = delivered(bell, broker_url)
    ours = local.Receiver(consumer(lambda _: None)).receive(run)
    try:
        for one in (ours, theirs):
            assert one.request_dict.pop("origin").startswith("gen")
            one.request_dict.pop("properties")
            one.message.headers.pop("origin")
        both = {field: (getattr(ours, field), getattr(theirs, field)) for field in FIELDS if field not in MAY_DIFFER}
        assert {field: values for field, values in both.items() if values[0] != values[1]} == {}
        assert set(ours.request_dict) == set(theirs.request_dict)
        assert str_to_bytes(ours.body) == str_to_bytes(theirs.body)
        for part in OF_THE_MESSAGE:
            assert getattr(ours.message, part) == getattr(theirs.message, part), part
        assert (ours.id, ours.name, ours.time_limits) == (theirs.id, theirs.name, theirs.time_limits)
        assert ours.info() == theirs.info()
        assert type(ours).__mro__[1] is type(theirs).__mro__[1] is local.Request
        assert {ours, theirs} <= set(state.reserved_requests)
    finally:
        state.task_ready(ours)
        state.reserved_requests.discard(theirs)
