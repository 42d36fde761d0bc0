"""Whether the kept history of a run is the one that was written: the hash chain, recomputed here and not by SQL.

The law: a link covers every column of its transition but three, and those are checked otherwise: the texts through
their salted digests, `attempt` through the rule by which it counts. `move_id` is the writer's token and no part of
history. The head of the chain stands in `runs`; outputs are bound by their hashes, those of steps to the chain itself.
What else the chain vouches for of the journal's rows is in `verify_journal`; the run's data must be what the journal left.
Erasing takes texts, payloads and salts of the whole run: the links still hold, and what cannot be checked is counted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from app.core.canonical import canonical, digest, restore
from app.core.errors import NotFound
from app.core.lifecycle import ENDED, EventKind
from app.core.statuses import CheckpointStatus
from app.store.database import Connection
from app.store.reads.history import stood_at
from app.store.records.erasure import is_erased
from app.store.records.verify_journal import COMPLETES_STEP, first_wrong

Row = Mapping[str, Any]

_NO_TEXT = digest("")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COUNTS_ANEW = frozenset({EventKind.STARTED, EventKind.RETRIED, EventKind.REDRIVEN})


@dataclass(frozen=True, slots=True)
class Broken:
    """The first thing that does not hold: where (`transition 7`, `checkpoint 3.1`) and what is wrong."""

    where: str
    what: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What was checked. `erased`: transitions whose text and payload hash were erased with the run's data."""

    run_id: UUID
    transitions: int
    checkpoints: int
    erased: int
    head: str
    broken: Broken | None

    @property
    def holds(self) -> bool:
        return self.broken is None


class _Problem(Exception):
    """The walk stops at the first thing that does not hold."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(where, what)
        self.broken = Broken(where, what)


def verify(db: Connection, run_id: UUID) -> Verdict:
    """Check a run against one consistent sight of its rows. Raises NotFound.

    `db` must be at the start of its transaction: everything is read as of one moment, however the run moves.
    """
    db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
    run = db.execute(
        "SELECT r.*, d.data FROM runs r LEFT JOIN run_data d ON d.run_id = r.id WHERE r.id = %s", [run_id]
    ).fetchone()
    if run is None:
        raise NotFound(f"there is no run {run_id}")
    moves = db.execute("SELECT * FROM transitions WHERE run_id = %s ORDER BY seq", [run_id]).fetchall()
    places = db.execute("SELECT * FROM checkpoints WHERE run_id = %s ORDER BY step_seq, call_seq", [run_id]).fetchall()
    gone = is_erased(run["data"])
    broken = (
        first_broken(run, moves, places, erased=gone)
        or _broken_blob(db, places)
        or (_broken_data(db, run, moves) if not gone else None)
    )
    return Verdict(
        run_id=run_id,
        transitions=len(moves),
        checkpoints=len(places),
        erased=sum(_had_text(move) and move["salt"] is None for move in moves) if gone else 0,
        head=bytes(run["transition_hash"]).hex(),
        broken=broken,
    )


def first_broken(run: Row, moves: Sequence[Row], places: Sequence[Row], *, erased: bool) -> Broken | None:
    """The first thing that does not hold of a run's rows, in the order of history. Pure."""
    try:
        _check_chain(run, moves, {(row["step_seq"], row["call_seq"]): row for row in places}, erased=erased)
        for place in places:
            _check_output(place, erased=erased)
    except _Problem as problem:
        return problem.broken
    wrong = first_wrong(run, moves, places)
    return Broken(*wrong) if wrong else None


def link(previous: bytes, move: Row) -> bytes:
    """The hash of a transition, given the one before it (empty for the first)."""
    fields = [
        str(move["run_id"]),
        str(move["seq"]),
        move["event"],
        move["from_state"] or "",
        move["from_status"] or "",
        move["to_state"],
        move["to_status"],
        str(move["step_seq"]),
        move["actor"],
        _epoch(move["created_at"]),
        move["reason_digest"],
        move["payload_digest"],
    ]
    return hashlib.sha256(previous + "|".join(fields).encode()).digest()


def _epoch(at: datetime) -> str:
    """Seconds since 1970 with six decimals, as Postgres prints `extract(epoch from …)`."""
    micros = (at - _EPOCH) // timedelta(microseconds=1)
    sign, micros = ("-", -micros) if micros < 0 else ("", micros)
    return f"{sign}{micros // 1_000_000}.{micros % 1_000_000:06d}"


