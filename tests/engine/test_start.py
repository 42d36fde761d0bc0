"""A start that is refused has written nothing, whatever the caller does about it; a key names a run that exists."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from app import client
from app.core.canonical import canonical, digest
from app.core.errors import BadInput, KeyReused
from app.core.workflow import Step, Workflow
from tests.support.small_workflows import PAYING, Bill
from tests.support.waiting import wait_for

Caller = psycopg.Connection[Any]
_TABLES = ("idempotency_keys", "runs", "run_data", "run_names", "checkpoints", "transitions")


def _fails(data: Bill) -> list[tuple[str, str]]:
    raise BadInput("names: this bill has none")


NAMELESS = Workflow(
    name="nameless",
    version=1,
    data=Bill,
    starts_at="A",
    names=_fails,
    states=[Step("A", does=lambda step, data: "done", then={"done": "COMPLETE"})],
)


@pytest.fixture(params=["a transaction of the caller", "autocommit"])
def db(request: pytest.FixtureRequest, database_url: str) -> Iterator[Caller]:
    with psycopg.connect(database_url, autocommit=request.param == "autocommit") as caller:
        yield caller


def _written(db: Caller) -> dict[str, int]:
    counts = {}
    for table in _TABLES:
        found = db.execute(f"SELECT count(*) FROM {table}").fetchone()
        counts[table] = found[0] if found else 0
    return counts


@pytest.mark.parametrize(
    ("workflow", "subject", "data"),
    [(PAYING, "taken", {"purposes": ["another"]}), (PAYING, "bad", {"purposes": 7}), (NAMELESS, "bad", {})],
    ids=["a subject that has a run", "data that does not fit", "names that cannot be read"],
)
def test_what_is_refused_leaves_its_key_to_whoever_asks_again(
    db: Caller, workflow: Workflow, subject: str, data: dict[str, Any]
) -> None:
    client.start(db, PAYING, subject="taken", data={})
    before = _written(db)
    with pytest.raises((KeyReused, BadInput)):
        client.start(db, workflow, subject=subject, data=data, key="order-1")
    db.commit()
    assert _written(db) == before
    again = client.start(db, PAYING, subject="free", data={}, key="order-1")
    twice = client.start(db, PAYING, subject="free", data={}, key="order-1")
    db.commit()
    assert (again.new, twice.new, twice.run_id) == (True, False, again.run_id)
    assert db.execute("SELECT count(*) FROM runs WHERE id = %s", [again.run_id]).fetchone() == (1,)


def test_a_start_commits_nothing_that_is_the_callers_to_commit(database_url: str) -> None:
    with psycopg.connect(database_url) as db:
        before = _written(db)
        db.commit()
        assert client.start(
            db, PAYING, subject="a", data={}, key="order-1"
        ).new  # the first statement of its transaction
        db.rollback()
        assert _written(db) == before
        assert client.start(db, PAYING, subject="a", data={}, key="order-1").new


def test_a_key_that_names_no_run_is_given_to_whoever_asks_again(db: Caller) -> None:
    """As releases before this one left them: the key of a start that was refused."""
    first = client.start(db, PAYING, subject="a", data={}, key="order-1")
    lost = "01900000-0000-7000-8000-000000000000"
    db.execute("UPDATE idempotency_keys SET answer = jsonb_build_object('run_id', %s::text)", [lost])
    db.execute("UPDATE runs SET subject = 'of somebody else' WHERE id = %s", [first.run_id])
    started = client.start(db, PAYING, subject="a", data={}, key="order-1")
    assert started.new
    assert client.start(db, PAYING, subject="a", data={}, key="order-1").run_id == started.run_id


@pytest.mark.parametrize("first_commits", [True, False])
def test_of_two_callers_with_one_key_exactly_one_starts_the_run(database_url: str, first_commits: bool) -> None:
    """The second waits for the first, and starts the run if the first takes it back."""

    def second() -> client.Started:
        with psycopg.connect(database_url) as db:
            waiting.append(db.info.backend_pid)
            return client.start(db, PAYING, subject="a", data={}, key="order-1")

    waiting: list[int] = []
    with psycopg.connect(database_url) as db, ThreadPoolExecutor(1) as thread:
        first = client.start(db, PAYING, subject="a", data={}, key="order-1")
        other = thread.submit(second)
        wait_for(lambda: waiting and _blocked(database_url, waiting[0]), "the second caller to wait for the first")
        (db.commit if first_commits else db.rollback)()
        answer = other.result(60)
        assert (first.new, answer.new) == (True, not first_commits)
        assert (answer.run_id == first.run_id) == first_commits
        assert db.execute("SELECT id FROM runs").fetchall() == [(answer.run_id,)]


def _blocked(database_url: str, pid: int) -> bool:
    with psycopg.connect(database_url, autocommit=True) as db:
        return bool(db.execute("SELECT 1 WHERE cardinality(pg_blocking_pids(%s)) > 0", [pid]).fetchone())


class Longer(Bill):
    """The data of a later version, which has a field more."""

    added: str = "by itself"


LATER = Workflow(
    name=PAYING.name,
    version=PAYING.version + 1,
    data=Longer,
    starts_at="A",
    states=[Step("A", does=lambda step, data: "done", then={"done": "COMPLETE"})],
)


def test_what_was_sent_before_a_new_version_is_the_same_when_it_is_sent_again(db: Caller) -> None:
    first = client.start(db, PAYING, subject="a", data={"purposes": ["fee"]}, key="order-1")
    again = client.start(db, LATER, subject="a", data={"purposes": ["fee"]}, key="order-1")
    assert (again.run_id, again.new) == (first.run_id, False)
    with pytest.raises(KeyReused):
        client.start(db, LATER, subject="a", data={"purposes": ["fee"], "added": "by somebody"}, key="order-1")


@pytest.mark.parametrize("data", [{"purposes": ["fee"]}, Bill(purposes=["fee"])], ids=["a mapping", "a model"])
def test_a_key_of_an_earlier_release_is_recognised(db: Caller, data: Any) -> None:
    first = client.start(db, PAYING, subject="a", data=data, key="order-1")
    whole = digest(canonical([PAYING.name, "a", canonical(Bill(purposes=["fee"]))]))
    db.execute("UPDATE idempotency_keys SET body_hash = %s WHERE key = 'order-1'", [whole])
    for workflow in (PAYING, LATER):
        assert client.start(db, workflow, subject="a", data=data, key="order-1").run_id == first.run_id
