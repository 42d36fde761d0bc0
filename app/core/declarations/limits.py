"""What a downstream can bear, as data, and how a run that is held up by it says so.

The law: a downstream that no limit names is called freely, at no cost. `held_up` and `held_up_by` are each other's inverse:
the sentence on a waiting run says which limit it waits for, to people and to us.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from app.core.errors import BadInput, InvalidDefinition, misfits
from app.core.values.durations import seconds

VARIABLE = "LONGHAUL_DOWNSTREAMS"
EXAMPLE = (
    '{"payments": {"rate": "20/s", "burst": 5, "concurrency": 8, "failures": 5, "window": "30s", "cooldown": "10s"}}'
)
RATE, CONCURRENCY = "rate", "concurrency"
_HELD_UP = {
    "broken": "is not called while its breaker is open, because it kept failing",
    "probed": "is being tried by one call since it kept failing",
    "asked for patience": "asked every caller for patience",
    RATE: "is called as often as it allows",
    CONCURRENCY: "has as many calls under way as it allows",
}
_RATE = re.compile(r"(\d+(?:\.\d+)?)/s")


def _per_second(value: Any) -> Any:
    """20 for "20/s"."""
    if not isinstance(value, str):
        return value
    found = _RATE.fullmatch(value)
    if found is None:
        raise ValueError(f'{value!r} is no rate; write it like "20/s"')
    return float(found[1])


def _seconds(value: Any) -> Any:
    """30 for "30s"."""
    try:
        return seconds(value) if isinstance(value, str) else value
    except InvalidDefinition as problem:
        raise ValueError(str(problem)) from None


_Count = Annotated[int, Field(gt=0, strict=True)]
_Rate = Annotated[float, BeforeValidator(_per_second), Field(gt=0, allow_inf_nan=False)]
_Seconds = Annotated[float, BeforeValidator(_seconds), Field(gt=0, allow_inf_nan=False)]


class Limit(BaseModel):
    """The limits of one downstream, for all workers together.

    rate: calls per second; burst: how many may go at once after a rest. concurrency: calls under way at a time.
    failures: this many within `window` seconds, at least half of all calls, open the breaker; after `cooldown` seconds
    one call probes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, exclude=True)
    rate: _Rate | None = None
    burst: _Count = 1
    concurrency: _Count | None = None
    failures: _Count = 5
    window: _Seconds = 30.0
    cooldown: _Seconds = 10.0


def limits(table: Mapping[str, Any]) -> dict[str, Limit]:
    """The limits a table states, by downstream, each written as in EXAMPLE. Raises BadInput naming what cannot be read."""
    return {name: given if isinstance(given, Limit) else _limit(name, given) for name, given in table.items()}


def _limit(name: str, given: Any) -> Limit:
    if not isinstance(given, Mapping) or "name" in given:
        raise BadInput(f"{VARIABLE}: {name!r}: {given!r} is no table of limits; write it like {EXAMPLE}")
    try:
        return Limit.model_validate({**given, "name": name})
    except ValidationError as problem:
        wrong = misfits(problem, what="all of it")
        raise BadInput(f"{VARIABLE}: {name!r}: {wrong}; write it like {EXAMPLE}") from None


def held_up(downstream: str, why: str) -> str:
    """The sentence of a run that waits because `downstream` may not be called now: `why` as `take_permit` has it."""
    return f"{downstream} {_HELD_UP[why]}"


def held_up_by(sentence: str | None) -> tuple[str, str] | None:
    """The downstream and the limit of it (RATE or CONCURRENCY) that a waiting run's sentence names; None if it names no limit."""
    for why in (RATE, CONCURRENCY):
        downstream, found, rest = (sentence or "").rpartition(f" {_HELD_UP[why]}")
        if found and not rest:
            return downstream, why
    return None


def told(why: str, *, rate: float | None, concurrency: int | None) -> str:
    """A limit in words: "20 a second", or "8 calls at once"."""
    if why == RATE and rate is not None:
        return f"{rate:g} a second"
    return f"{concurrency} {'call' if concurrency == 1 else 'calls'} at once"
