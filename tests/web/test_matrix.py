"""Role by address: whoever may not is refused and nothing changes; whoever may is not refused; nobody gets in unnamed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.testclient import TestClient

from app.accounts import keys, links, passwords, people
from app.accounts.keys import SCOPES
from app.accounts.people import Person
from app.engine.runtime import Runtime
from app.humans import complete
from app.humans import desk as humans_desk
from app.insurance.claimant import claimant_links
from app.store.database import Database
from app.store.human_tasks import human_tasks
from app.web.api.application import PREFIX
from app.web.application import application
from tests.web.complaints import ANSWER_GIVEN, Desk
from tests.web.conftest import Visitor, task_of
from tests.web.rights_table import API, OF_FLOWER, PAGES, PASSWORD, PUBLIC, PUBLIC_PAGES, ROLES, UNWALKED, Row

_OURS = {"Sec-Fetch-Site": "same-origin"}
# Counters of how often somebody tried, and when a session or a key was last seen, may and must change.
_COUNTERS = ("failed_attempts", "upload_rates")
_LAST_SEEN = {"sessions": "seen_at", "api_keys": "used_at"}


def walked(routes: Iterable[BaseRoute], prefix: str = "") -> Iterator[str]:
    """Every address of an application as `METHOD /path`. Fails at what it cannot look into."""
    for route in routes:
        if isinstance(route, Mount) and prefix + route.path not in UNWALKED:
            assert route.routes, f"{route.path} is a mount without routes: name it in UNWALKED, and say why"
            yield from walked(route.routes, prefix + route.path)
        elif inner := getattr(route, "original_router", None):
            yield from walked(inner.routes, prefix)
        elif isinstance(route, Route):
            yield from (f"{method} {prefix}{route.path}" for method in sorted(route.methods or ()))
        else:
            assert isinstance(route, Mount), f"{route!r} is a kind of route that nobody looks into"


def digest(owner: Database) -> str:
    """Of every row of every table, but for what may change."""
    with owner.transaction() as db:
        named = db.execute("SELECT relname FROM pg_stat_user_tables ORDER BY relname").fetchall()
        tables = [row["relname"] for row in named if row["relname"] not in _COUNTERS]
        parts = [
            f"SELECT '{t}' AS t, md5(string_agg(x, '|' ORDER BY x)) AS d"
            f" FROM (SELECT (to_jsonb(r) - '{_LAST_SEEN.get(t, '')}')::text AS x FROM {t} r) q"
            for t in tables
        ]
        return hashlib.sha256(repr(db.execute(" UNION ALL ".join(parts)).fetchall()).encode()).hexdigest()


@dataclass
class Stage:
    """Somebody of every role, and a new scene for every address."""

    web: Runtime
    owner: Database
    desk: Desk
    http: TestClient
    visitor: Callable[[str], Visitor]
    _seen: dict[str, Visitor] = field(default_factory=dict)

    def scene(self, address: str, row: Row) -> Mapping[str, Any]:
        """A run with all that an address may name."""
        fresh = f"fresh{uuid4().hex[:8]}"
        self.desk._bells.rung.clear()  # of what an address began: nobody works on that here
        run_id = self.desk.file(f"CMP-{fresh}")
        task_id = task_of(self.owner, run_id)
        with self.owner.transaction() as db:
            people.enrol(db, Person(f"{fresh}.target", "Target", ("auditor",), Decimal(0)))
            db.execute("UPDATE human_tasks SET role = %s WHERE id = %s", [row.role, task_id])
        link = claimant_links.make(self.web, run_id, by="inviter", asks="papers")  # who invites may not answer
        made: dict[str, Any] = {
            "fresh": fresh,
            "username": f"{fresh}.target",
            "uuid": uuid4(),
            "run": run_id,
            "run_id": run_id,
            "task_id": task_id,
            "link_id": link.id,
            "token": link.token,
            "form": claimant_links.form_token(link.token),
            "name": "x",
            "rest": "x/y",
            "sha256": "0" * 64,
            "number": 1,
            "kind": "csv",
            "action_id": uuid4(),
            "approval_id": uuid4(),
        }
        if "/sign-in/link/" in address:
            made["token"] = links.make(self.web, "adjuster", by="test").removeprefix(links.PATH)
        if "approval_id" in address:
            complete.complete(self.web, task_id, by="adjuster.two", outcome="pay", answer=ANSWER_GIVEN, row_version=1)
            with self.owner.transaction() as db:
                (given,) = db.execute("SELECT id FROM approvals WHERE task_id = %s", [task_id]).fetchall()
            made["approval_id"] = given["id"]
        if "key_id" in address:
            target = f"{fresh}.target"
            made["key_id"] = keys.create(self.web, target, name="x", scopes=("read",), days=1, by="test").id
        if row.held:
            humans_desk.claim(self.web, task_id, by="adjuster")
        if "unsnooze" in address:
            with self.owner.transaction() as db:
                db.execute(
                    "UPDATE human_tasks SET snoozed_until = app_now() + interval '1 day' WHERE id = %s", [task_id]
                )
        with self.owner.transaction() as db:
            task = human_tasks.read(db, task_id)
        assert task
        return made | {"version": task.row_version}

    def as_role(self, role: str) -> Visitor:
        """Somebody of a role, signed in."""
        if role not in self._seen:
            self._seen[role] = self.visitor(role)
        return self._seen[role]

    def nobody(self, cookie: str = "") -> Visitor:
        """A browser without a session, or with a cookie that names none."""
        http = TestClient(self.http.app, base_url="http://127.0.0.1:8710", raise_server_exceptions=False)
        if cookie:
            http.cookies.set("longhaul_session", cookie)
        return Visitor(http, "")

    def key(self, role: str, *scopes: str) -> dict[str, str]:
        """The header of a program of somebody of a role."""
        secret = keys.create(self.web, role, name="test", scopes=scopes or SCOPES, days=1, by="test").secret
        return {"Authorization": f"Bearer {secret}"}


@pytest.fixture
def stage(web: Runtime, owner: Database, desk: Desk, visitor: Callable[[str], Visitor]) -> Stage:
    with owner.transaction() as db:
        for role in ROLES:
            people.enrol(db, Person(role, f"One {role}", (role,), Decimal(25000), "EUR"))
        people.enrol(db, Person("adjuster.two", "Another adjuster", ("adjuster",), Decimal(25000), "EUR"))
        people.enrol(db, Person("inviter", "Who invites", ("adjuster",), Decimal(0)))
    passwords.change(web, "adjuster", PASSWORD)
    http = TestClient(application(web), base_url="http://127.0.0.1:8710", raise_server_exceptions=False)
    return Stage(web, owner, desk, http, visitor)


def filled(value: Any, scene: Mapping[str, Any]) -> Any:
    """A template with the names of a scene in it."""
    if isinstance(value, str):
        for name, text in scene.items():
            value = value.replace(f"{{{name}}}", str(text)).replace(f"{{{name}:uuid}}", str(text))
        return value.replace("{rest:path}", "x/y").replace("{name:path}", "x")
    if isinstance(value, Mapping):
        return {filled(name, scene): filled(inner, scene) for name, inner in value.items()}
    return [filled(inner, scene) for inner in value] if isinstance(value, list) else value


def post(who: Visitor, path: str, row: Row, scene: Mapping[str, Any], token: str) -> Response:
    """Send a form as a page does; the claimant's has files and a token of its own."""
    sent = filled(row.sends, scene) | {"csrf": token}
    if row.files:
        sent |= {} if token else {"form": "wrong"}
        files = [("files", ("a.pdf", b"%PDF-1.4 one", "application/pdf"))]
        answer: Response = who.http.post(path, data=sent, files=files, headers=_OURS, follow_redirects=False)
    else:
        answer = who.http.post(path, data=sent, headers=_OURS, follow_redirects=False)
    return answer


