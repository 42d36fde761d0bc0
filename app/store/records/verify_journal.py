"""Whether the journal's rows are those the chain of transitions vouches for: names, times, keys and hashes of checkpoints.

The law: pure, and only what every writer keeps to. A step's row says what its transitions say: the state, when it was
entered, when it was done. A call's row says under which key and on which input it was made. What no rule binds (cost,
tokens, latency, errors, a call changed together with its own hashes) is not checked here, nor claimed to be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any
from uuid import UUID

from app.core import ids
from app.core.canonical import canonical, digest, restore
from app.core.entered import carried
from app.core.lifecycle import EventKind
from app.core.statuses import CheckpointKind, CheckpointStatus

Row = Mapping[str, Any]
Wrong = tuple[str, str]  # the checkpoint, and what is wrong with it

COMPLETES_STEP = frozenset(
    {
        EventKind.STEP_FINISHED,
        EventKind.ENDED,
        EventKind.WAITS_FOR_HUMAN,
        EventKind.WAITS_FOR_EVENT,
        EventKind.WAITS_FOR_TIMER,
        EventKind.WAITS_FOR_CHILDREN,
    }
)


# What a call that was carried over has of the one it is a copy of: all but where and when it stands, and what it cost.
_TAKEN_OVER = (
    "step_name",
    "kind",
    "name",
    "status",
    "input_hash",
    "output_hash",
    "idempotency_key",
    "key_epoch",
    "action_id",
)


def first_wrong(run: Row, moves: Sequence[Row], places: Sequence[Row]) -> Wrong | None:
    """The first checkpoint that does not agree with the history, which must itself have been found to hold."""
    entered, completed, origin = _entered(moves), _completed(moves), _origin(run, places)
    standing = {(row["step_seq"], row["call_seq"]): row for row in places}
    for row in places:
        here = (row["step_seq"], row["call_seq"])
        for wrong in (
            _of_step(run, row, entered, completed, origin)
            if here[1] == 0
            else _of_call(run, row, entered, origin, standing)
        ):
            return f"checkpoint {here[0]}.{here[1]}", wrong
    return None


def _origin(run: Row, places: Sequence[Row]) -> Row | None:
    """What a fork was made from, as its start says, which the chain vouches for; None for another run, or if it was erased."""
    start = places[0]["output"] if places and run["forked_from"] is not None else None
    found: Row | None = start.get("forked") if isinstance(start, dict) else None
    return found


def _entered(moves: Sequence[Row]) -> dict[int, Row]:
    """By step number, the transition that entered it."""
    found: dict[int, Row] = {}
    for move in moves:
        found.setdefault(move["step_seq"], move)
    return found


def _completed(moves: Sequence[Row]) -> dict[int, tuple[Row, Row]]:
    """By step number, the transition that completed it and the one before."""
    return {before["step_seq"]: (move, before) for before, move in pairwise(moves) if move["event"] in COMPLETES_STEP}


def _of_step(
    run: Row, row: Row, entered: Mapping[int, Row], completed: Mapping[int, tuple[Row, Row]], origin: Row | None
) -> Iterator[str]:
    if row["step_seq"] == 0:
        began = entered[1]
        expected = {
            "kind": CheckpointKind.START,
            "step_name": "START",
            "name": run["workflow"],
            "status": CheckpointStatus.COMPLETE,
        }
        expected |= {"created_at": began["created_at"], "completed_at": began["created_at"]}
    else:
        move = entered.get(row["step_seq"])
        if move is None:
            yield "no transition entered it"
            return
        expected = {
            "kind": CheckpointKind.STEP,
            "step_name": move["to_state"],
            "name": ids.task_name(run["workflow"], move["to_state"]),
        }
        expected |= {"created_at": move["created_at"]}
        if row["step_seq"] in completed:
            done, before = completed[row["step_seq"]]
            expected |= {
                "status": CheckpointStatus.COMPLETE,
                "completed_at": done["created_at"],
                "attempt": before["attempt"],
            }
        elif row["status"] == CheckpointStatus.COMPLETE:
            yield "it is COMPLETE, but no transition completed it"
    if origin is not None and row["step_seq"] == 1 and digest(canonical(restore(row["input"]))) != origin["entered"]:
        yield "it was not entered as its fork was made"
    for column, value in expected.items():
        if row[column] != value:
            yield f"its {column} is {row[column]}, but by the history it is {value}"


def _of_call(
    run: Row, row: Row, entered: Mapping[int, Row], origin: Row | None, standing: Mapping[tuple[int, int], Row]
) -> Iterator[str]:
    move = entered.get(row["step_seq"])
    if move is None or row["step_name"] != move["to_state"]:
        yield f"it is a call of {row['step_name']}, but by the history this step is {move['to_state'] if move else 'none'}"
    if row["kind"] in (CheckpointKind.START, CheckpointKind.STEP):
        yield f"it is a call, and no {row['kind']}"
    if row["idempotency_key"] not in _keys(run, row, origin) and not _is_carried(row, standing):
        yield "its idempotency key is not the one of this call"
    if row["input_hash"] is not None and digest(canonical(restore(row["input"]))) != row["input_hash"]:
        yield f"the input of {row['name']} is not the one that was recorded"
    if row["input_hash"] is None and row["input"] is not None:
        yield f"the input of {row['name']} has no hash to check it with"
    if (
        row["status"] != CheckpointStatus.COMPLETE
        and row["kind"] != CheckpointKind.MODEL
        and row["output_hash"] is not None
    ):
        yield f"it has an output, but is {row['status']}"  # of a model's call that failed the output is kept


def _keys(run: Row, row: Row, origin: Row | None) -> Iterator[str]:
    """Under which keys a call may have been made: its own, or in the first step of a fork that of the call it is a copy of."""
    yield ids.idempotency_key(row["run_id"], row["step_seq"], row["call_seq"], row["key_epoch"])
    before = origin if row["step_seq"] == 1 and row["status"] == CheckpointStatus.COMPLETE else None
    while before is not None:
        yield ids.idempotency_key(UUID(str(before["run_id"])), before["step_seq"], row["call_seq"], row["key_epoch"])
        before = before.get("before")
    if origin is None and run["forked_from"] is not None:  # erased, and with it from which step it was made
        yield row["idempotency_key"]


def _is_carried(row: Row, standing: Mapping[tuple[int, int], Row]) -> bool:
    """Whether a call is the one of the step before, taken over when a person's answer to a doubt entered its state anew."""
    step, of = standing.get((row["step_seq"], 0)), standing.get((row["step_seq"] - 1, row["call_seq"]))
    if step is None or of is None or row["status"] != CheckpointStatus.COMPLETE:
        return False
    through = (
        row["call_seq"] if step["input"] is None else carried(step["input"])
    )  # None: it was erased, and how far with it
    return row["call_seq"] <= through and all(row[name] == of[name] for name in _TAKEN_OVER)
