"""What must hold whatever was done to the processes: judged once, here, for every fault.

Nothing is lost when each of these holds: every accepted run came to its end, at each look it was in one legal place;
no attempt was spent and no crash counted that was the fault's doing; each payment was made exactly once; the history
verifies; and no worker sent what it was not vouched for. Full rate within 15 s of healing is a goal, and no loss.
"""

from __future__ import annotations

import bisect
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from app.core.lifecycle import Event
from app.store import verify
from app.store.database import connect
from tests.faults.scene import CYCLE_SECONDS, DATABASE, NEARLY, WINDOW_SECONDS, Scene
from tests.faults.workload import PURPOSES

RATE_GOAL_SECONDS = 15.0
RATE_PATIENCE_SECONDS = 240.0
ENDS_PATIENCE_SECONDS = 420.0
SLACK_SECONDS = 1.0  # between the worker's own clock of its vouching and the note of its ping
_STANDS_STILL = ("COMPLETE", "FAILED", "CANCELLED", "DEAD_LETTER", "FAILED_RETRIABLE", "WAITING_FOR_HUMAN")
_BLAMED = (Event.FAILED_ATTEMPT, Event.EXHAUSTED, Event.UNRECOVERABLE, Event.CRASHED_OUT, Event.NEEDS_PERSON)


@dataclass(frozen=True, slots=True)
class Finding:
    """One invariant: whether it holds, and what was seen."""

    law: str
    holds: bool
    seen: str


@dataclass(frozen=True, slots=True)
class Course:
    """When the fault began and was healed, in seconds since the epoch, and the rates around it."""

    began: float
    healed: float
    before: float
    during: float
    full_after: float | None
    after: float


def full_rate(scene: Scene, began: float, healed: float, before: float) -> Course:
    """Watch the rate after healing: seconds until it was that of before, None if it did not come back."""
    needed = NEARLY * before * WINDOW_SECONDS
    found: float | None = None
    while found is None and time.time() - healed < RATE_PATIENCE_SECONDS:
        scene.hold(2)
        times = scene.witness.times(("step finished", "ended"), healed)
        found = _full_since(times, needed, healed)
    return Course(
        began, healed, before, scene.rate(began, healed), found,
        scene.rate(healed + (found or 0.0), time.time()),
    )  # fmt: skip


def _full_since(times: list[float], needed: float, healed: float) -> float | None:
    """The first moment after healing from which a window holds as many completions as needed, in seconds."""
    for n, start in enumerate([healed, *times]):
        inside = bisect.bisect_left(times, start + WINDOW_SECONDS) - max(n - 1, 0)
        if inside >= needed:
            return start - healed
    return None


def drain(scene: Scene) -> None:
    """Start no more, and wait until no run can move any more by itself."""
    scene.load.stop()
    marks = ", ".join(f"'{status}'" for status in _STANDS_STILL)
    deadline = time.monotonic() + ENDS_PATIENCE_SECONDS
    while time.monotonic() < deadline:
        scene.hold(1)
        if not scene.witness.all(f"SELECT 1 FROM runs WHERE status NOT IN ({marks}) LIMIT 1"):
            return


def judge(scene: Scene, course: Course) -> list[Finding]:
    """All invariants, after the drain."""
    return [
        _runs(scene), _places(scene), _blame(scene), _crashes(scene), _money(scene), _history(scene), *_sends(scene),
        *(Finding(what, holds, "as it should" if holds else "NO") for what, holds in scene.expected), _rate(course),
    ]  # fmt: skip


def _runs(scene: Scene) -> Finding:
    rows = {row["id"]: row for row in scene.witness.all("SELECT id, state, status, waiting_reason FROM runs")}
    missing = [run_id for run_id in scene.load.accepted if run_id not in rows]
    left = [rows[i] for i in scene.load.accepted if i in rows and rows[i]["status"] != "COMPLETE"]
    seen = f"{len(scene.load.accepted)} accepted, {len(scene.load.accepted) - len(missing) - len(left)} complete"
    if missing:
        seen += f"; {len(missing)} do not exist"
    for (status, reason), count in Counter((r["status"], r["waiting_reason"]) for r in left).most_common(4):
        seen += f"; {count} {status}: {reason}"
    return Finding("every accepted run is complete", not missing and not left, seen)


def _places(scene: Scene) -> Finding:
    nowhere = scene.witness.nowhere
    return Finding("every run is in one legal place at each look", not nowhere, "; ".join(nowhere[:3]) or "always")


def _blame(scene: Scene) -> Finding:
    blamed = scene.witness.all(
        """SELECT event, reason, count(*) AS n FROM transitions WHERE event = ANY(%s) OR attempt > 1
           GROUP BY event, reason ORDER BY n DESC LIMIT 3""",
        list(_BLAMED),
    )
    seen = "; ".join(f"{row['n']} {row['event']} ({row['reason']})" for row in blamed)
    return Finding("no attempt spent", not blamed, seen or "none")


