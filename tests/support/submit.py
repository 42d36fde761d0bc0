"""Another backend job, as a process of its own: starts a run by the client, rings, says how long it took.

python -m tests.support.submit SUBJECT
"""

from __future__ import annotations

import json
import sys
import time

import psycopg

from app import client
from app.settings import settings
from tests.support.small_workflows import PAYING


def main() -> None:
    """Prints {"rung": …, "seconds": …}: whether the broker took the bell, and how long the submitter was held up."""
    began = time.monotonic()
    with psycopg.connect(settings().database_url) as db:
        started = client.start(db, PAYING, subject=sys.argv[1], data={})
    rung = client.ring(started)
    sys.stdout.write(json.dumps({"rung": rung, "seconds": time.monotonic() - began}))


if __name__ == "__main__":
    main()
