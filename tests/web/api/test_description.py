"""The description is whole: every operation has examples that fit, and tells of its problems."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import regex
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend
from starlette.testclient import TestClient

from app.settings import Settings
from app.web.api.application import description
from tests.web.markup import Page


def _pattern(_validator: Any, pattern: str, value: Any, _schema: Any) -> Iterator[ValidationError]:
    """As JSON schema writes patterns, with classes of Unicode, which `re` does not know."""
    if isinstance(value, str) and not regex.search(pattern, value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


Validator = extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]


def test_every_answer_and_body_has_an_example_that_fits() -> None:
    told, seen = description(Settings().application), 0
    for path, operations in told["paths"].items():
        for method, one in operations.items():
            sent = one.get("requestBody", {}).get("content", {})
            for status, answer in [("body", {"content": sent}), *one["responses"].items()]:
                for kind, content in answer["content"].items():
                    assert "example" in content, f"{method} {path} {status} {kind} has no example"
                    if kind.endswith("json"):
                        schema = {**content["schema"], "components": told["components"]}
                        Validator(schema).validate(content["example"])
                        seen += 1
    assert seen > 200


def test_every_operation_tells_of_its_problems() -> None:
    for operations in description(Settings().application)["paths"].values():
        for method, one in operations.items():
            assert {"401", "403", "422", "429", "500", "503"} <= set(one["responses"])
            assert one["description"]
            if method == "post":
                assert "Idempotency-Key" in [p["name"] for p in one["parameters"]]


def test_the_description_and_its_page_are_served(http: TestClient) -> None:
    assert http.get("/api/v1/openapi.json").json()["openapi"].startswith("3.1")
    page = http.get("/api")
    assert page.status_code == 200 and "POST /api/v1/claims" in Page(page.text).text and 'id="problem-412"' in page.text