def call(
    stage: Stage, address: str, row: Row, scene: Mapping[str, Any], headers: Mapping[str, str], who: Any = None
) -> Response:
    """Ask the API as a program does."""
    method, _, path = address.partition(" ")
    body: dict[str, Any] = {"json": filled(row.sends, scene)} if row.sends else {}
    if row.files:
        body = {"files": [("documents", ("a.txt", b"one", "text/plain"))]}
    told = {**filled(row.headers, scene), **headers}
    answer: Response = (who or stage.http).request(method, PREFIX + filled(path, scene), headers=told, **body)
    return answer


def is_refused(answer: Response, row: Row) -> bool:
    to_sign_in = answer.status_code == 303 and answer.headers["location"].startswith("/sign-in")
    return to_sign_in or answer.status_code in (*row.refused, 401)


def test_every_address_that_changes_something_stands_in_the_table(stage: Stage) -> None:
    changing = {a for a in walked(stage.http.app.routes) if not a.startswith(("GET ", "HEAD ", "OPTIONS "))}  # type: ignore[attr-defined]
    named = set(PAGES) | {a.replace(" ", f" {PREFIX}", 1) for a in API}
    changing -= OF_FLOWER
    assert changing - named == set(), "give each a line in tests/web/rights_table.py"
    assert named - changing == set(), "these addresses are gone"


