"""A downstream that dies and returns: what it is asked per second, by runs that back off each for itself and by ours.

    python -m benchmarks.downstream [--json] [--runs 500] [--dead 12] [--rate 50] [--burst 50]

Both sides are Longhaul with the same workers and runs. On the side `backoff` no limit is set: every run retries by
exponential backoff with full jitter, as one would by hand. On the side `limited` the downstream has a rate and a
breaker, shared by all workers. The service answers 503 for `--dead` seconds from its first request, then 200; the
requests are counted as it received them.

while_dead: requests to the dead service. peak: the most in any second after its return, as a multiple of the rate.
drain: from its return to the last answer, as a multiple of the least time the rate permits (runs / rate).
curve: requests in each second since the first one; `|` marks the return.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that it can be started as a file, too

import psycopg

from app import client
from app.store.migrate import upgrade
from benchmarks.downstream_work import ASKING, Request
from benchmarks.machine import Machine, hardware, machine, wait_for
from tests.support.roles import DECLARED


class Service:
    """Answers 503 until `dead` seconds after its first request, then 200; logs when it was asked."""

    def __init__(self, dead: float) -> None:
        self.times, self.dead = list[float](), dead
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                service.times.append(time.monotonic())
                body = b'{"payment_id": "P-1"}'
                self.send_response(200 if time.monotonic() > service.returned else 503)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def returned(self) -> float:
        """When it is back, in monotonic seconds."""
        return (self.times[0] if self.times else time.monotonic()) + self.dead

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()


def one_side(
    here: Machine, name: str, limits: dict[str, Any], *, runs: int, dead: float, rate: float
) -> dict[str, Any]:
    """All runs of one side, on a database and a broker of its own."""
    service = Service(dead)
    postgres, redis = here.postgres(), here.redis(f"{name}-redis")
    upgrade(postgres.url(), DECLARED)
    env = {
        "LONGHAUL_DATABASE_URL": postgres.url(),
        "LONGHAUL_BROKER_URL": redis.url(),
        "LONGHAUL_PAYMENTS_URL": service.url,
        "LONGHAUL_WORKFLOWS": "benchmarks.downstream_work:ASKING",
        "LONGHAUL_DATA_DIR": str(here.folder / f"{name}-data"),
        "LONGHAUL_DOWNSTREAMS": json.dumps(limits),
        "LONGHAUL_TIMERS_SECONDS": "1",
        "LONGHAUL_LOG_LEVEL": "ERROR",
    }
    processes = [here.celery(f"{name}-{n}", "tasks", ["worker", "-n", f"{name}{n}@localhost"], env) for n in range(2)]
    processes.append(here.celery(f"{name}-beat", "tasks", ["beat", "-s", f"{name}-schedule", "--pidfile="], env))
    with psycopg.connect(postgres.url(), autocommit=True) as db:

        def count(query: str) -> int:
            row = db.execute(query).fetchone()
            return int(row[0]) if row else 0

        wait_for(lambda: count("SELECT count(*) FROM workers") == 2, "the workers to register")
        with psycopg.connect(postgres.url()) as starting:
            many = (client.NewRun(f"R-{n}", Request()) for n in range(runs))
            client.start_many(starting, ASKING, many)  # the dispatch sweep rings
        wait_for(
            lambda: count("SELECT count(*) FROM runs WHERE status <> 'COMPLETE'") == 0, "every run to end", every=0.5
        )
        attempts = count("SELECT max(attempt) FROM runs")
    for process in processes:
        process.end(15, 5.0)
    redis.stop()
    postgres.stop("fast")
    service.close()
    return figures(service, runs=runs, rate=rate) | {"most_attempts": attempts}


def figures(service: Service, *, runs: int, rate: float) -> dict[str, Any]:
    """What the service saw."""
    first, back = service.times[0], service.returned
    after = sorted(at for at in service.times if at >= back)
    peak = max(sum(1 for other in after if at <= other < at + 1) for at in after)
    curve = [0] * (int(max(service.times) - first) + 1)
    for at in service.times:
        curve[int(at - first)] += 1
    return {
        "while_dead": sum(1 for at in service.times if at < back),
        "peak": round(peak / rate, 2),
        "drain": round((after[-1] - back) / (runs / rate), 2),
        "curve": curve,
    }


def run(*, runs: int, dead: float, rate: float, burst: int) -> dict[str, dict[str, Any]]:
    """Both sides, one after the other."""
    limit = {"rate": f"{rate:f}/s", "burst": burst, "concurrency": 16, "failures": 5, "window": "30s", "cooldown": "3s"}
    found = {}
    sides: dict[str, dict[str, Any]] = {"backoff": {"nobody": {"concurrency": 1}}, "limited": {"payments": limit}}
    for name, limits in sides.items():
        with machine() as here:
            found[name] = one_side(here, name, limits, runs=runs, dead=dead, rate=rate)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--runs", type=int, default=500, help="runs that want to ask it")
    parser.add_argument("--dead", type=float, default=12.0, help="seconds for which it is dead")
    parser.add_argument("--rate", type=float, default=50.0, help="requests per second it is allowed")
    parser.add_argument("--burst", type=int, default=50, help="requests at once after a rest")
    options = parser.parse_args()
    result = run(runs=options.runs, dead=options.dead, rate=options.rate, burst=options.burst)
    if options.json:
        print(json.dumps(result))
        return
    print(hardware())
    for name, side in result.items():
        print(
            f"{name}: {side['while_dead']} requests while dead, peak {side['peak']} x the rate, drain {side['drain']} x the least "
            f"time, most attempts of a run {side['most_attempts']}"
        )
        for second, count in enumerate(side["curve"]):
            mark = "|" if second == int(options.dead) else " "
            print(f"  {second:3} s {mark} {count:5} {'#' * min(100, count // 4)}")


if __name__ == "__main__":
    main()
