"""The thread of a step that asks a model: it waits for the loop, and does meanwhile what would make the loop wait.

The law: whatever blocks or is the application's own (the journal, tools, checks of answers) is done in the step's
thread, one piece after another; the loop of all steps only sends, receives and takes the next turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from contextvars import copy_context
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from app.agents import model_loop
from app.agents.model_loop import ModelLoop

T = TypeVar("T")
Sent = Callable[[], Awaitable[object]]
Awaited = Callable[[Sent], Any]


class StepThread:
    """One asking's thread."""

    def __init__(self, loop: ModelLoop) -> None:
        self._loop = loop
        self._pieces: SimpleQueue[Callable[[], None] | None] = SimpleQueue()

    def run(self, asking: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop and return its result, doing here what it asks for by `beside`.

        Raises what it raises; Transient if the loop ends or hangs. Whatever ends this wait ends the coroutine.
        """
        whole = self._loop.begin(asking)
        whole.add_done_callback(lambda _: self._pieces.put(None))
        try:
            while piece := self._next():
                piece()
        except BaseException:
            whole.cancel()
            raise
        return self._loop.result(whole)

    async def beside(self, work: Callable[[Awaited], T]) -> T:
        """On the loop: have blocking `work` done in the step's thread; it is handed a function that awaits on the loop."""
        loop, context = asyncio.get_running_loop(), copy_context()
        answer: asyncio.Future[T] = loop.create_future()

        def piece() -> None:
            try:
                value = context.run(work, self._awaited)
            except Exception as problem:
                _tell(loop, answer, answer.set_exception, problem)
            else:
                _tell(loop, answer, answer.set_result, value)

        self._pieces.put(piece)
        return await answer

    def _next(self) -> Callable[[], None] | None:
        """The next piece of work; None when the coroutine has ended."""
        while True:
            try:
                return self._pieces.get(timeout=model_loop.LOOK_SECONDS)
            except Empty:
                self._loop.require()

    def _awaited(self, body: Sent) -> Any:
        async def run() -> object:
            return await body()

        return self._loop.result(self._loop.begin(run()))


def _tell(loop: asyncio.AbstractEventLoop, answer: asyncio.Future[Any], how: Callable[[Any], None], what: Any) -> None:
    def told() -> None:
        if not answer.done():
            how(what)

    with suppress(RuntimeError):  # the loop has ended, and the step is told so
        loop.call_soon_threadsafe(told)
