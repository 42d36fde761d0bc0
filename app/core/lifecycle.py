"""The lifecycle: THE table of how any run may move, and the sets of statuses that all other code goes by.

Three laws. A pair (status, event) that is not listed is refused and leaves the run as it was. A cancel that was accepted
ends the run at its next move. The table does not know which workflow it serves: which state follows which outcome is
the workflow's own affair. Elsewhere a status is named alone, or by a set of this file: no second list of some of
them, in texts of SQL neither (`app.store.rows.literals`; `tests/test_statuses.py`).

How to read it. A run is READY (somebody may take it), RUNNING (one worker holds its lease), waiting (with a reason
and a wake-up condition), SUSPECTED_DEAD (its worker is gone; the next moment it is READY again), stopped until a
person decides (FAILED_RETRIABLE, DEAD_LETTER, PAUSED), or ended. The diagrams of the documentation are drawn from
`TABLE` by `app.core.diagram`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Status(StrEnum):
    """Where a run stands for the engine."""

    READY = "READY"
    RUNNING = "RUNNING"
    WAITING_FOR_HUMAN = "WAITING_FOR_HUMAN"
    WAITING_FOR_EVENT = "WAITING_FOR_EVENT"
    WAITING_FOR_TIMER = "WAITING_FOR_TIMER"
    WAITING_FOR_CHILDREN = "WAITING_FOR_CHILDREN"
    SUSPECTED_DEAD = "SUSPECTED_DEAD"
    FAILED_RETRIABLE = "FAILED_RETRIABLE"
    DEAD_LETTER = "DEAD_LETTER"
    PAUSED = "PAUSED"
    COMPLETE = "COMPLETE"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class EventKind(StrEnum):
    """What may happen to a run."""

    STARTED = "started"
    LEASE_TAKEN = "lease taken"
    HANDED_BACK = "lease handed back"
    STEP_FINISHED = "step finished"
    WAITS_FOR_HUMAN = "step asks a person"
    # For a signal. The words stay: the history of runs and its hash chain have them.
    WAITS_FOR_EVENT = "step waits for an event"
    WAITS_FOR_TIMER = "step waits for a time"
    WAITS_FOR_CHILDREN = "step waits for children"
    SUSPENDED = "step suspended"
    ANSWERED = "person answered"
    SIGNALLED = "signals came"
    TIMER_DUE = "timer due"
    CHILDREN_ENDED = "children ended"
    EXPIRED = "wait expired"
    FAILED_ATTEMPT = "attempt failed"
    EXHAUSTED = "no attempts left"
    THROTTLED = "downstream throttled"
    TOO_EARLY = "outcome too early to judge"
    NEEDS_PERSON = "needs a person"
    UNRECOVERABLE = "unrecoverable error"
    LOST = "worker lost"
    REASSIGNED = "reassigned"
    CRASHED_OUT = "crashed alone too often"
    RETRIED = "retried"
    REDRIVEN = "redriven"
    FAILED_BY_OPERATOR = "failed by an operator"
    PAUSED = "paused"
    RESUMED = "resumed"
    CANCELLED = "cancelled"
    ENDED = "ended"


class SpentAs(StrEnum):
    """What a run's time counts as, in sums and on the bars of its page."""

    QUEUE = "queue"
    RUNNING = "running"
    PERSON = "person"
    SIGNAL = "signal"
    CHILDREN = "children"
    BACKOFF = "backoff"
    STOPPED = "stopped"


S, E = Status, EventKind

ENDED: frozenset[Status] = frozenset({S.COMPLETE, S.FAILED, S.CANCELLED})
"""For good: no event moves the run."""
WAITING: frozenset[Status] = frozenset(
    {S.WAITING_FOR_HUMAN, S.WAITING_FOR_EVENT, S.WAITING_FOR_TIMER, S.WAITING_FOR_CHILDREN}
)
"""It holds no worker, and what it waits for makes it go on."""
STOPPED: frozenset[Status] = frozenset({S.FAILED_RETRIABLE, S.DEAD_LETTER})
"""Something went wrong: a triage task and an alert may be opened with the move that leads here, and a dead letter's row."""
HAS_TASK: frozenset[Status] = frozenset({S.WAITING_FOR_HUMAN}) | STOPPED
"""A person's task may be opened with the move that leads here."""
AT_REST: frozenset[Status] = STOPPED | {S.PAUSED}
"""Nobody works on it, and it goes on when an operator says so."""
HELD: frozenset[Status] = frozenset({S.RUNNING, S.SUSPECTED_DEAD})
"""Its row names the worker that holds it, or held it until a moment ago."""
WAKES: frozenset[Status] = WAITING | {S.FAILED_RETRIABLE}
"""The timers sweep looks for its `wake_at` and `expires_at`."""

