"""Programs with keys, whose every answer is held against the API's own description."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from httpx2 import Response
from jsonschema import Draft202012Validator
from starlette.testclient import TestClient

from app.accounts import keys
from app.accounts.keys import SCOPES
from app.engine.runtime import Runtime
from app.settings import Settings
from app.web.api.application import PREFIX, description
from app.web.application import application


def conforms(method: str, path: str, response: Response) -> None:
    """Fail unless the answer is one that the description tells of."""
    told = description(Settings().application)
    bare = path.partition("?")[0]
    for shape, operations in told["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", shape), bare) and method.lower() in operations:
            answer = operations[method.lower()]["responses"].get(str(response.status_code))
            assert answer, f"{method} {shape} tells of no {response.status_code}: {response.text}"
            kind = response.headers["content-type"].partition(";")[0]
            schema = answer["content"][kind]["schema"]
            if "json" in kind:
                whole = {**schema, "components": told["components"]}
                Draft202012Validator(whole).validate(json.loads(response.text))
            return
    assert response.status_code in (404, 405), f"{method} {path} is not described"


@dataclass
class Program:
    """A program with a key."""

    http: TestClient
    key: str
    headers: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, **more: Any) -> Response:
        """A request whose answer must be as described."""
        headers = {"Authorization": f"Bearer {self.key}", **self.headers, **more.pop("headers", {})}
        response: Response = self.http.request(method, PREFIX + path, headers=headers, **more)
        conforms(method, path, response)
        return response

    def get(self, path: str, **more: Any) -> Response:
        """A GET."""
        return self.ask("GET", path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> Response:
        """A POST of JSON."""
        return self.ask("POST", path, **({"json": body} if body is not None else {}), **more)


@pytest.fixture
def http(web: Runtime) -> TestClient:
    return TestClient(application(web), base_url="http://127.0.0.1:8710", raise_server_exceptions=False)


@pytest.fixture
def program(web: Runtime, http: TestClient) -> Callable[..., Program]:
    """Make a key for somebody, and a program that uses it."""

    def make(username: str = "ada.quillmore", *, scopes: tuple[str, ...] = SCOPES, days: float | None = 1) -> Program:
        return Program(http, keys.create(web, username, name="test", scopes=scopes, days=days, by="test").secret)

    return make
