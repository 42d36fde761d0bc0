"""Green, red, and what people see while the database is away."""

from __future__ import annotations

from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from app.engine.runtime import Runtime
from app.store.database import Database
from app.sweeps import periods
from app.web.application import application
from tests.support.clock import later
from tests.support.dispatchers import SilentDispatcher
from tests.web.complaints import runtime
from tests.web.conftest import Visitor


@pytest.fixture
def client(web: Runtime) -> TestClient:
    return TestClient(application(web), base_url="http://web:8710")


def test_red_until_every_sweep_has_begun_then_green_then_red_when_one_is_overdue(
    client: TestClient, web: Runtime, owner: Database
) -> None:
    every = periods(web.settings)
    red = client.get("/healthz")
    assert (red.status_code, red.json()["overdue_sweeps"]) == (503, sorted(every))
    with owner.transaction() as db:
        for name in every:
            db.execute("INSERT INTO sweeps (name, last_started_at) VALUES (%s, app_now())", [name])
    green = client.get("/healthz")
    assert (green.status_code, green.json()) == (200, {"status": "ok", "database": "ok", "overdue_sweeps": []})
    slowest = max(every, key=lambda name: every[name])
    with owner.transaction() as db:
        db.execute("UPDATE sweeps SET last_started_at = last_started_at + interval '1 hour'")
        db.execute(later(timedelta(seconds=3600 + every[slowest] * 2 - 30)))
    still = client.get("/healthz").json()["overdue_sweeps"]
    assert slowest not in still
    assert "dispatch" in still
    with owner.transaction() as db:
        db.execute(later(timedelta(seconds=40)))
    assert slowest in client.get("/healthz").json()["overdue_sweeps"]


def test_red_and_a_clear_page_while_the_database_is_away(
    web: Runtime, ada: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = runtime(
        web.settings.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:9/none"}),
        "web",
        SilentDispatcher(),
    )
    monkeypatch.setattr(web, "database", gone.database)
    gone.database.pool.timeout = 0.2
    try:
        assert ada.get("/healthz").json() == {"status": "red", "database": "does not answer", "overdue_sweeps": []}
        form = {"csrf": "unknown", "answer.comment": "Not to be lost."}
        answer = ada.http.post("/tasks/01934f7e-8c1a-7d2e-9b1f-3a5c7e9d1f20/complete", data=form)
        assert ada.get("/inbox").status_code == 503
        assert "The database does not answer" in ada.get("/inbox").text
        assert "Not to be lost." in answer.text
    finally:
        gone.database.close()
