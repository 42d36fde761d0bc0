"""The server's side of one worker's sessions stands still: each kind of session in its turn, by SIGSTOP."""

from __future__ import annotations

import os
import signal
import time
from functools import partial

from tests.faults.fault import MANY, Fault
from tests.faults.scene import Scene

LASTS_SECONDS = 150.0
KINDS = ("liveness", "journal", "observer", "pool")
_NAMED = ("longhaul-liveness", "longhaul-journal", "longhaul-observer", "longhaul-watchdog")
_BACKENDS = """SELECT pid, wait_event_type FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND host(client_addr) = %s AND """


def _stop(kind: str, scene: Scene) -> None:
    victim = scene.places[0]
    stopped: set[int] = set()
    deadline = time.monotonic() + scene.lasting(LASTS_SECONDS)
    try:
        while time.monotonic() < deadline and len(stopped) < (6 if kind == "pool" else 1):
            stopped |= _stop_idle(scene, kind, victim.host.address, stopped)
            scene.hold(0.5)
        scene.hold(max(0.0, deadline - time.monotonic()))
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    scene.tell(f"{len(stopped)} backends of {victim.program.name} stopped for {scene.lasting(LASTS_SECONDS):.0f} s")
    scene.expect("a backend was stopped", bool(stopped))


def _stop_idle(scene: Scene, kind: str, address: str, before: set[int]) -> set[int]:
    """Stop backends that wait for their client: one stopped while it holds a latch would stop the whole server."""
    where = "application_name = %s" if kind != "pool" else "NOT application_name = ANY(%s)"
    named = f"longhaul-{kind}" if kind != "pool" else list(_NAMED)
    found: set[int] = set()
    for row in scene.witness.all(_BACKENDS + where, address, named):
        if row["pid"] in before:
            continue
        os.kill(row["pid"], signal.SIGSTOP)
        if _waits_for_client(scene, row["pid"]):
            found.add(row["pid"])
        else:
            os.kill(row["pid"], signal.SIGCONT)
    return found


def _waits_for_client(scene: Scene, pid: int) -> bool:
    query = "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Client' AND xact_start IS NULL"
    return bool(scene.witness.all(query, pid))


FAULTS = tuple(
    Fault(
        name=f"session-{kind}",
        says=f"the backend of one worker's {kind} session is stopped (SIGSTOP) for 150 s",
        inflict=partial(_stop, kind),
        runs=MANY,
    )
    for kind in KINDS
)
