"""Flower sees every step begin and end, and the events it reads cost one publication for many."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from tasks.celery import app
from tasks.events import Group
from tests.support.small_workflows import TWO
from tests.support.stack import MakeStack


class Hub:
    """The loop of a worker, its turns and timers in our hands."""

    def __init__(self) -> None:
        self.soon: list[Callable[[], None]] = []
        self.later: list[Callable[[], None]] = []

    def call_soon(self, call: Callable[..., None], *args: Any) -> None:
        self.soon.append(lambda: call(*args))

    def call_later(self, _delay: float, call: Callable[[], None]) -> None:
        self.later.append(call)

    def turn(self) -> None:
        calls, self.soon, self.later = self.soon + self.later, [], []
        for call in calls:
            call()


def test_a_group_is_published_once_however_many_events_it_has_and_the_next_event_begins_another() -> None:
    hub, published = Hub(), list[int]()
    group = Group(hub, lambda: published.append(1))
    for _ in range(5):
        group.grows()
    assert len(hub.soon) == 1
    hub.turn()  # the timer is set, in the loop's own thread
    assert published == []
    hub.turn()
    assert published == [1]
    group.grows()
    hub.turn()
    hub.turn()
    assert published == [1, 1]


@pytest.mark.stack
def test_flower_is_told_of_every_step(make_stack: MakeStack, broker_url: str) -> None:
    stack = make_stack()
    seen: dict[str, set[str]] = {}

    def note(event: dict[str, Any]) -> None:
        seen.setdefault(event["uuid"], set()).add(event["type"])

    wanted = {"task-received", "task-started", "task-succeeded"}
    with app.connection_for_read(url=broker_url) as connection:
        receiver = app.events.Receiver(connection, handlers=dict.fromkeys(wanted, note))
        watching = threading.Thread(target=receiver.capture, kwargs={"wakeup": False}, daemon=True)
        watching.start()
        stack.workers(1)
        run = stack.start(TWO, "watched")
        stack.until_complete(run)
        steps = [f"{run}.FIRST.1", f"{run}.SECOND.2"]
        stack.wait(lambda: all(seen.get(step) == wanted for step in steps), f"Flower to be told of {steps}")
        receiver.should_stop = True
        watching.join(60)
