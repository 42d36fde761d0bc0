"""The course of a fault: the rate before, while and after it, and what was measured besides.

Full rate within 15 s of healing is a goal; missing it is no loss.
"""

from __future__ import annotations

import bisect
import time
from collections.abc import Iterator
from dataclasses import dataclass

from tests.faults.invariants import Finding
from tests.faults.scene import CYCLE_SECONDS, NEARLY, WINDOW_SECONDS, Scene
from tests.faults.witness import DONE, Row

RATE_GOAL_SECONDS = 15.0
RATE_PATIENCE_SECONDS = 240.0
BACK_SECONDS = 25.0  # the load goes on at least so long
ENDS_PATIENCE_SECONDS = 420.0
GOAL = "full rate again"
_STANDS_STILL = ("COMPLETE", "FAILED", "CANCELLED", "DEAD_LETTER", "FAILED_RETRIABLE", "WAITING_FOR_HUMAN")


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
        times = scene.witness.times(DONE, healed)
        found = _full_since(times, needed, healed)
    return Course(
        began,
        healed,
        before,
        scene.rate(began, healed),
        found,
        scene.rate(healed + (found or 0.0), time.time()),
    )


def _full_since(times: list[float], needed: float, healed: float) -> float | None:
    """The first moment after healing from which a window holds as many completions as needed, in seconds."""
    for n, start in enumerate([healed, *times]):
        inside = bisect.bisect_left(times, start + WINDOW_SECONDS) - max(n - 1, 0)
        if inside >= needed:
            return start - healed
    return None


def back_at_work(scene: Scene, healed: float) -> Finding:
    """Every worker that lives has taken a lease since healing: there is always more to do than threads, or a turn for each."""
    scene.hold(max(0.0, healed + BACK_SECONDS - time.time()))
    living = scene.witness.all(
        """SELECT w.pid, EXISTS (SELECT 1 FROM witness.notes n WHERE n.what = 'lease taken' AND n.actor = 'worker:' || w.id
               AND n.at > to_timestamp(%s)) AS works
           FROM workers w WHERE w.pid = ANY(%s) AND NOT w.stopping""",
        healed,
        [pid for program in scene.stack.programs if program.alive for pid in program.pids],
    )
    idle = {row["pid"] for row in living} - {row["pid"] for row in living if row["works"]}
    seen = f"{len(living)} live"
    for program in scene.stack.programs:
        if idle & set(program.pids):
            told = [line["reason"] for line in program.lines("liveness_waiting")[-1:]]
            seen += f"; {program.name} took no lease in {time.time() - healed:.0f} s ({' '.join(told) or 'its log is silent'})"
    return Finding("every worker that lives works again", not idle, seen)


def drain(scene: Scene) -> None:
    """Start no more, and wait until no run can move any more by itself."""
    scene.load.stop()
    marks = ", ".join(f"'{status}'" for status in _STANDS_STILL)
    deadline = time.monotonic() + ENDS_PATIENCE_SECONDS
    while time.monotonic() < deadline:
        scene.hold(1)
        if not scene.witness.all(f"SELECT 1 FROM runs WHERE status NOT IN ({marks}) LIMIT 1"):
            return


def rate_again(course: Course) -> Finding:
    """The goal."""
    if course.full_after is None:
        return Finding(GOAL, False, f"not within {RATE_PATIENCE_SECONDS:.0f} s")
    # A burst of runs that began together is seen one cycle later.
    soon = course.full_after <= RATE_GOAL_SECONDS + CYCLE_SECONDS
    return Finding(GOAL, soon, f"{course.full_after:.1f} s after healing")


def bounced(scene: Scene) -> list[Row]:
    """Leases that were handed back or taken back: `what`, `detail` and how many, the most first."""
    return scene.witness.all(
        """SELECT what, detail, count(*) AS n FROM witness.notes WHERE what IN ('lease handed back', 'worker lost')
           GROUP BY what, detail ORDER BY n DESC"""
    )


def figures(scene: Scene, course: Course) -> Iterator[str]:
    """What was measured besides."""
    leases = bounced(scene)
    told = ", ".join(f"{row['n']} {row['what']} ({row['detail']})" for row in leases[:4]) or "none"
    yield f"rate {course.before:.1f} steps/s before, {course.during:.1f} during, {course.after:.1f} after"
    yield f"leases bounced {sum(row['n'] for row in leases)}: {told}"
    yield f"workers given up {scene.witness.count(['given up'])}, ended {', '.join(scene.exits) or 'none'}"
    yield f"longest transaction {scene.witness.longest_transaction:.1f} s; starts refused {scene.load.refused}"
    yield from scene.told