def _crashes(scene: Scene) -> Finding:
    counted = scene.witness.count(["crash counted"])
    allowed = scene.fault.crashes
    seen = f"{counted} counted" + (", which this fault may" if counted and allowed else "")
    return Finding("no crash counted", allowed or not counted, seen)


def _money(scene: Scene) -> Finding:
    paid: dict[str, Counter[str]] = defaultdict(Counter)
    for claim, purpose in scene.stack.payments.rows("SELECT claim, purpose FROM payments"):
        paid[str(claim)][str(purpose)] += 1
    subjects = [row["subject"] for row in scene.witness.all("SELECT subject FROM runs WHERE status = 'COMPLETE'")]
    twice = [claim for claim, purposes in paid.items() if max(purposes.values()) > 1]
    never = [claim for claim in subjects if set(paid[claim]) != set(PURPOSES)]
    requests = len(scene.stack.payments.rows("SELECT 1 FROM requests"))
    payments = sum(sum(purposes.values()) for purposes in paid.values())
    seen = f"{payments} payments, {requests - payments} requests repeated under the same key"
    seen += "".join(
        f"; {len(found)} runs {what}" for found, what in ((twice, "PAID TWICE"), (never, "NOT PAID")) if found
    )
    return Finding("money moved exactly once", not twice and not never, seen)


def _history(scene: Scene) -> Finding:
    broken = []
    with connect(scene.postgres.url(DATABASE), "owner") as db:
        for run_id in scene.load.accepted:
            with db.transaction():
                verdict = verify.verify(db, run_id)
            if verdict.broken is not None:
                broken.append(f"{run_id} {verdict.broken.where}: {verdict.broken.what}")
    seen = f"{len(scene.load.accepted) - len(broken)} chains verify"
    return Finding("the history verifies", not broken, "; ".join([seen, *broken[:2]]))


def _sends(scene: Scene) -> Iterator[Finding]:
    """What each worker sent, against its pings and the times it was given up."""
    if not scene.fault.host_clocks:
        return
    pings, gone = _life(scene)
    unvouched, given_up, sent = 0, 0, 0
    for pid, at, _key in _sent(scene):
        sent += 1
        before = bisect.bisect_right(pings[pid], at + 0.05)
        last = pings[pid][before - 1] if before else 0.0
        is_gone = any(begin < at < end for begin, end in gone[pid])
        given_up += is_gone
        unvouched += at > last + scene.settings.silent_seconds + SLACK_SECONDS
    seen = f"{sent} requests sent, {unvouched} unvouched, {given_up} by workers given up that were vouched for"
    yield Finding("nobody sends unvouched", not unvouched, seen)


def _sent(scene: Scene) -> Iterator[tuple[str, float, str]]:
    for notes in scene.stack.faults.folder.glob("sent.*"):
        for line in notes.read_text().splitlines():
            at, key = line.split()
            yield notes.suffix[1:], float(at), key


def _life(scene: Scene) -> tuple[dict[str, list[float]], dict[str, list[tuple[float, float]]]]:
    """By process id: when it pinged, and the times during which it was given up."""
    pings: dict[str, list[float]] = defaultdict(list)
    gone: dict[str, list[tuple[float, float]]] = defaultdict(list)
    since: dict[UUID, float] = {}
    rows = scene.witness.all(
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


def _rate(course: Course) -> Finding:
    if course.full_after is None:
        return Finding("full rate again", False, f"not within {RATE_PATIENCE_SECONDS:.0f} s")
    # A burst of runs that began together is seen one cycle later.
    soon = course.full_after <= RATE_GOAL_SECONDS + CYCLE_SECONDS
    return Finding("full rate again", soon, f"{course.full_after:.1f} s after healing")


def figures(scene: Scene, course: Course) -> Iterator[str]:
    """What was measured besides."""
    bounced = scene.witness.all(
        """SELECT what, detail, count(*) AS n FROM witness.notes WHERE what IN ('lease handed back', 'worker lost')
           GROUP BY what, detail ORDER BY n DESC"""
    )
    told = ", ".join(f"{row['n']} {row['what']} ({row['detail']})" for row in bounced[:4]) or "none"
    yield f"rate {course.before:.1f} steps/s before, {course.during:.1f} during, {course.after:.1f} after"
    yield f"leases bounced {sum(row['n'] for row in bounced)}: {told}"
    yield f"workers given up {scene.witness.count(['given up'])}, ended {', '.join(scene.exits) or 'none'}"
    yield f"longest transaction {scene.witness.longest_transaction:.1f} s; starts refused {scene.load.refused}"
    yield from scene.told
