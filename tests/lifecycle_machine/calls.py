"""What a call comes to, said once more from section 6 of the design, and the other side that answers it.

The other side keeps a ledger of effects. Where it honours keys, a key it has seen within a day makes no second effect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.core.errors import (
    ApprovalMissing,
    Diverged,
    LeaseLost,
    NeedsPerson,
    NotDone,
    OutcomeUnknown,
    Suspended,
    Throttled,
    Unrecoverable,
)
from tests.lifecycle_machine.maze import (
    CALL_SECONDS,
    GIVE_UP_SECONDS,
    HONOURS_KEYS,
    KEY_SECONDS,
    PATIENCE_SECONDS,
    SETTLE_SECONDS,
)

Row = Mapping[str, Any]
OPEN = ("INTENT", "UNKNOWN")
ANSWERS = ("well", "no answer", "no trace", "slow", "not done", "refused", "throttled")


@dataclass
class Effect:
    """One effect: of which call of which plan, made by whom, when."""

    of: str
    run: UUID
    key: str
    tool: str
    at: datetime


@dataclass
class OtherSide:
    """Everything that was sent and what it did."""

    effects: list[Effect] = field(default_factory=list)
    on_their_way: list[Effect] = field(default_factory=list)

    def take(self, effect: Effect) -> None:
        """An effect happens, unless its key was seen within the time for which keys are honoured."""
        if effect.tool in HONOURS_KEYS and any(
            other.key == effect.key and (effect.at - other.at).total_seconds() <= KEY_SECONDS for other in self.effects
        ):
            return
        self.effects.append(effect)

    def send_slowly(self, effect: Effect) -> None:
        """It will happen when the call's time-out has passed."""
        effect.at += timedelta(seconds=CALL_SECONDS)
        self.on_their_way.append(effect)

    def arrive(self, now: datetime) -> None:
        """What was slow arrives."""
        for effect in [one for one in self.on_their_way if one.at <= now]:
            self.on_their_way.remove(effect)
            self.take(effect)

    def knows(self, key: str) -> bool:
        return any(effect.key == key for effect in self.effects)

    def will_know(self, key: str) -> bool:
        """What a person learns who looks it up patiently."""
        return self.knows(key) or any(effect.key == key for effect in self.on_their_way)


def word_of(problem: BaseException) -> str:
    """An error of a step's work as the word the model has for it."""
    match problem:
        case LeaseLost():
            return "lease lost"
        case Throttled():
            return "throttled"
        case NotDone():
            return "not done" if problem.retry else "refused"
        case OutcomeUnknown():
            return "for a person" if problem.retry_in_seconds is None else "unknown yet"
        case ApprovalMissing():
            return "not approved"
        case NeedsPerson():
            return "unsure"
        case Suspended():
            return "suspended"
        case Diverged():
            return "diverged"
        case Unrecoverable():
            return "refused"
    return "failed"


def comes_to(
    row: Row | None,
    tool: str,
    answer: str,
    *,
    same: bool,
    now: datetime,
    cancel: bool,
    known: bool,
) -> str:
    """What a call must come to. row: what the journal held of it when the lease was taken. same: it is the recorded call."""
    if row is not None and not same:
        return "diverged"
    if row is not None and row["status"] == "COMPLETE":
        return "answered"
    if tool == "read":
        return {"well": "answered", "not done": "not done", "refused": "refused", "throttled": "throttled"}.get(
            answer, "failed"
        )
    if row is None or row["status"] == "FAILED":
        return "lease lost" if tool == "pay" and cancel else _first(answer)
    if row["key_valid_until"] is not None and (row["key_valid_until"] - now).total_seconds() > CALL_SECONDS:
        return _repeated(answer)
    if tool != "probe":
        return "for a person"
    if known:
        return "answered"
    if (now - row["intent_at"]).total_seconds() > CALL_SECONDS + SETTLE_SECONDS:
        return _repeated(answer)
    return "unknown yet"


def is_open(row: Row) -> bool:
    """Whether a call may have had an effect that nobody knows of."""
    return row["status"] in OPEN and row["name"] != "maze.read"


def _first(answer: str) -> str:
    plain = {"well": "answered", "not done": "not done", "refused": "refused", "throttled": "throttled"}
    return plain.get(answer, "unknown yet")


def _repeated(answer: str) -> str:
    """A repetition that was refused says nothing of the first send: only a person can."""
    return "for a person" if answer == "refused" else _first(answer)


def patience_left(step: Row, rows: Sequence[Row], now: datetime) -> float:
    """Seconds until the step's `give_up` age: since its first open call was begun, or since it was first sent away."""
    if still_open := [row for row in rows if row["status"] != "COMPLETE"]:
        since = still_open[0]["created_at"]
    else:
        begun = max((row["intent_at"] for row in rows if row["intent_at"] is not None), default=None)
        times = [
            datetime.fromisoformat(error["at"]) for error in step["errors"] if error["error"].startswith("Throttled")
        ]
        since = min((at for at in times if begun is None or at > begun), default=now)
    return float(GIVE_UP_SECONDS - (now - since).total_seconds())


def pause_asked(left: float) -> float:
    """How long a throttled step is sent away: what was asked for, but no longer than its patience lasts."""
    return min(PATIENCE_SECONDS, left)
