"""The event loop on which this process asks models: one thread, one HTTP client, and every request under way.

The law: a step that waits for a model costs its own thread and one connection. Nothing is opened before a fork: the
loop begins with the first asking, and a child forgets its parent's. Whoever gives up waiting takes what it waits for
with it. A loop that ends fails whatever waits on it as unknown, and one that hangs is left; the next asking begins
another.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import CancelledError, Future, InvalidStateError, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Any, TypeVar

from app.agents.clients import Clients, opened
from app.core.errors import Transient
from app.telemetry import logs

TURN_SECONDS = 5.0  # how often the loop says that it turns
HUNG_SECONDS = 120.0  # silent for so long it is taken for hung: a starved machine is slow, too
LOOK_SECONDS = 30.0  # how often who waits looks whether it is
_LOOK_UPS = 32  # names of servers looked up at the same time: the system's resolver blocks a thread

T = TypeVar("T")


class ModelLoop:
    """A running loop and its thread. `left` once it ended or was given up."""

    def __init__(self) -> None:
        self.left = False
        self._lock = threading.Lock()
        self._awaited: set[Future[Any]] = set()
        self._over, self._turned = asyncio.Event(), time.monotonic()
        begun: Future[tuple[asyncio.AbstractEventLoop, Clients]] = Future()
        threading.Thread(target=self._run, args=(begun,), name="model-calls", daemon=True).start()
        self._loop, self.clients = begun.result()

    def begin(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Begin a coroutine on the loop. Raises Transient if the loop has ended."""
        with self._lock:
            if self.left:
                work.close()
                raise _ended()
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
            self._awaited.add(future)
        future.add_done_callback(self._awaited.discard)
        return future

    def result(self, future: Future[T]) -> T:
        """What came of it; it is cancelled, wherever it stands, if this thread may not wait for it.

        Raises what it raised; Transient if the loop ended, or hangs.
        """
        try:
            while not wait([future], LOOK_SECONDS).done:
                self.require()
            return future.result()
        except CancelledError:
            raise _ended() from None
        finally:
            future.cancel()

    def require(self) -> None:
        """Raises Transient if the loop hangs: it is left, and ends should it wake."""
        if time.monotonic() - self._turned < HUNG_SECONDS:
            return
        self.left = True
        with suppress(RuntimeError):  # it has ended
            self._loop.call_soon_threadsafe(self._over.set)
        logs.event("model_loop", reason="it hangs; the next asking begins another")
        raise Transient("the loop of model calls hangs; nobody knows what became of the request")

    def _run(self, begun: Future[Any]) -> None:
        try:
            with asyncio.Runner() as runner:  # its end cancels what is under way
                try:
                    runner.run(self._serve(begun))
                finally:
                    with self._lock:
                        self.left = True
        except BaseException as problem:  # also what ends a thread on purpose: nobody may wait for it
            logs.event("model_loop", reason=f"it ended by {type(problem).__name__}: {problem}")
            if not begun.done():
                begun.set_exception(problem)
        finally:
            for future in list(self._awaited):
                _fail(future)

    async def _serve(self, begun: Future[Any]) -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(_LOOK_UPS, thread_name_prefix="model-names"))
        async with opened() as clients:
            begun.set_result((loop, clients))
            while not self._over.is_set():
                self._turned = time.monotonic()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._over.wait(), TURN_SECONDS)


_lock = threading.Lock()
_here: ModelLoop | None = None
_of_parent: ModelLoop | None = None  # kept: to tidy it up would take its sockets' events from the parent


def model_loop() -> ModelLoop:
    """The loop of this process, begun by whoever asks first."""
    global _here
    with _lock:
        if _here is None or _here.left:
            _here = ModelLoop()
        return _here


def _forget() -> None:
    global _lock, _here, _of_parent
    _lock, _here, _of_parent = threading.Lock(), None, _here


os.register_at_fork(after_in_child=_forget)


def _ended() -> Transient:
    return Transient("the loop of model calls ended; nobody knows what became of the request")


def _fail(future: Future[Any]) -> None:
    with suppress(InvalidStateError):  # answered, or given up, in this very moment
        future.set_exception(_ended())
