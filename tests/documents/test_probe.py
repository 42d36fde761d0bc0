"""Workers find out by themselves whether all hosts share one store of documents."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from app.core.ids import new_id
from app.documents import probe
from app.documents.storage import DocumentStore
from app.store.database import Database
from app.store.workers import workers


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """As a worker has it: it may write its probe and say what it cannot read."""
    found = Database(database_url, "worker")
    yield found
    found.close()


def start(database: Database, monkeypatch: pytest.MonkeyPatch, host: str, folder: Path) -> UUID:
    """A worker starts on a host whose documents lie in this folder."""
    monkeypatch.setattr("socket.gethostname", lambda: host)
    worker = new_id()
    with database.transaction() as db:
        workers.register(db, worker, lock_key=1, liveness="ping", host=host, pid=1, queues=[], slots=1)
    probe.look(database, DocumentStore(folder), str(folder), worker)
    return worker


def cannot_read(database: Database) -> dict[str, list[str]]:
    """What each living worker says, by its host."""
    return {worker.host: list(worker.cannot_read) for worker in database.transact(workers.living)}


def test_hosts_that_share_a_store_read_each_other(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for host in ("north", "south", "north"):
        start(database, monkeypatch, host, tmp_path / "shared")
    assert cannot_read(database) == {"north": [], "south": []}
    assert probe.unread(database, DocumentStore(tmp_path / "shared")) == []
    assert probe.unread(database, DocumentStore(tmp_path / "elsewhere")) == ["north", "south"]


def test_a_host_with_a_store_of_its_own_says_whose_documents_it_cannot_read(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(database, monkeypatch, "north", tmp_path / "north")
    apart = start(database, monkeypatch, "south", tmp_path / "south")
    assert cannot_read(database) == {"north": [], "south": ["north"]}
    with database.transaction() as db:
        workers.leave(db, apart)
    start(database, monkeypatch, "south", tmp_path / "north")  # mended, and started again
    assert cannot_read(database) == {"north": [], "south": []}


def test_a_host_that_is_gone_is_not_waited_for(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = start(database, monkeypatch, "north", tmp_path / "north")
    with database.transaction() as db:
        workers.leave(db, gone)
    start(database, monkeypatch, "south", tmp_path / "south")
    assert cannot_read(database) == {"south": []}


def test_a_store_that_cannot_be_written_is_said_and_ends_nothing(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    start(database, monkeypatch, "north", tmp_path / "file")
    assert cannot_read(database) == {"north": ["north"]}
