"""Faults on demand inside a real worker: it kills itself, or stands still, at a named point of the protocol.

Loaded by a worker only through LONGHAUL_WORKFLOWS (the flows import it), and idle unless LONGHAUL_TEST_FAULTS names a
folder: the product has no hooks. A fault is armed by a file `<point>.<where>.<deed>`; whoever renames it first does
the deed, so it happens exactly once however many workers pass the point.

`where` is the number of the call (points of a call) or the state (points of a move), each also as `<run id>.<where>`;
the purpose of a payment; or the name of the function whose transaction it is. "any" matches all.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, TypeVar
from uuid import UUID

import time_machine

from app.core.ports import Bell, Dispatcher, ToolCode
from app.engine.dispatching import lying
from app.engine.process.liveness import Liveness
from app.engine.runtime import Runtime
from app.store.database import Connection
from app.store.journal.journal import Journal, Rows
from app.store.runs import budgets, intents, moves, steps
from app.store.runs.moves import Statement

VARIABLE = "LONGHAUL_TEST_FAULTS"
Deed = Literal["kill", "hold"]
Point = Literal[
    "before_lease",
    "after_lease",
    "before_intent",
    "after_intent",
    "before_act",
    "after_act",
    "before_result",
    "after_result",
    "before_move",
    "after_move",
    "before_transaction",
    "after_transaction",
    "before_bell",
    "after_bell",
    "in_step",
    "in_liveness",
]
INTENTS = (
    intents._INTENT,
    intents._IRREVERSIBLE_INTENT,
    intents._RESERVING_INTENT,
    intents._REOPEN,
    intents._IRREVERSIBLE_REOPEN,
    intents._RESERVING_REOPEN,
    intents._REDIRECT,
    intents._RESERVING_REDIRECT,
)
T = TypeVar("T")


class Faults:
    """The test's side: arm a fault, see who did it, let whoever stands still go on."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder

    def arm(self, point: Point, where: object = "any", deed: Deed = "kill") -> None:
        """The next process that passes the point does the deed."""
        (self.folder / f"{point}.{where}.{deed}").touch()

    def disarm(self) -> None:
        """Forget what nobody did, and let everybody go on."""
        for file in self.folder.iterdir():
            file.unlink(missing_ok=True)

    def done_by(self, point: Point, where: object = "any") -> list[int]:
        """The ids of the processes that did the deed; one that stood still and went on is not among them."""
        found = [*self.folder.glob(f"{point}.{where}.killed.*"), *self.folder.glob(f"{point}.{where}.held.*")]
        return [int(file.suffix[1:]) for file in found]

    def release(self, point: Point, where: object = "any", *, pid: int | str = "*") -> None:
        """Let the thread that stands still at the point go on; of several processes, the one named."""
        for file in self.folder.glob(f"{point}.{where}.held.{pid}"):
            file.unlink()


