"""Values that no table likes, a tool that returns them, and a workflow that meets one at every place a value can be."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from app.core.declarations.tools import Tool
from app.core.retry import ONCE
from app.core.workflow import Human, Request, Step, Wait, Workflow
from tests.support import faults

FETCH = Tool("values.fetch", idempotent_for="24h", timeout="60s")
CALLS = "values.fetched"


def _deep(levels: int) -> Any:
    value: Any = "bottom"
    for _ in range(levels):
        value = [value]
    return value


def _cycle() -> Any:
    value: dict[str, Any] = {"name": "ouroboros"}
    value["tail"] = value
    return value


# What it is called -> how it is made. The first ones are JSON and must come back as they were.
HARMLESS: Mapping[str, Callable[[], Any]] = {
    "NUL bytes": lambda: "before\x00after",
    "a lone surrogate": lambda: "half of \ud83d",
    "our own escape character": lambda: "\ue0000000",
    "NUL in a key": lambda: {"k\x00ey": ["\x00"]},
    "numbers": lambda: [0.1, -1.5, 1e300, 2**63, 2**200, 0, True, None],
    "sixty levels": lambda: _deep(60),
    "many keys": lambda: {f"key {n}": n for n in range(5000)},
}
HOSTILE: Mapping[str, Callable[[], Any]] = {
    "not a number": lambda: float("nan"),
    "infinity": lambda: {"amount": float("inf")},
    "ten thousand levels": lambda: _deep(10_000),
    "ten thousand levels of objects": lambda: _objects(10_000),
    "a cycle": _cycle,
    "five thousand digits": lambda: 10**5000,
    "raw bytes": lambda: b"%PDF-\x00\xff\xfe",
    "no JSON at all": object,
    "keys that are numbers": lambda: {1: "one", None: "none"},
}
HUGE: Mapping[str, Callable[[], Any]] = {"fifty megabytes": lambda: "x" * 50_000_000}
ALL = {**HARMLESS, **HOSTILE, **HUGE}


def _objects(levels: int) -> Any:
    value: Any = {}
    for _ in range(levels):
        value = {"inner": value}
    return value


class UnusualValues:
    """A tool that returns what it is asked for, and writes down every time it does."""

    def __call__(self, key: str, params: Mapping[str, Any]) -> Any:
        with (Path(os.environ[faults.VARIABLE]).parent / CALLS).open("a") as calls:
            calls.write(f"{key}\n")
        return ALL[params["what"]]() if params["what"] in ALL else "fetched"


class Odd(BaseModel):
    """Where to meet what, and what was seen there."""

    place: str = ""
    what: str = ""
    value: Any = None
    seen: str = ""


def _meet(step: Any, data: Odd) -> str:
    made = ALL[data.what]
    match data.place:
        case "result of a call":
            data.seen = _shown(step.call(FETCH, what=data.what), made())
        case "result of kept work":
            data.seen = _shown(step.keep("odd", made), made())
        case "parameter of a call":
            data.seen = str(step.call(FETCH, what="nothing odd", value=made()))
        case "data of the run":
            data.value = made()
        case "outcome of a step":
            return made()  # type: ignore[no-any-return]
    return "met"


def _shown(got: Any, made: Any) -> str:
    """Whether a step was handed what had been returned, or what was kept of it."""
    if isinstance(got, dict) and "$unstorable" in got and got["$bytes"]:
        return "kept as bytes"
    if isinstance(got, dict) and got.keys() == {"$bytes"} and isinstance(made, bytes):
        return "kept as bytes"
    return "the same" if got == made else "something else"


def _look_again(step: Any, data: Odd) -> str:
    """The next step reads from the store what the one before it left there."""
    if data.place == "data of the run" and data.value != ALL[data.what]():
        data.seen = "something else"
    return "seen"


ODD = Workflow(
    name="odd",
    version=1,
    data=Odd,
    starts_at="MEETING",
    states=[
        Step("MEETING", does=_meet, retry=ONCE, then={"met": "LOOKING"}),
        Step("LOOKING", does=_look_again, retry=ONCE, then={"seen": "COMPLETE"}),
    ],
)


class Remark(BaseModel):
    """The form of the human task."""

    remark: str = ""


def _ask(step: Any, data: Odd) -> Request:
    return Request(title="A remark, please", note="Anything at all.")


def _heard(step: Any, data: Odd) -> str:
    data.value = [signal["payload"] for signal in step.signals]
    return "heard"


def _remarked(step: Any, data: Odd) -> str:
    data.seen = step.answer["values"]["remark"]
    return "remarked"


LISTENING = Workflow(
    name="listening",
    version=1,
    data=Odd,
    starts_at="LISTENING",
    states=[
        Wait("LISTENING", event="word", then={"word": "HEARING"}),
        Step("HEARING", does=_heard, retry=ONCE, then={"heard": "COMPLETE"}),
    ],
)
ASKING = Workflow(
    name="asking",
    version=1,
    data=Odd,
    starts_at="ASKING",
    states=[
        Human("ASKING", form=Remark, role="adjuster", asks=_ask, then={"answered": "NOTING"}),
        Step("NOTING", does=_remarked, retry=ONCE, then={"remarked": "COMPLETE"}),
    ],
)