def test_a_page_changes_nothing_for_whoever_may_not(stage: Stage) -> None:
    wrong = []
    for address, row in PAGES.items():
        path = address.partition(" ")[2]
        scene = stage.scene(address, row)
        where = filled(path, scene)
        trusted = stage.nobody() if row.needs == PUBLIC else stage.as_role(min(row.may))
        tried: list[tuple[str, Visitor, str]] = [("without the token", trusted, "")]
        if row.needs != PUBLIC:
            tried += [
                (role, one, one.token("/account"))
                for role in sorted(set(ROLES) - row.may)
                for one in [stage.as_role(role)]
            ]
            for one in (stage.nobody(), stage.nobody(cookie=scene["token"])):
                tried.append(("nobody", one, one.token("/sign-in")))
        before = digest(stage.owner)
        for name, who, token in tried:
            answer = post(who, where, row, scene, token)
            if not is_refused(answer, row) or (not token and answer.status_code != 403):
                wrong.append(f"{address} by {name}: {answer.status_code}")
        if digest(stage.owner) != before:
            wrong.append(f"{address} changed something for somebody who may not")
    assert wrong == []


def test_the_api_changes_nothing_for_whoever_may_not(stage: Stage) -> None:
    wrong = []
    for address, row in API.items():
        scene, may = stage.scene(address, row), min(row.may)
        lacking = [scope for scope in SCOPES if scope != row.scope]
        tried = [(role, stage.key(role)) for role in sorted(set(ROLES) - row.may)]
        tried += [(f"{may} without the scope {row.scope}", stage.key(may, *lacking)), ("nobody", {})]
        tried += [("a claimant", {"Authorization": f"Bearer {scene['token']}"})]
        session = stage.as_role(may).http
        before = digest(stage.owner)
        for name, headers in tried:
            answer = call(stage, address, row, scene, headers)
            if answer.status_code not in (row.refused if headers and name != "a claimant" else (401,)):
                wrong.append(f"{address} by {name}: {answer.status_code}")
        if (without := call(stage, address, row, scene, _OURS, session)).status_code != 403:
            wrong.append(f"{address} by a session without its token: {without.status_code}")
        if digest(stage.owner) != before:
            wrong.append(f"{address} changed something for somebody who may not")
    assert wrong == []


def test_whoever_may_is_not_refused(stage: Stage) -> None:
    wrong = []
    for address, row in [*PAGES.items(), *API.items()]:
        for role in sorted(row.may) if row.needs != PUBLIC else ["nobody"]:
            scene = stage.scene(address, row)
            if address in API:
                headers = stage.key(role)
                before, answer = digest(stage.owner), call(stage, address, row, scene, headers)
            else:
                who = stage.nobody() if role == "nobody" else stage.visitor(role)
                token = who.token("/sign-in")
                before, answer = (
                    digest(stage.owner),
                    post(who, filled(address.partition(" ")[2], scene), row, scene, token),
                )
            done = answer.status_code in (200, 201, 303) and digest(stage.owner) != before
            if not done if row.changes else answer.status_code in (401, 403):
                wrong.append(f"{address} by {role}: {answer.status_code} {json.dumps(answer.text[-300:])}")
    assert wrong == []


def test_nothing_is_shown_to_nobody(stage: Stage) -> None:
    shown = {a for a in walked(stage.http.app.routes) if a.startswith("GET ")}  # type: ignore[attr-defined]
    assert shown >= PUBLIC_PAGES
    scene, wrong = stage.scene("", Row(needs=PUBLIC)), []
    for address in sorted(shown - PUBLIC_PAGES):
        path = filled(address.partition(" ")[2], scene)
        for who in (stage.nobody(), stage.nobody(cookie=scene["token"])):
            answer = who.http.get(path, follow_redirects=False)
            if path.startswith(PREFIX):
                fits = answer.status_code == 401
            else:
                fits = answer.status_code == 303 and answer.headers["location"].startswith("/sign-in?next=")
            if not fits:
                wrong.append(f"{address}: {answer.status_code}")
    assert wrong == []