def at(point: Point, *wheres: object) -> None:
    """The worker's side: pass a point."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        return
    for where in (*wheres, "any"):
        stem = Path(folder) / f"{point}.{where}"
        if _claimed(stem, "kill", "killed"):
            os.kill(os.getpid(), signal.SIGKILL)
        if standing := _claimed(stem, "hold", "held"):
            while standing.exists():
                threading.Event().wait(0.02)


def _claimed(stem: Path, deed: str, done: str) -> Path | None:
    mine = stem.with_name(f"{stem.name}.{done}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        stem.with_name(f"{stem.name}.{deed}").rename(mine)
        return mine
    return None


class FaultyJournal:
    """A journal whose writes can be cut off before and after.

    Under LONGHAUL_TEST_LOST_ANSWERS no answer ever arrives: everything is written, and then written again unchanged,
    as a journal does whose connection broke during the commit.
    """

    def __init__(self, inner: Journal) -> None:
        self._inner = inner
        self._deaf = "LONGHAUL_TEST_LOST_ANSWERS" in os.environ

    def write(
        self, run_id: UUID, statements: Sequence[Statement], *, until: float, asynchronous: bool = False
    ) -> list[Rows]:
        # A model call keeps its messages before its intent, and counts its tokens before its result.
        known = [found for found in map(_kind, statements) if found[0] != "reading"]
        kind, where = known[0] if known else ("reading", "any")
        at(f"before_{kind}", where, f"{run_id}.{where}")  # type: ignore[arg-type]
        rows = self._inner.write(run_id, statements, until=until, asynchronous=asynchronous)
        if self._deaf:
            rows = self._inner.write(run_id, statements, until=until, asynchronous=asynchronous)
        at(f"after_{kind}", where, f"{run_id}.{where}")  # type: ignore[arg-type]
        return rows

    def transact(self, work: Callable[[Connection], T], *, until: float) -> T:
        where = work.__qualname__.split(".")[0]
        at("before_transaction", where)
        result = self._inner.transact(work, until=until)
        if self._deaf:
            result = self._inner.transact(work, until=until)
        at("after_transaction", where)
        return result

    def close(self) -> None:
        self._inner.close()


def _kind(statement: Statement) -> tuple[str, object]:
    """Which write of the protocol a statement is, and where in the workflow."""
    text, params = statement
    if text == steps._LEASE:
        return "lease", params["step_seq"]
    if text in INTENTS:
        return "intent", params["call_seq"]
    if text == steps._RESULT:
        return "result", params["call_seq"]
    if text == budgets._SETTLE:  # comes before the result, in its commit
        return "result", params["call_seq"]
    if text.startswith((moves._ALONE, moves._LEASED)):
        return "move", params["from_state"]
    return "reading", "any"


class FaultyTool:
    """A tool whose worker can die right before or right after it acted."""

    def __init__(self, inner: ToolCode) -> None:
        self._inner = inner

    def __call__(self, key: str, params: Mapping[str, Any]) -> Any:
        call_seq = key.rsplit("-", 2)[1]
        at("before_act", call_seq, params.get("purpose"))
        answer = self._inner(key, params)
        at("after_act", call_seq, params.get("purpose"))
        return answer

    def reconcile(self, key: str, params: Mapping[str, Any]) -> Any | None:
        return self._inner.reconcile(key, params)  # type: ignore[attr-defined]


class FaultyDispatcher:
    """A dispatcher whose process can die with the bell in its hand."""

    def __init__(self, inner: Dispatcher) -> None:
        self._inner = inner

    def ring(self, bells: Iterable[Bell]) -> int:
        bells = list(bells)
        states = [bell.state for bell in bells]
        at("before_bell", *states)
        rung = self._inner.ring(bells)
        at("after_bell", *states)
        return rung

    def lying(self, queue: str) -> int:
        return lying(self._inner, queue)


def set_clock() -> None:
    """Give this process the wrong time: LONGHAUL_TEST_CLOCK_AHEAD seconds ahead of everybody else."""
    if ahead := float(os.environ.get("LONGHAUL_TEST_CLOCK_AHEAD", "0")):
        wrong = datetime.now(UTC) + timedelta(seconds=ahead)
        time_machine.travel(wrong, tick=True).start()


_MORE_TOOLS: dict[str, ToolCode] = {}


def install(more_tools: Mapping[str, ToolCode]) -> None:
    """Let every runtime of this process work with the faulty wrappers, once, and with all tools that tests install."""
    installed = bool(_MORE_TOOLS)
    _MORE_TOOLS.update(more_tools)
    if installed:
        return
    make = Runtime.__init__

    def make_faulty(self: Runtime, *args: Any, **named: Any) -> None:
        make(self, *args, **named)
        self.journal = FaultyJournal(self.journal)
        self.tools = {name: FaultyTool(code) for name, code in {**self.tools, **_MORE_TOOLS}.items()}
        self.dispatcher = FaultyDispatcher(self.dispatcher)

    beat = Liveness._beat

    def beat_faultily(self: Liveness, *args: Any) -> None:
        at("in_liveness")
        beat(self, *args)

    Runtime.__init__ = make_faulty  # type: ignore[method-assign]
    Liveness._beat = beat_faultily  # type: ignore[method-assign,assignment]
