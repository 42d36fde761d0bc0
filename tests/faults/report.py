"""One fault from the first start to the last look, and what is printed of it."""

from __future__ import annotations

import sys
import time
import traceback

from tests.faults.course import GOAL, Course, back_at_work, bounced, drain, figures, full_rate, rate_again
from tests.faults.fault import Fault
from tests.faults.invariants import Evidence, Finding, judge
from tests.faults.scene import Scene, scene
from tests.faults.table import Outcome

WARM_UP_SECONDS = 12.0
BEFORE_SECONDS = 16.0


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def inflict(fault: Fault, *, quick: bool, relays: bool) -> Outcome:
    """Build the scene, inflict the fault and print the report. LOST: something was; LATE: only the goal was missed."""
    began = time.monotonic()
    say(f"\n{fault.name}: {fault.says}{' (quick)' if quick else ''}")
    try:
        with scene(fault, quick=quick, relays=relays) as made:
            say(f"  {fault.runs} runs kept in flight on {fault.hosts} hosts; {made.net.about}")
            course = _course(made)
            findings, measured = [*_findings(made), *course[1:]], list(figures(made, course[0]))
            outcome = _outcome(made, course[0], findings)
    except Exception:  # the next fault may be carried through
        say(f"  LOST  the fault could not be carried through, so nobody knows\n{traceback.format_exc()}")
        return Outcome(fault.name, "LOST")
    for line in measured:
        say(f"        {line}")
    for finding in findings:
        say(f"  {'ok' if finding.holds else _word(finding):<5} {finding.law}: {finding.seen}")
    told = "see above" if outcome.verdict == "LOST" else "nothing was lost"
    say(f"  {outcome.verdict}: {told} ({time.monotonic() - began:.0f} s)")
    return outcome


def _course(made: Scene) -> tuple[Course, Finding, Finding]:
    """The load runs, the fault comes and is healed, the load goes on and ends."""
    made.load.start()
    made.hold(WARM_UP_SECONDS)
    measured_from = time.time()
    made.hold(BEFORE_SECONDS)
    before, began = made.rate(measured_from, time.time()), time.time()
    made.fault.inflict(made)
    course = full_rate(made, began, time.time(), before)
    back = back_at_work(made, course.healed)
    drain(made)
    return course, back, rate_again(course)


def _findings(made: Scene) -> list[Finding]:
    """The invariants, and the laws of this fault alone."""
    fault, stack = made.fault, made.stack
    evidence = Evidence(
        witness=made.witness,
        accepted=made.load.accepted,
        payments=stack.payments.db,
        notes=stack.faults.folder,
        silent_seconds=made.settings.silent_seconds,
        may_crash=fault.crashes,
        may_seem_dead=fault.seems_dead,
        may_fail=fault.may_fail,
        host_clocks=fault.host_clocks,
    )
    return [*judge(evidence), *(Finding(what, holds, "yes" if holds else "NO") for what, holds in made.expected)]


def _outcome(made: Scene, course: Course, findings: list[Finding]) -> Outcome:
    words = {_word(finding) for finding in findings if not finding.holds}
    verdict = "LOST" if "LOST" in words else "LATE" if words else "OK"
    rates = (course.before, course.during, course.after)
    moved = sum(row["n"] for row in bounced(made))
    return Outcome(made.fault.name, verdict, len(made.load.accepted), rates, course.full_after, moved)


def _word(broken: Finding) -> str:
    return "LATE" if broken.law == GOAL else "LOST"
