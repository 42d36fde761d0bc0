"""What must hold whatever was done to the processes: judged once, here, for every fault.

Nothing is lost when each of these holds: every accepted run came to its end, at each look it was in one legal place;
no attempt was spent and no crash counted that was the fault's doing; each payment was made exactly once; the history
verifies; and no worker sent what it was not vouched for.
"""

from __future__ import annotations

import bisect
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from app.core.errors import NotFound
from app.core.lifecycle import EventKind
from app.store.database import connect
from app.store.records import verify
from tests.faults.witness import Witness
from tests.faults.workload import PURPOSES

SLACK_SECONDS = 1.0  # between the worker's own clock of its vouching and the note of its ping
_BLAMED = (
    EventKind.FAILED_ATTEMPT,
    EventKind.EXHAUSTED,
    EventKind.UNRECOVERABLE,
    EventKind.CRASHED_OUT,
    EventKind.NEEDS_PERSON,
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One invariant: whether it holds, and what was seen."""

    law: str
    holds: bool
    seen: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What is judged: the database and its witness, the books of the payments service, the workers' notes of requests.

    may_crash: processes died of the fault, so that crashes count. may_seem_dead: so did who was cut off,
    one crash a run. may_fail: the runs of these workflows failed on purpose.
    host_clocks: whether the notes are dated rightly.
    """

    witness: Witness
    accepted: Sequence[UUID]
    payments: Path
    notes: Path
    silent_seconds: float
    may_crash: bool = False
    may_seem_dead: bool = False
    may_fail: Sequence[str] = ()
    host_clocks: bool = True


def judge(evidence: Evidence) -> list[Finding]:
    """All invariants."""
    found = [check(evidence) for check in (_runs, _places, _blame, _crashes, _money, _history)]
    return [*found, _sends(evidence)] if evidence.host_clocks else found


def _runs(evidence: Evidence) -> Finding:
    rows = {row["id"]: row for row in evidence.witness.all("SELECT id, state, status, waiting_reason FROM runs")}
    missing = [run_id for run_id in evidence.accepted if run_id not in rows]
    left = [rows[i] for i in evidence.accepted if i in rows and rows[i]["status"] != "COMPLETE"]
    seen = f"{len(evidence.accepted)} accepted, {len(evidence.accepted) - len(missing) - len(left)} complete"
    if missing:
        seen += f"; {len(missing)} do not exist"
    for (status, reason), count in Counter((r["status"], r["waiting_reason"]) for r in left).most_common(4):
        seen += f"; {count} {status}: {reason}"
    return Finding("every accepted run is complete", not missing and not left, seen)


def _places(evidence: Evidence) -> Finding:
    nowhere = evidence.witness.nowhere
    return Finding("every run is in one legal place at each look", not nowhere, "; ".join(nowhere[:3]) or "always")


def _blame(evidence: Evidence) -> Finding:
    blamed = evidence.witness.all(
        """SELECT event, reason, count(*) AS n FROM transitions t JOIN runs r ON r.id = t.run_id
           WHERE r.workflow <> ALL(%s) AND (event = ANY(%s) OR t.attempt > 1)
           GROUP BY event, reason ORDER BY n DESC LIMIT 3""",
        list(evidence.may_fail),
        list(_BLAMED),
    )
    seen = "; ".join(f"{row['n']} {row['event']} ({row['reason']})" for row in blamed)
    return Finding("no attempt spent", not blamed, seen or "none")


def _crashes(evidence: Evidence) -> Finding:
    each = [
        row["n"]
        for row in evidence.witness.all(
            "SELECT count(*) AS n FROM witness.notes WHERE what = 'crash counted' GROUP BY id ORDER BY n DESC"
        )
    ]
    seen, allowed = f"{sum(each)} counted", evidence.may_crash or not each
    if each and evidence.may_crash:
        seen += ", as processes died"
    elif each and evidence.may_seem_dead:
        seen += f", of a run at most {each[0]}, as its host seemed dead"
        allowed = each[0] == 1
    return Finding("no crash counted", allowed, seen)


def _money(evidence: Evidence) -> Finding:
    paid: dict[str, Counter[str]] = defaultdict(Counter)
    with closing(sqlite3.connect(f"file:{evidence.payments}?mode=ro", uri=True)) as books:
        for claim, purpose in books.execute("SELECT claim, purpose FROM payments"):
            paid[claim][purpose] += 1
        (requests,) = books.execute("SELECT count(*) FROM requests").fetchone()
    subjects = [row["subject"] for row in evidence.witness.all("SELECT subject FROM runs WHERE status = 'COMPLETE'")]
    twice = [claim for claim, purposes in paid.items() if max(purposes.values()) > 1]
    never = [claim for claim in subjects if set(paid[claim]) != set(PURPOSES)]
    payments = sum(sum(purposes.values()) for purposes in paid.values())
    seen = f"{payments} payments, {requests - payments} requests repeated under the same key"
    seen += "".join(
        f"; {len(found)} runs {what}" for found, what in ((twice, "PAID TWICE"), (never, "NOT PAID")) if found
    )
    return Finding("money moved exactly once", not twice and not never, seen)


def _history(evidence: Evidence) -> Finding:
    broken = []
    with connect(evidence.witness.url, "owner") as db:
        for run_id in evidence.accepted:
            try:
                with db.transaction():
                    wrong = verify.verify(db, run_id).broken
            except NotFound as missing:
                broken.append(str(missing))
            else:
                broken += [f"{run_id} {wrong.where}: {wrong.what}"] if wrong else []
    seen = f"{len(evidence.accepted) - len(broken)} chains verify"
    return Finding("the history verifies", not broken, "; ".join([seen, *broken[:2]]))


def _sends(evidence: Evidence) -> Finding:
    """What each worker sent, against its pings and the times it was given up."""
    pings, gone = _life(evidence)
    unvouched, given_up, sent = 0, 0, 0
    for pid, at, _key in _sent(evidence):
        sent += 1
        before = bisect.bisect_right(pings[pid], at + 0.05)
        last = pings[pid][before - 1] if before else 0.0
        is_gone = any(begin < at < end for begin, end in gone[pid])
        given_up += is_gone
        unvouched += at > last + evidence.silent_seconds + SLACK_SECONDS
    seen = f"{sent} requests sent, {unvouched} unvouched, {given_up} by workers given up that were vouched for"
    return Finding("nobody sends unvouched", not unvouched, seen)


def _sent(evidence: Evidence) -> Iterator[tuple[str, float, str]]:
    for notes in evidence.notes.glob("sent.*"):
        for line in notes.read_text().splitlines():
            at, key = line.split()
            yield notes.suffix[1:], float(at), key


def _life(evidence: Evidence) -> tuple[dict[str, list[float]], dict[str, list[tuple[float, float]]]]:
    """By process id: when it pinged, and the times during which it was given up."""
    pings: dict[str, list[float]] = defaultdict(list)
    gone: dict[str, list[tuple[float, float]]] = defaultdict(list)
    since: dict[UUID, float] = {}
    rows = evidence.witness.all(
        """SELECT extract(epoch FROM at)::float8 AS at, what, id, detail FROM witness.notes
           WHERE what IN ('ping', 'given up', 'revived') ORDER BY at"""
    )
    for row in rows:
        if row["what"] == "ping":
            pings[row["detail"]].append(row["at"])
        elif row["what"] == "given up":
            since[row["id"]] = row["at"]
        elif row["id"] in since:
            gone[row["detail"]].append((since.pop(row["id"]), row["at"]))
    for row in rows:
        if row["id"] in since and row["what"] == "given up":
            gone[row["detail"]].append((since.pop(row["id"]), float("inf")))
    return pings, gone
