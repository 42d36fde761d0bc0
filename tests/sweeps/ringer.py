"""A submitter of its own process: rings once for every line it is sent, and says how many bells were taken, in how long.

`python -m tests.sweeps.ringer`; the broker is named by LONGHAUL_BROKER_URL. A line holds the number of threads to ring.
"""

from __future__ import annotations

import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

from app.core.ports import Bell
from tasks.dispatch import CeleryDispatcher


def main() -> None:
    """Answer each line of the input."""
    dispatcher = CeleryDispatcher()

    def ring(_: int) -> tuple[int, float]:
        began = time.monotonic()
        # A queue this process does not subscribe to: the next state may be another pool's, or another version's.
        rung = dispatcher.ring([Bell(uuid.uuid4(), 1, "elsewhere", "STATE", "documents.elsewhere.v7")])
        return rung, time.monotonic() - began

    for line in sys.stdin:
        with ThreadPoolExecutor(int(line)) as threads:
            answers = list(threads.map(ring, range(int(line))))
        sys.stdout.write(f"{sum(rung for rung, _ in answers)} {max(seconds for _, seconds in answers):.3f}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
