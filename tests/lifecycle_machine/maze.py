"""The maze: a workflow through which a run may take any way, and what one attempt at a step of it does.

A step function here does what its `Attempt` says: the calls of the state's plan, each answered as drawn, then an ending.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from pydantic import BaseModel

from app.core.declarations.tools import Tool
from app.core.errors import NeedsPerson, SchemaFailure, Suspended, Throttled, Transient, Unrecoverable
from app.core.retry import RetryPolicy
from app.core.workflow import Children, ChildRun, Human, Proposal, Request, Step, Timer, Wait, Workflow

DAY = 86400.0
HOUR = 3600.0
CALL_SECONDS = 30.0  # a tool's time-out where none is named
SETTLE_SECONDS = 5.0
STEP_SECONDS = 300.0
KEY_SECONDS = DAY
TRIES = 2
BACKOFF_SECONDS = 1800.0  # of the only try that is left after the first, with a draw of one half
PATIENCE_SECONDS = 1800.0  # what the downstream asks for when it throttles
GIVE_UP_SECONDS = 6 * HOUR
LISTEN_SECONDS, REST_SECONDS, ASK_SECONDS, SPLIT_SECONDS, REPLY_SECONDS = 14 * DAY, HOUR, 30 * DAY, 60 * DAY, 7 * DAY

TOOLS = {
    "read": Tool("maze.read", reads_only=True),
    "send": Tool("maze.send", idempotent_for="24h"),
    "probe": Tool("maze.probe", reconciles=True),
    "post": Tool("maze.post", ask_a_person=True),
    "pay": Tool("maze.pay", idempotent_for="24h", irreversible=True),
}
HONOURS_KEYS = frozenset({"send", "pay"})


class Luggage(BaseModel):
    """What a run carries: a mark for each step that ended."""

    trail: list[str] = []


class Form(BaseModel):
    """What a person is asked."""

    comment: str = ""


class Player(Protocol):
    """Whoever decides what the step functions do; the machine."""

    def play(self, step: Any, data: Luggage) -> str: ...

    def number_of_children(self, step: Any) -> int: ...

    def step_seq(self, step: Any) -> int: ...


@dataclass
class Stage:
    """Where the step functions find the player of the example that runs."""

    player: list[Player] = field(default_factory=list)


STAGE = Stage()


def _play(step: Any, data: Luggage) -> str:
    return STAGE.player[-1].play(step, data)


def _split(step: Any, data: Luggage) -> Sequence[ChildRun]:
    player = STAGE.player[-1]
    seq = player.step_seq(step)
    return [
        ChildRun(workflow="twig", subject=f"{step.subject}/{seq}.{n}", data=Luggage())
        for n in range(player.number_of_children(step))
    ]


def _ask(step: Any, data: Luggage) -> Request:
    return Request(title="Well?", note="A plain question.")


def purpose(step_seq: int) -> str:
    """What an approval given in this step allows; another step's is another effect."""
    return f"payment {step_seq}"


def _propose(step: Any, data: Luggage) -> Request:
    wanted = purpose(STAGE.player[-1].step_seq(step))
    offer = Proposal(
        purpose=wanted, payee="Ada Ferncastle", amount=Decimal("10.00"), currency="USD", coverage="collision"
    )
    return Request(title="Pay?", note="Ten dollars.", proposals=[offer], approves={"pay": [wanted]})


_RETRY = RetryPolicy(attempts=TRIES, base_seconds=HOUR, cap_seconds=HOUR, give_up_seconds=GIVE_UP_SECONDS)
_WAYS = {
    "listen": "LISTENING",
    "rest": "RESTING",
    "ask": "ASKING",
    "split": "SPLITTING",
    "approve": "APPROVING",
    "more": "WORKING",
    "done": "COMPLETE",
    "lost": "FAILED",
}
MAZE = Workflow(
    name="maze",
    version=1,
    data=Luggage,
    starts_at="WORKING",
    states=[
        Step("WORKING", does=_play, retry=_RETRY, then=_WAYS),
        Wait("LISTENING", event="word", expires="14d", then={"word": "WORKING", "expired": "RESTING"}),
        Timer("RESTING", lasts="1h", then={"due": "WORKING"}),
        Human(
            "ASKING",
            form=Form,
            role="adjuster",
            asks=_ask,
            expires="30d",
            then={"yes": "WORKING", "no": "RESTING", "expired": "LISTENING"},
        ),
        Children("SPLITTING", starts=_split, expires="60d", then={"ended": "WORKING", "expired": "RESTING"}),
        Human("APPROVING", form=Form, role="adjuster", asks=_propose, then={"pay": "SETTLING", "leave": "WORKING"}),
        Step("SETTLING", does=_play, retry=_RETRY, then={"more": "WORKING", "done": "COMPLETE", "lost": "FAILED"}),
    ],
)
TWIG = Workflow(
    name="twig",
    version=1,
    data=Luggage,
    starts_at="WORKING",
    states=[
        Step(
            "WORKING",
            does=_play,
            retry=_RETRY,
            then={way: _WAYS[way] for way in ("listen", "rest", "more", "done", "lost")},
        ),
        Wait("LISTENING", event="word", expires="14d", then={"word": "WORKING", "expired": "RESTING"}),
        Timer("RESTING", lasts="1h", then={"due": "WORKING"}),
    ],
)

# What each state's outcomes lead to, said once more for the model; an ending in small letters leads nowhere.
ROUTES: dict[tuple[str, str], dict[str, str]] = {
    ("maze", "WORKING"): _WAYS,
    ("twig", "WORKING"): {way: _WAYS[way] for way in ("listen", "rest", "more", "done", "lost")},
    ("maze", "SETTLING"): {"more": "WORKING", "done": "COMPLETE", "lost": "FAILED"},
} | {
    (workflow, state): ways
    for workflow in ("maze", "twig")
    for state, ways in {
        "LISTENING": {"word": "WORKING", "expired": "RESTING"},
        "RESTING": {"due": "WORKING"},
        "ASKING": {"yes": "WORKING", "no": "RESTING", "expired": "LISTENING"},
        "SPLITTING": {"ended": "WORKING", "expired": "RESTING"},
        "APPROVING": {"pay": "SETTLING", "leave": "WORKING"},
    }.items()
}
WORK = frozenset({"WORKING", "SETTLING"})
TROUBLES = ("transient", "schema", "hopeless", "odd", "unsure", "throttled", "suspend", "suspend for a while")


def raise_trouble(name: str) -> str:
    """The ending of an attempt that comes to no outcome; "odd" is an outcome nobody declared."""
    match name:
        case "transient":
            raise Transient("the map was torn")
        case "schema":
            raise SchemaFailure("the map was upside down")
        case "hopeless":
            raise Unrecoverable("there is no way out")
        case "unsure":
            raise NeedsPerson("two doors", "they look the same")
        case "throttled":
            raise Throttled("the doorman asks for patience", retry_after_seconds=PATIENCE_SECONDS)
        case "suspend":
            raise Suspended("reply", reason="waits for a reply")
        case "suspend for a while":
            raise Suspended("reply", reason="waits for a reply", expires_seconds=REPLY_SECONDS)
    return name
