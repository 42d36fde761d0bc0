"""The load: as many runs in flight as a fault asks for, started as a careful client would.

The law: a run is accepted when its commit was acknowledged; after any error the same start is asked for again under
the same key, so that no run is counted twice or forgotten.
"""

from __future__ import annotations

import threading
from uuid import UUID

import psycopg

from app import client
from app.core.workflow import Workflow
from tests.faults.witness import Witness
from tests.support.bells import Bells, first_bell

_OPEN = """SELECT count(*) AS n FROM runs
    WHERE status NOT IN ('COMPLETE', 'FAILED', 'CANCELLED', 'DEAD_LETTER', 'FAILED_RETRIABLE')"""
MOST_AT_ONCE = 20


class Load:
    """A thread that keeps `runs` runs of a workflow unfinished until it is stopped."""

    def __init__(self, witness: Witness, broker_url: str, workflow: Workflow, runs: int) -> None:
        self.accepted: list[UUID] = []
        self.refused = 0
        self._witness, self._workflow, self._runs = witness, workflow, runs
        self._bells = Bells(broker_url)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="load", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Start no more."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(30)
        self._bells.close()

    def _work(self) -> None:
        db: psycopg.Connection[dict[str, object]] | None = None
        while not self._stop.wait(0.2):
            try:
                db = db or self._witness.connect()
                missing = self._runs - int(db.execute(_OPEN).fetchall()[0]["n"])  # type: ignore[call-overload]
                for _ in range(min(missing, MOST_AT_ONCE)):
                    self._one(db)
            except psycopg.Error:
                self.refused += 1
                if db is not None and (db.closed or db.broken):
                    db = None

    def _one(self, db: psycopg.Connection[dict[str, object]]) -> None:
        subject = f"run {len(self.accepted)}"
        with db.transaction():
            run_id = client.start(db, self._workflow, subject=subject, data={}, key=subject).run_id
        self.accepted.append(run_id)
        try:
            self._bells.ring([first_bell(self._workflow, run_id)])
        except OSError:
            return  # the dispatch sweep rings
