"""Inflicts faults, one after the other, and says of each what it did, what it measured and whether anything was lost.

    python -m tests.faults                 every fault; hours
    python -m tests.faults --list          their names
    python -m tests.faults NAME…           the faults whose names contain one of the words
    python -m tests.faults --write         … and put the outcomes into docs/reliability.md
    python -m tests.faults --quick NAME…   outages, pings and silence six times as short

Ends with 1 if something was lost, with 3 if nothing was and a goal of time was missed.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections import Counter
from types import FrameType

from tests.faults import clock, database, failing, hosts, network, process, sessions
from tests.faults.report import inflict, say
from tests.faults.scene import remove_leftovers
from tests.faults.table import write

FAULTS = (
    *database.FAULTS,
    *sessions.FAULTS,
    *network.FAULTS,
    *clock.FAULTS,
    *process.FAULTS,
    *failing.FAULTS,
)


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
    parser.add_argument("--write", action="store_true", help="put the outcomes into docs/reliability.md")
    options = parser.parse_args(arguments)
    # In the order asked for, each once.
    chosen = list(dict.fromkeys(fault for word in options.names or [""] for fault in FAULTS if word in fault.name))
    if not chosen:
        parser.error(f"no fault is named so; the names are: {', '.join(fault.name for fault in FAULTS)}")
    if options.list:
        for fault in chosen:
            say(f"{fault.name:<28} {fault.says}")
        return 0
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, _interrupt)
    hosts.remove_leftovers()
    remove_leftovers()
    count: Counter[str] = Counter()
    for fault in chosen:
        outcome = inflict(fault, quick=options.quick, relays=options.relays)
        count[outcome.verdict] += 1
        if options.write:
            write(outcome, [known.name for known in FAULTS])
    say(
        f"\n{len(chosen)} faults: {count['OK']} without loss and in time, {count['LATE']} late, {count['LOST']} with loss"
    )
    return 1 if count["LOST"] else 3 if count["LATE"] else 0


def _interrupt(signum: int, frame: FrameType | None) -> None:
    """The first one ends through every `finally`; what comes while that goes on is not heard, lest something is left."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    say("interrupted: what was made is removed first")
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
