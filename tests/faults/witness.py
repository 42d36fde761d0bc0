"""The witness: triggers of the owner's that note, by the server's own clock, what the invariants are judged by.

The law: it sees what was committed and changes nothing. Notes are made in the very transaction of what they are about,
so none can be missing; the product's own records are dated by `app_now()`, which some faults move.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.rows import dict_row

Row = dict[str, Any]
DONE = ("step finished", "ended")

_INSTALL = """
CREATE SCHEMA witness;
CREATE TABLE witness.notes (at timestamptz NOT NULL DEFAULT clock_timestamp(), what text NOT NULL, id uuid NOT NULL,
    detail text, actor text);
CREATE FUNCTION witness.note_move() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
    INSERT INTO witness.notes (what, id, detail, actor) VALUES (NEW.event, NEW.run_id, NEW.reason, NEW.actor); RETURN NULL; END $$;
CREATE TRIGGER witness_moves AFTER INSERT ON transition_rows FOR EACH ROW EXECUTE FUNCTION witness.note_move();
CREATE FUNCTION witness.note_crash() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
    INSERT INTO witness.notes (what, id) VALUES ('crash counted', NEW.id); RETURN NULL; END $$;
CREATE TRIGGER witness_crashes AFTER UPDATE ON runs FOR EACH ROW
    WHEN (OLD.status = 'RUNNING' AND NEW.status = 'SUSPECTED_DEAD' AND NEW.crash_attempts >= OLD.crash_attempts)
    EXECUTE FUNCTION witness.note_crash();
CREATE FUNCTION witness.note_worker() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
    IF OLD.gone_at IS DISTINCT FROM NEW.gone_at THEN
        INSERT INTO witness.notes (what, id, detail)
        VALUES (CASE WHEN NEW.gone_at IS NULL THEN 'revived' ELSE 'given up' END, NEW.id, NEW.pid);
    END IF;
    IF OLD.pinged_at IS DISTINCT FROM NEW.pinged_at THEN
        INSERT INTO witness.notes (what, id, detail) VALUES ('ping', NEW.id, NEW.pid);
    END IF;
    RETURN NULL; END $$;
CREATE TRIGGER witness_workers AFTER UPDATE ON workers FOR EACH ROW EXECUTE FUNCTION witness.note_worker();
CREATE FUNCTION witness.note_registration() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
    INSERT INTO witness.notes (what, id, detail) VALUES ('ping', NEW.id, NEW.pid); RETURN NULL; END $$;
CREATE TRIGGER witness_registrations AFTER INSERT ON workers FOR EACH ROW EXECUTE FUNCTION witness.note_registration();
"""

_NOWHERE = """SELECT id, state, status FROM runs WHERE CASE status
    WHEN 'RUNNING' THEN lease_token IS NULL OR worker_id IS NULL OR deadline_at IS NULL
    WHEN 'READY' THEN ready_at IS NULL OR worker_id IS NOT NULL
    WHEN 'WAITING_FOR_TIMER' THEN wake_at IS NULL
    WHEN 'WAITING_FOR_HUMAN' THEN waiting_reason IS NULL
    WHEN 'DEAD_LETTER' THEN waiting_reason IS NULL
    WHEN 'FAILED_RETRIABLE' THEN waiting_reason IS NULL
    WHEN 'COMPLETE' THEN finished_at IS NULL OR worker_id IS NOT NULL
    WHEN 'FAILED' THEN finished_at IS NULL
    ELSE status NOT IN ('CANCELLED', 'SUSPECTED_DEAD', 'PAUSED', 'WAITING_FOR_EVENT', 'WAITING_FOR_CHILDREN') END LIMIT 3"""
_LONGEST = """SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)::float8 AS seconds
    FROM pg_stat_activity WHERE datname = current_database() AND application_name <> 'longhaul-fault'
    AND backend_type = 'client backend'"""


class Witness:
    """The owner's own session, through the socket: no fault of the network and no full server reaches it."""

    def __init__(self, database_url: str) -> None:
        self.url = database_url
        self._db = self.connect()
        self.nowhere: list[str] = []
        self.longest_transaction = 0.0

    def connect(self) -> psycopg.Connection[Row]:
        """One more session of the owner's, which may write while nobody else may."""
        options = "-c default_transaction_read_only=off -c lock_timeout=20s"
        return psycopg.connect(
            self.url, autocommit=True, row_factory=dict_row, options=options, application_name="longhaul-fault"
        )

    def install(self) -> None:
        """Begin to take notes."""
        self._db.execute(_INSTALL)

    def all(self, query: str, *params: object) -> list[Row]:
        """The rows of a query."""
        return self._db.execute(query, params or None).fetchall()

    def look(self) -> None:
        """See whether every run is in a legal place at this moment, and how long transactions have been open."""
        for row in self.all(_NOWHERE):
            self.nowhere.append(f"{row['id']} {row['state']} {row['status']}")
        self.longest_transaction = max(self.longest_transaction, self.all(_LONGEST)[0]["seconds"])

    def count(self, whats: Sequence[str], since: float = 0, until: float | None = None) -> int:
        """How many notes of these kinds there are of a time, in seconds since the epoch."""
        return int(
            self.all(
                "SELECT count(*) AS n FROM witness.notes WHERE what = ANY(%s) AND at >= to_timestamp(%s) AND at < to_timestamp(%s)",
                list(whats),
                since,
                time.time() + 60 if until is None else until,
            )[0]["n"]
        )

    def times(self, whats: Sequence[str], since: float) -> list[float]:
        """When, in order."""
        query = """SELECT extract(epoch FROM at)::float8 AS at FROM witness.notes
                   WHERE what = ANY(%s) AND at >= to_timestamp(%s) ORDER BY at"""
        return [row["at"] for row in self.all(query, list(whats), since)]

    def close(self) -> None:
        """End the session."""
        self._db.close()
