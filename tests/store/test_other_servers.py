"""Longhaul runs on the server people have: each Postgres that the system has installed, beside the one we carry.

The whole test suite runs on any of them: LONGHAUL_PG_BIN=/usr/lib/postgresql/15/bin make test
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app.engine import start
from app.engine.runtime import Registry
from app.humans.complete import complete
from app.stack.servers.binaries import installed_postgres, major_version
from app.stack.servers.postgres import EmbeddedPostgres
from app.store.database import Database
from app.store.journal.grouped import GroupedJournal
from app.store.migrate import upgrade
from app.store.records import verify
from tests.conftest import scratch_folder
from tests.support.journey import Travel, travel
from tests.support.roles import DECLARED
from tests.support.workflows_that_wait import PAY_FOR_GOOD, SETTLING, Settlement

INSTALLED = installed_postgres()
missing = pytest.mark.skip(reason="no Postgres is installed here beside the one that Longhaul carries")
PARAMS: list[Any] = [*INSTALLED] or [pytest.param(None, marks=missing)]


@pytest.fixture(
    scope="module",
    params=PARAMS,
    ids=lambda folder: folder and folder.parent.name,
)
def server_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server of the system's programs, with our tables."""
    folder: Path = request.param
    with scratch_folder(f"installed-{major_version(folder)}") as data, pytest.MonkeyPatch.context() as patch:
        patch.setenv("LONGHAUL_PG_BIN", str(folder))
        server = EmbeddedPostgres(data)
        server.start()
        try:
            with psycopg.connect(server.url()) as db:
                assert db.info.server_version // 10000 == major_version(folder)
            upgrade(server.url(), DECLARED)
            yield server.url()
        finally:
            server.stop("immediate")


@pytest.fixture
def settling(server_url: str) -> Iterator[Travel]:
    """Where an adjuster approves a payment, and a worker with its own role and the grouped journal pays."""
    with travel(server_url) as journey:
        journal = GroupedJournal(Database(server_url, "worker"))
        journey.rt.journal, journey.rt.workflows = journal, Registry((SETTLING,))
        journey.rt.tools = {PAY_FOR_GOOD.name: lambda key, params: {"payment_id": f"paid {params['amount']}"}}
        journey.enrol("bea", "adjuster")
        yield journey
        journal.close()


def test_a_run_goes_from_start_to_end_and_its_chain_tells_of_every_change(settling: Travel) -> None:
    def chain_holds() -> bool:
        return settling.rt.database.transact(lambda db: verify.verify(db, run_id)).holds

    run_id = settling.rt.database.transact(
        lambda db: start.start(db, SETTLING, subject="S-1", data=Settlement(), key=None, actor="test")
    ).run_id
    settling.go()
    complete(settling.rt, settling.one("SELECT id FROM human_tasks")["id"], by="bea", outcome="pay", answer={})
    settling.tamper("UPDATE approvals SET revoked_at = app_now()")
    settling.go()
    assert settling.run(run_id)["status"] == "WAITING_FOR_HUMAN", "paid for an approval that was revoked"
    again = settling.one("SELECT id FROM human_tasks WHERE status = 'OPEN' AND kind = 'approval'")["id"]
    complete(settling.rt, again, by="bea", outcome="approve", answer={"comment": "it was revoked by mistake"})
    settling.go()
    assert settling.run(run_id)["status"] == "COMPLETE"
    assert chain_holds()
    settling.tamper("UPDATE transition_rows SET actor = 'somebody else' WHERE run_id = %s AND seq = 3", run_id)
    assert not chain_holds()
