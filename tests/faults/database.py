"""The database refuses: it only reads, its disk is full, it takes no more sessions, rows are locked, time runs out."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack

import psycopg

from tests.faults.fault import MANY, Fault
from tests.faults.scene import Scene

LASTS_SECONDS = 10.0
LOCKED_SECONDS = 9.0
_CUT = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name <> 'longhaul-fault' AND backend_type = 'client backend'"""


def _read_only(scene: Scene) -> None:
    scene.before_a_ping()
    with scene.witness.connect() as db:
        db.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        db.execute("SELECT pg_reload_conf()")
        try:
            scene.hold(LASTS_SECONDS)
        finally:
            db.execute("ALTER SYSTEM RESET default_transaction_read_only")
            db.execute("SELECT pg_reload_conf()")


def _disk_full(scene: Scene) -> None:
    disk = scene.folder / "disk"
    scene.before_a_ping()
    if not os.path.ismount(disk):
        scene.tell("no file system could be mounted: each write raised 53100 instead")
        with _each_write(
            scene, "RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'"
        ):
            scene.hold(LASTS_SECONDS)
        return
    filler = disk / "filler"
    # What the server frees meanwhile, by truncating or recycling, is taken as well.
    deadline = time.monotonic() + LASTS_SECONDS
    with filler.open("wb", buffering=0) as file:
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"\0" * 8_192)
            scene.hold(0.2)
    filler.unlink()
    refused = sum("No space left" in line for line in scene.postgres.log.read_text(errors="replace").splitlines())
    scene.tell(f"the server said {refused} times that no space is left")
    scene.expect("the disk was full for somebody", refused > 0)


def _no_connections(scene: Scene) -> None:
    scene.before_a_ping()
    with ExitStack() as held:
        deadline = time.monotonic() + LASTS_SECONDS
        scene.witness.all(_CUT)
        most = 0
        while time.monotonic() < deadline:
            # One by one, so that each session that ends is replaced by one of ours and by none of theirs.
            with contextlib.suppress(psycopg.OperationalError):
                while True:
                    held.enter_context(contextlib.closing(scene.witness.connect()))
                    most += 1
            scene.witness.all(_CUT)
            time.sleep(0.05)
        scene.tell(f"{most} sessions held, all there are")


def _worker_row(scene: Scene) -> None:
    scene.before_a_ping()
    with scene.witness.connect() as db, db.transaction():
        db.execute("SELECT 1 FROM workers WHERE gone_at IS NULL FOR UPDATE")
        scene.hold(LOCKED_SECONDS)


def _run_rows(scene: Scene) -> None:
    scene.before_a_ping()
    with scene.witness.connect() as db, db.transaction():
        rows = db.execute("SELECT 1 FROM runs WHERE status IN ('READY', 'RUNNING') FOR UPDATE").fetchall()
        scene.tell(f"{len(rows)} runs' rows locked")
        scene.hold(LOCKED_SECONDS)


def _time_out(scene: Scene) -> None:
    scene.before_a_ping()
    cancelled = "RAISE EXCEPTION 'canceling statement due to statement timeout' USING ERRCODE = '57014'"
    with _each_write(scene, f"PERFORM pg_sleep(0.04); {cancelled}"):
        scene.hold(LASTS_SECONDS)


@contextlib.contextmanager
def _each_write(scene: Scene, does: str) -> Iterator[None]:
    """What each write to the tables of the engine does first."""
    tables = ("runs", "checkpoints", "workers")
    with scene.witness.connect() as db:
        db.execute(f"CREATE FUNCTION witness.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {does}; END $$")
        for table in tables:
            db.execute(
                f"CREATE TRIGGER witness_refuses BEFORE INSERT OR UPDATE ON {table} EXECUTE FUNCTION witness.refuse()"
            )
        try:
            yield
        finally:
            db.execute("DROP FUNCTION witness.refuse CASCADE")


FAULTS = tuple(
    Fault(name=f"database-{name}{suffix}", says=says, inflict=inflict, runs=runs, small_disk=name == "full")
    for name, says, inflict in (
        ("read-only", "every transaction is read only for 10 s, as on a standby before its promotion", _read_only),
        ("full", "the file system of the tables is full for 10 s (53100)", _disk_full),
        ("no-connections", "every session is ended and no new one accepted for 10 s (53300)", _no_connections),
        ("workers-locked", "the rows of all workers are locked for 9 s", _worker_row),
        ("runs-locked", "the rows of all runs in flight are locked for 9 s", _run_rows),
        ("time-out", "every write is cancelled after 40 ms for 10 s (57014)", _time_out),
    )
    for suffix, runs in (("", MANY),)
)
