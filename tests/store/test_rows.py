"""What the store gives out of a row is what this release knows of it, whatever a later one has added."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.core.ids import new_id
from app.core.statuses import ActionStatus
from app.store.accounts import api_keys, sessions, upload_links, users
from app.store.database import connect
from app.store.ledger import actions
from app.store.records import documents, refused
from app.store.rows import columns, told
from app.store.workers import workers
from tests.store.test_documents_elsewhere import Office

TABLES = ("actions", "api_keys", "documents", "refused_messages", "sessions", "upload_links", "users", "workers")


def test_a_column_that_a_later_release_adds_is_no_concern_of_this_one(database_url: str) -> None:
    with connect(database_url, "owner") as db:
        for table in TABLES:
            db.execute(f"ALTER TABLE {table} ADD COLUMN of_a_later_release text NOT NULL DEFAULT 'new'")
        office = Office(db)
        run_id = office.run("S-1")
        office.action(run_id, "EXECUTED")
        (action,) = actions.of_run(db, run_id)
        assert (action.status, action.amount, action.reference) == (ActionStatus.EXECUTED, Decimal("12.50"), None)
        standing = actions.standing(db, action.id)
        assert standing is not None and told(standing).keys() >= {"payee", "needs", "asks"}
        users.upsert(db, "ada", "Ada", ["adjuster"], Decimal(7), "USD")
        assert [(one.username, one.has_password) for one in users.everyone(db)] == [("ada", False)]
        key = api_keys.insert(db, new_id(), "h", username="ada", name="k", scopes=["read"], by="x", days=None)
        assert api_keys.everyones(db) == [key]
        sessions.begin(db, "s", username="ada", csrf="c", let_in_by="link", lasts_seconds=60, agent="a")
        session = sessions.find(db, "s", idle_seconds=60)
        assert session is not None and session.username == "ada"
        upload_links.insert(db, new_id(), run_id, token_hash="t", asks="a bill", by="ada", days=1)
        assert [link.live for link in upload_links.of_run(db, run_id)] == [True]
        assert [document.filename for document in documents.of_run(db, run_id)] == ["f.pdf"]
        kind = refused.Refused(fingerprint="f", what="bell", queue="q", name="n", reason="r", count=2)
        refused.note(db, [kind])
        assert [found.count for found in refused.standing(db)] == [2]
        workers.register(db, new_id(), lock_key=1, liveness="ping", host="h", pid=1, queues=["q"], slots=3)
        assert [worker.slots for worker in workers.living(db)] == [3]


@pytest.mark.parametrize(("table", "begins"), [("", "id, username, "), ("k", "k.id, k.username, ")])
def test_the_columns_of_a_statement_are_the_fields_of_its_type(table: str, begins: str) -> None:
    named = columns(api_keys.ApiKey, table)
    assert named.startswith(begins) and len(named.split(", ")) == 9
