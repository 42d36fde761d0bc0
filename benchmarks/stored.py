"""What a step writes, and what a run that waits for a person takes: bytes, by whose they are.

    python -m benchmarks.stored [--json] [--runs 300] [--parked 2000]

wal: bytes of the write-ahead log per step, while `--runs` runs of `benchmarks.work` go on at once on two workers, by table or
    index and kind of record; page images, which come once after a checkpoint of the database, stand by themselves. By record
    only where the server has the extension pg_walinspect (Postgres 15 and later, with contrib: LONGHAUL_PG_BIN names another
    server); elsewhere the sum alone. What vacuum and analyze wrote meanwhile, which is chance in so short a time, stands by itself.
hot: of each table, the share of updates that touched no index.
parked: bytes on disk, after VACUUM, of each table and of its indexes, per run of `--parked` that began with 1 KB, had it
    changed by a step and wait for a person. Of it, kept: the payloads in the journal, which are what the run began with and
    what the step gave; beside: all the rest.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that it can be started as a file, too

from app import client
from app.client import NewRun
from app.core.workflow import Workflow
from app.settings import settings
from app.store.migrate import upgrade
from benchmarks.machine import Machine, hardware, machine, wait_for
from benchmarks.work import STEPS, TEXT
from benchmarks.workload import READ, TWELVE, Letter
from tests.support.roles import DECLARED

Db = psycopg.Connection[Any]
WORKERS = 2

_HOT = """SELECT relname, n_tup_hot_upd, n_tup_upd FROM pg_stat_user_tables WHERE relname IN ('runs', 'checkpoints')
ORDER BY relname"""
# What is of no table or index counts as its resource manager's. A record of several pages counts for the first.
_RECORDS = """
SELECT coalesce(c.relname, r.resource_manager) AS whose, r.record_type AS record, count(*)::float8 AS records,
    sum(r.record_length - r.fpi_length)::float8 AS bytes, sum(r.fpi_length)::float8 AS images
FROM pg_get_wal_records_info(%s, %s) r
LEFT JOIN pg_class c ON c.relfilenode::text = substring(r.block_ref FROM 'rel \\d+/\\d+/(\\d+)')
GROUP BY 1, 2 ORDER BY 4 DESC"""
_UPKEEP = {"VACUUM", "VISIBLE", "FREEZE_PAGE", "INPLACE"}
_SIZES = """
SELECT c.relname, pg_table_size(c.oid)::float8 AS rows, pg_indexes_size(c.oid)::float8 AS indexes FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' ORDER BY pg_total_relation_size(c.oid) DESC"""
_KEPT = "SELECT sum(octet_length(output::text))::float8 FROM checkpoints"


@contextmanager
def workers(here: Machine) -> Iterator[Db]:
    """Workers of 16 threads over a database of their own, and a session that looks at it."""
    postgres, redis = here.postgres(), here.redis("redis")
    upgrade(postgres.url(), DECLARED)
    env = {
        "LONGHAUL_DATABASE_URL": postgres.url(),
        "LONGHAUL_BROKER_URL": redis.url(),
        "LONGHAUL_WORKFLOWS": "benchmarks.workload:TWELVE,benchmarks.workload:READ",
        "LONGHAUL_DATA_DIR": str(here.folder / "data"),
    }
    os.environ.update(env)
    settings.cache_clear()
    with psycopg.connect(postgres.url(), autocommit=True) as db:
        for n in range(WORKERS):
            here.celery(f"worker-{n}", "tasks", ["worker", "-n", f"s{n}@localhost", "-c", "16"], env)
        wait_for(lambda: _one(db, "SELECT count(*) FROM workers") == WORKERS, "the workers to register")
        yield db


def run_all(db: Db, workflow: Workflow, name: str, runs: int, status: str) -> None:
    """So many runs, started at once, until all have this status."""
    many = [NewRun(f"{name} {n}", Letter(text=TEXT)) for n in range(runs)]
    with db.transaction():
        started = client.start_many(db, workflow, many)
    client.ring_many(started)
    there = "SELECT count(*) FROM runs WHERE subject LIKE %s AND status = %s"
    wait_for(lambda: _one(db, there, f"{name} %", status) == runs, f"{runs} runs that are {status}")


