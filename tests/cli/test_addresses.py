"""A link that is printed opens where people reach the pages."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Longhaul

FAR = {"LONGHAUL_WEB_HOST": "0.0.0.0", "LONGHAUL_PUBLIC_URL": "https://claims.example.com"}


@pytest.mark.parametrize(
    ("env", "begins"),
    [
        (FAR, "https://claims.example.com/"),
        ({"LONGHAUL_WEB_HOST": "0.0.0.0", "LONGHAUL_WEB_PORT": "9000"}, "http://127.0.0.1:9000/"),
        ({"LONGHAUL_WEB_HOST": "claims.internal"}, "http://claims.internal:8710/"),
    ],
    ids=["public address", "listens everywhere", "listens by name"],
)
def test_a_link_for_a_person_has_the_address_they_use(longhaul: Longhaul, env: dict[str, str], begins: str) -> None:
    told = longhaul("people", "first-admin", "ada", env=env)
    assert told.stdout.startswith(begins), told.output
    again = longhaul("people", "link", "ada", env=env)
    assert again.stdout.startswith(begins), again.output