SPENT_AS: Mapping[Status, SpentAs] = {
    S.READY: SpentAs.QUEUE,
    S.SUSPECTED_DEAD: SpentAs.QUEUE,
    S.RUNNING: SpentAs.RUNNING,
    S.WAITING_FOR_HUMAN: SpentAs.PERSON,
    S.WAITING_FOR_EVENT: SpentAs.SIGNAL,
    S.WAITING_FOR_CHILDREN: SpentAs.CHILDREN,
    S.WAITING_FOR_TIMER: SpentAs.BACKOFF,
    **dict.fromkeys(sorted(AT_REST), SpentAs.STOPPED),
}
"""Every status but the endings: no time passes in those."""
WAITS_FOR_OTHERS: frozenset[Status] = frozenset(
    {status for status, spent in SPENT_AS.items() if spent in (SpentAs.PERSON, SpentAs.SIGNAL)}
)
"""People and signals are waited for: no part of how long the run was expected to take."""

# Where a run that would become READY goes instead, when somebody asked for it meanwhile.
_READY = frozenset({S.READY, S.PAUSED})
# The two moves that an accepted cancel lets pass: a worker takes a run, or is lost with it. Every other one ends it.
PAST_A_CANCEL: frozenset[EventKind] = frozenset({E.LEASE_TAKEN, E.LOST})

_MOVES: Mapping[tuple[Status, EventKind], frozenset[Status]] = {
    (S.READY, E.LEASE_TAKEN): frozenset({S.RUNNING}),
    (S.READY, E.PAUSED): frozenset({S.PAUSED}),
    (S.RUNNING, E.HANDED_BACK): _READY,
    (S.RUNNING, E.STEP_FINISHED): _READY,
    (S.RUNNING, E.ENDED): frozenset({S.COMPLETE, S.FAILED}),
    # A waiting step whose signal is already there goes straight on.
    (S.RUNNING, E.WAITS_FOR_HUMAN): frozenset({S.WAITING_FOR_HUMAN}),
    (S.RUNNING, E.WAITS_FOR_EVENT): frozenset({S.WAITING_FOR_EVENT}) | _READY,
    (S.RUNNING, E.WAITS_FOR_TIMER): frozenset({S.WAITING_FOR_TIMER}),
    (S.RUNNING, E.WAITS_FOR_CHILDREN): frozenset({S.WAITING_FOR_CHILDREN}) | _READY,
    # In the middle of its work: the same step goes on when its signal comes.
    (S.RUNNING, E.SUSPENDED): frozenset({S.WAITING_FOR_EVENT}) | _READY,
    (S.RUNNING, E.FAILED_ATTEMPT): frozenset({S.WAITING_FOR_TIMER}),
    (S.RUNNING, E.THROTTLED): frozenset({S.WAITING_FOR_TIMER}),
    (S.RUNNING, E.TOO_EARLY): frozenset({S.WAITING_FOR_TIMER}),
    (S.RUNNING, E.EXHAUSTED): frozenset({S.FAILED_RETRIABLE}),
    (S.RUNNING, E.NEEDS_PERSON): frozenset({S.WAITING_FOR_HUMAN}),
    (S.RUNNING, E.UNRECOVERABLE): frozenset({S.DEAD_LETTER}),
    (S.RUNNING, E.LOST): frozenset({S.SUSPECTED_DEAD}),
    (S.SUSPECTED_DEAD, E.REASSIGNED): _READY,
    (S.SUSPECTED_DEAD, E.CRASHED_OUT): frozenset({S.DEAD_LETTER}),
    (S.WAITING_FOR_HUMAN, E.ANSWERED): _READY,
    (S.WAITING_FOR_HUMAN, E.EXPIRED): _READY,
    (S.WAITING_FOR_EVENT, E.SIGNALLED): _READY,
    (S.WAITING_FOR_EVENT, E.EXPIRED): _READY,
    (S.WAITING_FOR_TIMER, E.TIMER_DUE): _READY,
    (S.WAITING_FOR_CHILDREN, E.CHILDREN_ENDED): _READY,
    (S.WAITING_FOR_CHILDREN, E.EXPIRED): _READY,
    (S.FAILED_RETRIABLE, E.RETRIED): _READY,
    (S.FAILED_RETRIABLE, E.FAILED_BY_OPERATOR): frozenset({S.FAILED}),
    (S.DEAD_LETTER, E.REDRIVEN): _READY,
    (S.DEAD_LETTER, E.FAILED_BY_OPERATOR): frozenset({S.FAILED}),
    (S.PAUSED, E.RESUMED): frozenset({S.READY}),
}

# A cancel is legal from every non-ending status; a RUNNING run is only asked, and goes at its step boundary: whatever the
# step comes to then, and by whatever else moves it.
TABLE: Mapping[tuple[Status, EventKind], frozenset[Status]] = MappingProxyType(
    {pair: to if pair[1] in PAST_A_CANCEL else to | {S.CANCELLED} for pair, to in _MOVES.items()}
    | {(status, E.CANCELLED): frozenset({S.CANCELLED}) for status in S if status not in ENDED | {S.RUNNING}}
)

PAUSES_LATER: frozenset[Status] = frozenset(
    {status for status in S if status not in ENDED | AT_REST and (status, E.PAUSED) not in TABLE}
)
"""Asked to pause, it pauses where it would next become READY."""


def allowed(status: Status, event: EventKind) -> frozenset[Status]:
    """The statuses `event` may lead to from `status`; empty if the move is illegal."""
    return TABLE.get((status, event), frozenset())
