"""API keys on their page: shown once, in one's own name, with proof that one is there; ended by their person or an administrator."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from starlette.testclient import TestClient

from app.accounts import keys, passwords, people
from app.engine.runtime import Runtime
from app.store.database import Database
from app.web.application import application
from tests.support.clock import later
from tests.web.conftest import Visitor
from tests.web.markup import Page

READ = {"name": "claims portal", "scope.read": "yes", "days": "30"}


def secret_on(page: str) -> str:
    found = re.search(r"lh_[0-9a-f]{32}_[\w-]+", page)
    assert found, "no key is shown"
    return found[0]


def asks(web: Runtime, secret: str) -> int:
    http = TestClient(application(web), base_url="http://127.0.0.1:8710")
    return int(http.get("/api/v1/runs", headers={"Authorization": f"Bearer {secret}"}).status_code)


def test_a_key_is_made_shown_once_and_ended(ada: Visitor, web: Runtime) -> None:
    made = ada.post("/keys", **READ)
    secret = secret_on(made.text)
    assert Page(made.text).problems == [] and asks(web, secret) == 200
    shown = ada.get("/keys").text
    assert "claims portal" in shown and secret not in shown
    (key,) = keys.listed(web, "ada.quillmore")
    assert key.scopes == ["read"] and key.created_by == "person:ada.quillmore"
    assert "ended" in ada.post(f"/keys/{key.id}/revoke").text
    assert asks(web, secret) == 401


def test_whoever_makes_a_key_proves_that_they_are_there(ada: Visitor, web: Runtime, owner: Database) -> None:
    with owner.transaction() as db:
        db.execute(later(timedelta(minutes=20)))
    late = ada.post("/keys", **READ)
    assert late.status_code == 403 and "sign in by a new one" in late.text
    assert 'value="claims portal"' in late.text, "what was typed comes back"
    with owner.transaction() as db:
        row = db.execute(
            "SELECT id_hash FROM sessions WHERE username = 'ada.quillmore' ORDER BY created_at DESC"
        ).fetchone()
    assert row is not None
    passwords.change(web, "ada.quillmore", "a few words in a row", keep_session=row["id_hash"])
    assert ada.post("/keys", **READ, old="another").status_code == 403
    assert keys.listed(web, "ada.quillmore") == []
    assert ada.post("/keys", **READ, old="a few words in a row").status_code == 200


def test_what_does_not_fit_is_told_and_nothing_is_made(ada: Visitor, web: Runtime) -> None:
    for wrong, said in (
        ({"days": "0"}, "days"),
        ({"days": "x"}, "days"),
        ({"scope.read": ""}, "scope"),
        ({"name": " "}, "name"),
    ):
        answer = ada.post("/keys", **{**READ, **wrong})
        assert answer.status_code == 422 and f"No key was made: {said}" in answer.text, wrong
    assert keys.listed(web) == []


def test_somebody_elses_key_is_neither_seen_nor_ended_but_by_an_administrator(
    ada: Visitor, visitor: Callable[[str], Visitor], web: Runtime, owner: Database
) -> None:
    ada.post("/keys", **READ)
    key_id: UUID = keys.listed(web)[0].id
    carl = visitor("carl.vintergard")
    assert "claims portal" not in carl.get("/keys").text
    assert carl.post(f"/keys/{key_id}/revoke").status_code == 403
    assert keys.listed(web)[0].revoked_at is None
    with owner.transaction() as db:
        people.enrol(db, people.Person("dora.pemberline", "Dora Pemberline", ("admin",), Decimal(0)))
    admin = visitor("dora.pemberline")
    assert "claims portal" in admin.get("/keys").text
    assert admin.post(f"/keys/{key_id}/revoke").status_code == 200
    assert keys.listed(web)[0].revoked_at is not None
    assert admin.post(f"/keys/{UUID(int=7)}/revoke").status_code == 404
