"""What is drawn for one attempt at a step, and the attempt while it is under way. Values only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from tests.lifecycle_machine.calls import Row
from tests.lifecycle_machine.model import Run
from tests.lifecycle_machine.world import Worker


class Killed(BaseException):
    """The worker's process is no more, from this very line on."""


class Broken(BaseException):
    """A check failed inside of a step; the engine would take an AssertionError for one more failure of the step's work."""


@contextmanager
def checked() -> Iterator[None]:
    """Whatever does not hold in here is no failure of the step, but of the product."""
    try:
        yield
    except AssertionError as problem:
        raise Broken(str(problem)) from problem


@dataclass(frozen=True, kw_only=True)
class Script:
    """What an attempt does. plan: the calls of a step that has none yet. answers: by call, what the other side does.

    deeds: what is done at its gate number `at`. doubled: the number of a write whose answer is lost, so that it is
    written again. strays: the number of a call that asks for something else than the journal holds; fewer: one call less.
    """

    plan: tuple[str, ...] = ()
    answers: tuple[str, ...] = ("well",)
    ending: str = "more"
    children: int = 1
    at: int = -1
    deeds: tuple[tuple[str, int], ...] = ()
    doubled: int = -1
    strays: int = 0
    fewer: bool = False


@dataclass(eq=False)
class Attempt:
    """An attempt under way. phase: whether its lease, its work or its settling comes next."""

    run: Run
    state: str
    step_seq: int
    worker: Worker
    script: Script
    phase: str = "lease"
    gates: int = 0
    writes: int = 0
    held: bool = False  # whether its lease stood at its last write
    settled: bool = False
    disturbed: bool = False
    in_call: bool = False
    leased_at: datetime | None = None
    begun_at: datetime | None = None  # when the intent of the call under way was last written
    coming: Callable[[], None] | None = None
    rows: dict[int, Row] = field(default_factory=dict)
