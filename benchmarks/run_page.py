"""The run page of a long history: what its last page of events costs against its first, and a long run against a short one.

    python -m benchmarks.run_page [--json] [--events 10000] [--rounds 20]

A run of so many events (half of them transitions, half calls with about 1 KB of payload) and one of 200 are put into a
database of 20,000 other runs; the page is rendered by the application itself, over HTTP in this process. Ratios are of
medians, so that the machine's speed cancels out.

last_to_first: the last page of 200 events over the first. long_to_short: the first page of the long run over the only
one of the short run. long_p95_ms: the slower of the long run's two pages, for orientation.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode
from uuid import UUID

import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that it can be started as a file, too

from app.store.migrate import upgrade
from benchmarks.machine import hardware, machine
from benchmarks.visit import p95, signed_in, times
from tests.support.plans import fill
from tests.support.roles import DECLARED

LONG, SHORT = UUID(int=2), UUID(int=4)  # of the other runs, two that have ended
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_HISTORY = """
INSERT INTO transitions (run_id, seq, event, from_state, to_state, to_status, step_seq, attempt, actor, reason_digest, payload_digest,
    move_id, hash, created_at)
SELECT %(id)s, n + 1, 'step finished', 'A', 'B', CASE WHEN n %% 2 = 0 THEN 'READY' ELSE 'RUNNING' END, n + 1, 1, 'x', 'd', 'd',
    gen_random_uuid(), '\\x00', %(began)s + n * interval '1 s' FROM generate_series(1, %(half)s) n;
INSERT INTO checkpoints (run_id, step_seq, call_seq, step_name, kind, name, status, input, output, created_at, completed_at)
SELECT %(id)s, n + 1, 1, 'A', 'tool', 'a.tool', 'COMPLETE', jsonb_build_object('text', (SELECT string_agg(md5((n * i)::text), '')
    FROM generate_series(1, 16) i)), jsonb_build_object('text', md5(n::text)), %(began)s, %(began)s + n * interval '1 s'
FROM generate_series(1, %(half)s) n;
UPDATE runs SET transition_seq = %(half)s + 1 WHERE id = %(id)s;
UPDATE transitions SET created_at = %(began)s WHERE run_id = %(id)s AND seq = 1"""


def measure(url: str, folder: Path, *, events: int, rounds: int) -> dict[str, float]:
    """Fill the database at `url` and time the pages."""
    upgrade(url, DECLARED)
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as db:
        fill(db, 20_000)
        for run_id, size in ((LONG, events), (SHORT, 200)):
            db.execute(_HISTORY, {"id": run_id, "half": size // 2, "began": BEGAN})
        db.execute("ANALYZE")
    last = urlencode({"after": f"{(BEGAN + timedelta(seconds=events // 2 - 100)).isoformat()}_9_0"})
    pages = {"first": f"/runs/{LONG}", "last": f"/runs/{LONG}?{last}", "short": f"/runs/{SHORT}"}
    with signed_in(url, folder, "auditor") as client:
        for path in pages.values():
            if (rows := client.get(path).text.count('<tr class="kind-')) < 190:
                raise SystemExit(f"{path}: {rows} rows")
        found = times(client, pages, rounds=rounds, least={})
    median = {name: statistics.median(each) for name, each in found.items()}
    return {
        "last_to_first": round(median["last"] / median["first"], 2),
        "long_to_short": round(median["first"] / median["short"], 2),
        "long_p95_ms": round(max(p95(found["first"]), p95(found["last"])), 1),
    }


def main(arguments: list[str] | None = None) -> None:
    """Measure and say."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--json", action="store_true")
    asked.add_argument("--events", type=int, default=10_000)
    asked.add_argument("--rounds", type=int, default=20)
    given = asked.parse_args(arguments)
    with machine() as here:
        found = measure(here.postgres().url(), here.folder, events=given.events, rounds=given.rounds)
    if given.json:
        print(json.dumps(found | {"events": given.events, "hardware": hardware()}))
        return
    print(f"A run of {given.events:,} events, pages of 200, on {hardware()}")
    print(f"  the last page takes {found['last_to_first']} times the first")
    print(
        f"  its first page takes {found['long_to_short']} times the page of a run of 200 events (p95 {found['long_p95_ms']} ms)"
    )


if __name__ == "__main__":
    main()
