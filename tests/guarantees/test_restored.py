"""A dump of the database, restored into a new cluster and migrated, goes on where it was: docs/backup.md as it is told."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app.engine import start
from app.humans.complete import complete
from app.stack.servers.binaries import postgres_bin
from app.stack.servers.places import Owner
from app.stack.servers.postgres import EmbeddedPostgres
from app.store.database import Role, connect
from app.store.migrate import upgrade
from app.store.records import verify
from app.store.workers import workers
from app.sweeps import heartbeats
from tests.conftest import running_postgres
from tests.support.journey import Travel, travel
from tests.support.roles import DECLARED
from tests.support.workflows_that_wait import PAY_FOR_GOOD, SETTLING, Settlement


class Payments:
    """A service that honours its keys, and whose callers are interrupted by a backup right after it has paid."""

    def __init__(self) -> None:
        self.paid: dict[str, Mapping[str, Any]] = {}
        self.then: Callable[[], None] = lambda: None

    def __call__(self, key: str, params: Mapping[str, Any]) -> Any:
        """Pay once per key."""
        self.paid.setdefault(key, params)
        self.then()
        return {"payment_id": f"paid {params['amount']}"}


@pytest.fixture
def new_cluster() -> Iterator[EmbeddedPostgres]:
    """A server that has never heard of our roles."""
    with running_postgres("restored") as server:
        yield server


def tool(program: str, *arguments: str) -> None:
    """One of the programs that come with Postgres."""
    folder = postgres_bin(Owner.unprivileged())
    # A new cluster lacks the roles: pg_restore says so of each grant and policy, goes on, and ends with 1.
    done = subprocess.run([str(folder / program), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0 or (program == "pg_restore" and "does not exist" in done.stderr), done.stderr


def settling(url: str, payments: Payments) -> AbstractContextManager[Travel]:
    """Where an approved payment is made."""
    return travel(url, workflows=(SETTLING,), tools={PAY_FOR_GOOD.name: payments})


def test_a_payment_in_flight_when_the_backup_was_made_is_made_once(
    database_url: str, new_cluster: EmbeddedPostgres, tmp_path: Path
) -> None:
    payments, dump = Payments(), tmp_path / "longhaul.dump"
    with settling(database_url, payments) as before:
        before.enrol("bea", "adjuster")
        run_id = before.rt.database.transact(
            lambda db: start.start(db, SETTLING, subject="S-1", data=Settlement(), key=None, actor="test")
        ).run_id
        with before.rt.database.transaction() as db:
            workers.register(db, before.rt.worker_id, lock_key=7, liveness="ping", host="h", pid=1, queues=[], slots=1)
        before.go()
        complete(before.rt, before.one("SELECT id FROM human_tasks")["id"], by="bea", outcome="pay", answer={})
        payments.then = lambda: tool("pg_dump", "--format=custom", f"--file={dump}", database_url)
        before.go()
        assert before.run(run_id)["status"] == "COMPLETE", "what happened after the backup is lost with the cluster"

    url = restore(new_cluster, dump)
    payments.then = lambda: None
    with settling(url, payments) as after:
        assert after.run(run_id)["status"] == "RUNNING", "the backup caught it between the payment and its result"
        after.advance_clock(timedelta(minutes=3))
        heartbeats.run_once(after.rt)
        after.go()
        assert after.run(run_id)["status"] == "COMPLETE"
        assert len(payments.paid) == 1
        assert after.rt.database.transact(lambda db: verify.verify(db, run_id)).holds
    nobody_gained_a_right(url)


def restore(server: EmbeddedPostgres, dump: Path) -> str:
    """As docs/backup.md says."""
    url = server.url()
    tool("pg_restore", "--no-owner", f"--dbname={url}", str(dump))
    upgrade(url, DECLARED)
    return url


def nobody_gained_a_right(url: str) -> None:
    """Neither role may do what it never might."""
    forbidden: list[tuple[Role, str]] = [("worker", "DELETE FROM runs"), ("web", "DELETE FROM approvals")]
    for role, statement in forbidden:
        with connect(url, role) as db, pytest.raises(psycopg.errors.InsufficientPrivilege):
            db.execute(statement)
