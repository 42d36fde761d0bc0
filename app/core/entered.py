"""What a state was entered with, as its step's row holds it (`input`).

The law: a state that a person's answer to a doubt entered anew has the cause and the signals it was entered with at first,
so that it makes the same calls; and their time too, if any of its calls were carried over. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

AGAIN = (
    "again"  # in the cause: that the state was entered anew, from which step, and how many of its calls are that one's
)


def first_entered(received: Mapping[str, Any]) -> dict[str, Any]:
    """The cause and signals a state was first entered with, and `now` where its calls keep another time than its own."""
    anew = received.get("cause", {}).get(AGAIN)
    source = anew["entered"] if anew else received
    entered = {name: source[name] for name in ("cause", "signals") if name in source}
    now = anew["now"] if anew and anew["through"] else received.get("now")
    return entered | ({"now": now} if now else {})


def carried(received: Mapping[str, Any]) -> int:
    """Up to which call the step's calls were carried over from the step before it."""
    through: int = received.get("cause", {}).get(AGAIN, {}).get("through", 0)
    return through


def since(received: Mapping[str, Any], step_seq: int) -> int:
    """The step with which the state was first entered: every later one up to this was an answer that entered it anew."""
    first: int = received.get("cause", {}).get(AGAIN, {}).get("since", step_seq)
    return first


def anew(received: Mapping[str, Any], *, step_seq: int, entered_at: str, through: int) -> dict[str, Any]:
    """What the cause says when the state of the step `step_seq` is entered anew with its calls up to `through`."""
    entered = first_entered(received)
    now = entered.pop("now", entered_at)
    return {
        "step_seq": step_seq,
        "since": since(received, step_seq),
        "through": through,
        "now": now,
        "entered": entered,
    }
