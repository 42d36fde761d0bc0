"""Steps that wait for a model: all of a process on one loop, none behind another, and none for ever."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from app.agents import connections, model_loop
from app.agents.provider import Models
from app.agents.step_thread import StepThread
from app.core.declarations.prompts import Prompt
from app.core.errors import Transient
from app.settings import Settings
from tests.support.askings import MemoryAsking
from tests.support.gated_model import GatedModel, gated_model
from tests.support.waiting import PATIENCE_SECONDS, wait_for

MANY = 110  # more than any limit an HTTP client has by itself
LONG = PATIENCE_SECONDS


class Verdict(BaseModel):
    outcome: str


VERDICT = Verdict(outcome="pay")
QUESTION = Prompt(name="verdict", version=1, instructions="", output=Verdict, requests=1, timeout_seconds=120)


@pytest.fixture
def model() -> Iterator[GatedModel]:
    with gated_model(VERDICT.model_dump()) as gated:
        yield gated


def ask(model: GatedModel, prompt: Prompt[Verdict] = QUESTION) -> Verdict:
    config = Settings(provider="openai:gated", openai_base_url=model.url)
    return Models(config).ask(prompt, {}, MemoryAsking(), {})[0]


@contextmanager
def asked(model: GatedModel, count: int) -> Iterator[list[Future[Verdict]]]:
    """So many steps that wait, each in a thread of its own."""
    with ThreadPoolExecutor(count) as pool:
        waiting = [pool.submit(ask, model) for _ in range(count)]
        try:
            model.until_waiting(count, lambda: [asking.exception() for asking in waiting if asking.done()])
            yield waiting
        finally:
            model.gate.set()


def _open() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_no_asking_waits_for_another_and_all_of_them_have_one_thread_and_a_connection_each(model: GatedModel) -> None:
    model.gate.set()
    ask(model)  # the first one loads the libraries
    model.gate.clear()
    before, opened = threading.active_count(), _open()
    with asked(model, MANY) as waiting:
        threads = threading.active_count() - before
        descriptors = _open() - opened
        assert [thread.name for thread in threading.enumerate()].count("model-calls") == 1
    assert [answer.result() for answer in waiting] == [VERDICT] * MANY
    # The server is in this process: it has a thread and a socket for each of them, too.
    assert threads <= 2 * MANY + 40, "an asking has a thread beside its step's"  # some look names up
    assert descriptors <= 2 * MANY + 10, "an asking has more open than its connection"


def test_the_next_asking_takes_a_free_connection_which_does_not_stay_open_for_long(
    model: GatedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.gate.set()
    opened = _open()
    for _ in range(3):
        ask(model)
    assert len(model.connections) == 1
    monkeypatch.setattr(connections, "KEPT_SECONDS", 0.01)
    ask(model)
    wait_for(lambda: _open() <= opened + 3, "the free connection to be closed")  # the loop's own three stay


def test_what_a_server_wants_remembered_of_one_run_is_sent_for_no_other(model: GatedModel) -> None:
    model.gate.set()
    ask(model)
    ask(model)
    assert model.cookies == [None, None]


def test_what_is_the_applications_own_is_done_in_the_thread_of_its_step(model: GatedModel) -> None:
    threads = list[threading.Thread]()

    def check(*_: Any) -> list[str]:
        threads.append(threading.current_thread())
        return []

    model.gate.set()
    ask(model, Prompt(name="verdict", version=1, instructions="", output=Verdict, requests=1, check=check))
    assert threads == [threading.current_thread()]


def _ends() -> None:
    raise SystemExit


def test_a_loop_that_ends_fails_whoever_waits_as_unknown_and_the_next_asking_begins_another(model: GatedModel) -> None:
    with asked(model, 3) as waiting:
        ended = model_loop.model_loop()
        ended._loop.call_soon_threadsafe(_ends)
        for answer in waiting:
            with pytest.raises(Transient, match="nobody knows"):
                answer.result(LONG)
    assert ask(model) == VERDICT
    assert model_loop.model_loop() is not ended


def test_a_loop_that_hangs_is_left(model: GatedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    model.gate.set()
    ask(model)
    hung, awake = model_loop.model_loop(), threading.Event()
    hung._loop.call_soon_threadsafe(awake.wait, LONG)
    with monkeypatch.context() as impatient:
        impatient.setattr(model_loop, "LOOK_SECONDS", 0.05)
        impatient.setattr(model_loop, "HUNG_SECONDS", 0.1)
        with pytest.raises(Transient, match="hangs"):
            ask(model)
    assert ask(model) == VERDICT
    awake.set()
    wait_for(hung._loop.is_closed, "the loop that woke to end")


def test_whatever_ends_the_wait_of_a_step_ends_what_it_waits_for() -> None:
    cancelled, thread = threading.Event(), StepThread(model_loop.model_loop())

    async def never() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async def work() -> None:
        await asyncio.gather(never(), thread.beside(lambda _: _ends()))

    with pytest.raises(SystemExit):
        thread.run(work())
    assert cancelled.wait(LONG), "it goes on, and nobody waits for it"


def test_a_forked_child_asks_on_a_loop_of_its_own_and_leaves_its_parents_alone(model: GatedModel) -> None:
    model.gate.set()
    assert ask(model) == VERDICT
    loop = model_loop.model_loop()
    child = multiprocessing.get_context("fork").Process(target=_in_child, args=(model,))
    child.start()
    child.join(LONG)
    assert child.exitcode == 0
    assert ask(model) == VERDICT
    assert model_loop.model_loop() is loop


def _in_child(model: GatedModel) -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(20)  # seconds
    os._exit(0 if ask(model) == VERDICT else 1)