def _check_chain(run: Row, moves: Sequence[Row], places: Mapping[tuple[int, int], Row], *, erased: bool) -> None:
    head, before = b"", None
    for number, move in enumerate(moves, start=1):
        where = f"transition {number}"
        if move["seq"] != number:
            raise _Problem(where, f"it is missing; the next one there is has the number {move['seq']}")
        head = link(head, move)
        if bytes(move["hash"]) != head:
            raise _Problem(where, "its hash does not follow from the one before it and its own columns")
        _check_text(where, move, erased=erased)
        _check_attempt(where, before, move)
        if move["payload_hash"] is not None:
            _check_payload(where, before, move, places)
        before = move
    if before is None:
        raise _Problem("transition 1", "it is missing; the run has no history at all")
    if (run["transition_seq"], bytes(run["transition_hash"])) != (before["seq"], head):
        raise _Problem(
            "the run's row", f"its head is not transition {before['seq']}: the end of the history was cut or replaced"
        )
    ended = before["created_at"] if before["to_status"] in ENDED else None
    for column, said in (
        ("state", before["to_state"]),
        ("status", before["to_status"]),
        ("step_seq", before["step_seq"]),
        ("attempt", before["attempt"]),
        ("created_at", moves[0]["created_at"]),
        ("finished_at", ended),
    ):
        if run[column] != said:
            raise _Problem("the run's row", f"its {column} is {run[column]!r}, but by the history it is {said!r}")


def _had_text(move: Row) -> bool:
    """Whether digests were made with a salt; those of a lease, which says nothing, are made of nothing."""
    return (move["reason_digest"], move["payload_digest"]) != (_NO_TEXT, _NO_TEXT)


def _check_text(where: str, move: Row, *, erased: bool) -> None:
    salt, reason, payload = move["salt"], move["reason"], move["payload_hash"]
    if salt is None:
        if reason is not None or payload is not None:
            raise _Problem(where, "it has a reason or a payload hash, but no salt to check them with")
        if _had_text(move) and not erased:
            raise _Problem(where, "its text is gone, but the run was not erased")
        return
    if digest(salt + (reason or "")) != move["reason_digest"]:
        raise _Problem(where, "its reason is not the one that was written")
    if digest(salt + (payload or "")) != move["payload_digest"]:
        raise _Problem(where, "its payload hash is not the one that was written")


def _check_attempt(where: str, before: Row | None, move: Row) -> None:
    """A state is entered at attempt 1, a failed attempt makes it one more, an operator's retry counts anew."""
    expected = 1
    if before is not None and move["event"] not in _COUNTS_ANEW and move["step_seq"] == before["step_seq"]:
        parked = move["event"] == EventKind.FAILED_ATTEMPT
        expected = before["attempt"] + (1 if parked else 0)
    if move["attempt"] != expected:
        raise _Problem(where, f"its attempt is {move['attempt']}, but by the rule it is {expected}")


def _check_payload(where: str, before: Row | None, move: Row, places: Mapping[tuple[int, int], Row]) -> None:
    """A transition that completes a step carries its output's hash; one that only enters a state, that of its cause."""
    if before is None:
        place, of_cause = (0, 0), False
    elif move["event"] in COMPLETES_STEP:
        place, of_cause = (before["step_seq"], 0), False
    elif move["step_seq"] > before["step_seq"]:
        place, of_cause = (move["step_seq"], 0), True
    else:
        return
    row = places.get(place)
    if row is None:
        raise _Problem(where, f"the checkpoint {place[0]}.{place[1]} it belongs to is missing")
    cause = (row["input"] or {}).get("cause")
    if move["payload_hash"] != (digest(canonical(restore(cause))) if of_cause else row["output_hash"]):
        raise _Problem(f"checkpoint {place[0]}.{place[1]}", f"it is not what {where} was made with")


def _check_output(row: Row, *, erased: bool) -> None:
    where = f"checkpoint {row['step_seq']}.{row['call_seq']}"
    if row["output_hash"] is None:
        if row["output"] is not None or (row["status"] == CheckpointStatus.COMPLETE and not erased):
            raise _Problem(where, f"the output of {row['name']} has no hash to check it with")
        return
    if digest(canonical(restore(row["output"]))) != row["output_hash"]:
        raise _Problem(where, f"the output of {row['name']} is not the one that was recorded")


def _broken_blob(db: Connection, places: Sequence[Row]) -> Broken | None:
    """Outputs kept by reference: what lies there must still have the hash it is called by."""
    for row in places:
        if isinstance(row["output"], dict) and (sha256 := row["output"].get("$blob")):
            found = db.execute("SELECT content FROM blobs WHERE sha256 = %s", [sha256]).fetchone()
            if found is None or hashlib.sha256(bytes(found["content"])).hexdigest() != sha256:
                where = f"checkpoint {row['step_seq']}.{row['call_seq']}"
                return Broken(where, f"the content {sha256} its output refers to is missing or changed")
    return None


def _broken_data(db: Connection, run: Row, moves: Sequence[Row]) -> Broken | None:
    """The data a run goes on with are those its journal ends with."""
    moment = stood_at(db, run["id"], moves[-1]["created_at"])
    if moment is not None and canonical(moment.data) == canonical(restore(run["data"])):
        return None
    return Broken("the run's data", "they are not those that its last step, or the last correction, left")
