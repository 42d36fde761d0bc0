"""A desk with runs on it, the pages over it, and people signed in to them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from app.accounts import links, people
from app.accounts.people import Person
from app.engine.runtime import Runtime
from app.settings import Settings
from app.store.database import Database
from app.store.human_tasks import task_list
from app.store.human_tasks.task_list import TaskFilter
from app.web.application import application
from tests.support.dispatchers import SilentDispatcher
from tests.web.complaints import Desk, runtime

PEOPLE = (
    Person("ada.quillmore", "Ada Quillmore, Adjuster", ("adjuster",), Decimal(25000), "EUR"),
    Person("bela.ostrander", "Bela Ostrander, Adjuster", ("adjuster",), Decimal(25000), "EUR"),
    Person("carl.vintergard", "Carl Vintergard, Operator", ("operator",), Decimal(0)),
)
_TOKEN = re.compile(r'name="csrf" value="([^"]+)"')


@dataclass
class Visitor:
    """A browser without scripts: follows redirects, sends what the forms hold."""

    http: TestClient
    username: str
    headers: Mapping[str, str] = field(default_factory=lambda: {"Sec-Fetch-Site": "same-origin"})

    def get(self, path: str) -> Response:
        """A page."""
        page: Response = self.http.get(path, headers=dict(self.headers))
        return page

    def let_in(self) -> Visitor:
        """Sign in by a one-time link: the first time, and again after a session has ended."""
        token = links.make(self.http.app.state.rt, self.username, by="test")  # type: ignore[attr-defined]
        signed = self.post(f"{links.PATH}{token}")
        assert signed.status_code == 200, signed.text
        return self

    def token(self, path: str = "/") -> str:
        """The session's token, as a page's form holds it."""
        found = _TOKEN.search(self.get(path).text)
        assert found, f"{path} holds no form"
        return found[1]

    def post(self, path: str, **form: Any) -> Response:
        """Send a form with the session's own token."""
        token = self.token("/sign-in")
        page: Response = self.http.post(path, data={"csrf": token, **form}, headers=dict(self.headers))
        return page

    def answer(self, task: UUID, outcome: str, *, row_version: int = 1, **answers: str) -> Response:
        """Complete a task; whatever is not given is sent as the form shows it."""
        usual = {
            "comment": "The photographs agree.",
            "amount": "1240.00",
            "wheels": "2",
            "severity": "slight",
            "seen": "true",
        }
        typed = {f"answer.{name}": text for name, text in (usual | answers).items()}
        return self.post(f"/tasks/{task}/complete", outcome=outcome, row_version=str(row_version), **typed)


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> Settings:
    return Settings(database_url=database_url, data_dir=tmp_path / "data")


@pytest.fixture
def owner(config: Settings) -> Iterator[Database]:
    """The database as its owner sees it, with the people enrolled."""
    database = Database(config.database_url, "owner")
    with database.transaction() as db:
        for person in PEOPLE:
            people.enrol(db, person)
    yield database
    database.close()


@pytest.fixture
def bells() -> SilentDispatcher:
    return SilentDispatcher()


@pytest.fixture
def desk(config: Settings, owner: Database, bells: SilentDispatcher) -> Iterator[Desk]:
    worker = runtime(config, "worker", bells)
    yield Desk(worker, bells)
    worker.database.close()


@pytest.fixture
def web(config: Settings, owner: Database, bells: SilentDispatcher) -> Iterator[Runtime]:
    rt = runtime(config, "web", bells)
    yield rt
    rt.database.close()


@pytest.fixture
def visitor(web: Runtime) -> Callable[[str], Visitor]:
    """Sign somebody in, each with a browser of their own."""
    app = application(web)

    def sign_in(username: str) -> Visitor:
        client = TestClient(app, base_url="http://127.0.0.1:8710", raise_server_exceptions=False)
        return Visitor(client, username).let_in()

    return sign_in


@pytest.fixture
def ada(visitor: Callable[[str], Visitor]) -> Visitor:
    return visitor("ada.quillmore")


@pytest.fixture
def bela(visitor: Callable[[str], Visitor]) -> Visitor:
    return visitor("bela.ostrander")


@pytest.fixture
def carl(visitor: Callable[[str], Visitor]) -> Visitor:
    return visitor("carl.vintergard")


def task_of(database: Database, run_id: UUID) -> UUID:
    """The newest human task of a run."""
    with database.transaction() as db:
        return task_list.page(db, TaskFilter(status=None, run=run_id))[-1].id
