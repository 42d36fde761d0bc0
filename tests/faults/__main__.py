"""Inflicts faults, one after the other, and says of each what it did, what it measured and whether anything was lost.

    python -m tests.faults                 every fault; hours
    python -m tests.faults --list          their names
    python -m tests.faults NAME…           the faults whose names contain one of the words
    python -m tests.faults --quick NAME…   outages, pings and silence six times as short

Ends with 1 if something was lost, with 3 if nothing was and a goal of time was missed.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
import traceback
from types import FrameType

from tests.faults import clock, database, failing, hosts, network, process, sessions
from tests.faults.course import GOAL, back_at_work, drain, figures, full_rate, rate_again
from tests.faults.fault import Fault
from tests.faults.invariants import Evidence, Finding, judge
from tests.faults.scene import Scene, remove_leftovers, scene
from tests.support.waiting import NeverHappened

FAULTS = (
    *database.FAULTS, *sessions.FAULTS, *network.FAULTS, *clock.FAULTS, *process.FAULTS, *failing.FAULTS,
)  # fmt: skip
WARM_UP_SECONDS = 12.0
BEFORE_SECONDS = 16.0


def main(arguments: list[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(
        prog="make faults", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="a part of the names of the faults to inflict")
    parser.add_argument("--list", action="store_true", help="print the names and what each does")
    parser.add_argument("--quick", action="store_true", help="outages, pings and silence six times as short")
    parser.add_argument(
        "--relays", action="store_true", help="relays that go silent, even where namespaces can be made"
    )
    options = parser.parse_args(arguments)
    # In the order asked for, each once.
    chosen = list(dict.fromkeys(fault for word in options.names or [""] for fault in FAULTS if word in fault.name))
    if not chosen:
        parser.error(f"no fault is named so; the names are: {', '.join(fault.name for fault in FAULTS)}")
    if options.list:
        for fault in chosen:
            _say(f"{fault.name:<28} {fault.says}")
        return 0
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, _interrupt)
    hosts.remove_leftovers()
    remove_leftovers()
    verdicts = {fault.name: _inflict(fault, quick=options.quick, relays=options.relays) for fault in chosen}
    lost = [name for name, verdict in verdicts.items() if verdict == "LOST"]
    late = [name for name, verdict in verdicts.items() if verdict == "LATE"]
    _say(
        f"{len(chosen)} faults: {len(chosen) - len(lost) - len(late)} without loss and in time, {len(late)} late, {len(lost)} with loss"
    )
    return 1 if lost else 3 if late else 0


def _inflict(fault: Fault, *, quick: bool, relays: bool) -> str:
    """Build the scene, inflict the fault and print the report: "OK", "LATE" or "LOST"."""
    began = time.monotonic()
    _say(f"\n{fault.name}: {fault.says}{' (quick)' if quick else ''}")
    try:
        with scene(fault, quick=quick, relays=relays) as made:
            _say(f"  {fault.runs} runs kept in flight on {fault.hosts} hosts; {made.net.about}")
            findings, measured = _course(made)
    except NeverHappened as never:
        _say(f"  LOST  {never}")
        return "LOST"
    except Exception:
        _say(f"  LOST  the fault could not be carried through, so nobody knows\n{traceback.format_exc()}")
        return "LOST"
    for line in measured:
        _say(f"        {line}")
    for finding in findings:
        late = finding.law == GOAL
        _say(f"  {'ok' if finding.holds else 'LATE' if late else 'LOST':<5} {finding.law}: {finding.seen}")
    broken = {finding.law for finding in findings if not finding.holds}
    verdict = "OK" if not broken else "LATE" if broken == {GOAL} else "LOST"
    _say(f"  {verdict}: {'nothing was lost' if verdict != 'LOST' else 'see above'} ({time.monotonic() - began:.0f} s)")
    return verdict


def _course(made: Scene) -> tuple[list[Finding], list[str]]:
    """The load runs, the fault comes and is healed, the load goes on and ends; what is found then."""
    made.load.start()
    made.hold(WARM_UP_SECONDS)
    measured_from = time.time()
    made.hold(BEFORE_SECONDS)
    before, began = made.rate(measured_from, time.time()), time.time()
    made.fault.inflict(made)
    course = full_rate(made, began, time.time(), before)
    back = back_at_work(made, course.healed)
    drain(made)
    fault, stack = made.fault, made.stack
    evidence = Evidence(
        witness=made.witness, accepted=made.load.accepted, payments=stack.payments.db, notes=stack.faults.folder,
        silent_seconds=made.settings.silent_seconds, may_crash=fault.crashes, may_fail=fault.may_fail,
        host_clocks=fault.host_clocks,
    )  # fmt: skip
    own = [Finding(what, holds, "yes" if holds else "NO") for what, holds in made.expected]
    return [*judge(evidence), *own, back, rate_again(course)], list(figures(made, course))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _interrupt(signum: int, frame: FrameType | None) -> None:
    """The first one ends through every `finally`; what comes while that goes on is not heard, lest something is left."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    _say("interrupted: what was made is removed first")
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