def logged(db: Db, runs: int) -> dict[str, Any]:
    """The log's bytes per step, and the updates that touched no index."""
    run_all(db, TWELVE, "warm", max(2, runs // 5), "COMPLETE")
    before = _one(db, "SELECT pg_current_wal_insert_lsn()::text")
    run_all(db, TWELVE, "measured", runs, "COMPLETE")
    after = _one(db, "SELECT pg_current_wal_insert_lsn()::text")
    steps = runs * STEPS
    found: dict[str, Any] = {"wal": _one(db, "SELECT pg_wal_lsn_diff(%s, %s)::float8", after, before) / steps}
    wait_for(lambda: sum(row[2] for row in db.execute(_HOT)) > steps, "the statistics")
    found["hot"] = {name: round(hot / max(1, all_), 2) for name, hot, all_ in db.execute(_HOT).fetchall()}
    if not db.execute("SELECT FROM pg_available_extensions WHERE name = 'pg_walinspect'").fetchall():
        return found
    db.execute("CREATE EXTENSION IF NOT EXISTS pg_walinspect")
    rows = db.execute(_RECORDS, [before, after]).fetchall()
    found["records"] = {
        f"{whose} {record}": {"per_step": round(count / steps, 2), "bytes": round(size / steps, 1)}
        for whose, record, count, size, _ in rows
        if size / steps >= 1 and not whose.startswith("pg_") and record not in _UPKEEP
    }
    found["images"] = sum(row[4] for row in rows) / steps
    upkeep = [size for whose, record, _, size, _ in rows if whose.startswith("pg_") or record in _UPKEEP]
    found["upkeep"] = sum(upkeep) / steps
    return found


def parked(db: Db, runs: int) -> dict[str, Any]:
    """Bytes on disk per run that waits, over those the database had before."""
    before = _sizes(db)
    kept_before = _one(db, _KEPT) or 0.0
    run_all(db, READ, "parked", runs, "WAITING_FOR_HUMAN")
    after = _sizes(db)
    found = {
        name: [round((after[name][n] - before[name][n]) / runs) for n in (0, 1)]
        for name in after
        if sum(after[name]) - sum(before[name]) > runs
    }
    kept = round((_one(db, _KEPT) - kept_before) / runs)
    whole = sum(map(sum, found.values()))
    return {"tables": found, "whole": whole, "kept": kept, "beside": whole - kept}


def _sizes(db: Db) -> dict[str, tuple[float, float]]:
    db.execute("VACUUM ANALYZE")
    return {name: (rows, indexes) for name, rows, indexes in db.execute(_SIZES).fetchall()}


def _one(db: Db, query: str, *values: Any) -> Any:
    row = db.execute(query.encode(), values).fetchone()
    assert row is not None
    return row[0]


def measure(*, runs: int, parked_runs: int) -> dict[str, Any]:
    """Both, each on a database of its own."""
    with machine() as here, workers(here) as db:
        found = logged(db, runs)
    with machine() as here, workers(here) as db:
        return found | {"parked": parked(db, parked_runs)}


def main(arguments: list[str] | None = None) -> None:
    """Measure and say."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--json", action="store_true")
    asked.add_argument("--runs", type=int, default=300)
    asked.add_argument("--parked", type=int, default=2_000)
    given = asked.parse_args(arguments)
    found = measure(runs=given.runs, parked_runs=given.parked)
    if given.json:
        print(json.dumps(found | {"runs": given.runs, "parked_runs": given.parked, "hardware": hardware()}))
        return
    print(f"The log: {found['wal']:,.0f} bytes a step")
    for name, each in found.get("records", {}).items():
        print(f"  {name:<44} {each['per_step']:>6.2f} a step {each['bytes']:>8,.1f} bytes")
    if "images" in found:
        print(f"  {'images of pages':<44} {'':>13} {found['images']:>8,.1f} bytes")
        print(f"  {'vacuum and analyze':<44} {'':>13} {found['upkeep']:>8,.1f} bytes")
    print("Updates that touched no index: " + ", ".join(f"{name} {share:.0%}" for name, share in found["hot"].items()))
    waiting = found["parked"]
    print(
        f"A run that waits for a person: {waiting['whole']:,} bytes, {waiting['kept']:,} kept and {waiting['beside']:,} beside"
    )
    for name, (rows, indexes) in waiting["tables"].items():
        print(f"  {name:<24} rows {rows:>6,}   indexes {indexes:>6,}")


if __name__ == "__main__":
    main()
