"""A start that cannot be is refused with its reason in a row, whatever is wrong with its message."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from app.store.database import Database
from tasks import intake
from tests.support.journey import Travel, travel


def refused(journey: Travel) -> list[tuple[str, str, int]]:
    rows = journey.rows("SELECT what, reason, count FROM refused_messages ORDER BY id")
    return [(row["what"], row["reason"], row["count"]) for row in rows]


@pytest.mark.parametrize(
    ("arguments", "named", "why"),
    [
        (("nowhere", "S-1", {}, "k"), {}, "there is no workflow 'nowhere'"),
        (("journey", "S-1", {"mood": "odd"}, "k"), {}, "mood: Input should be 'well'"),
        (
            ("journey", "S-1", {}, "k", "more"),
            {},
            "a start takes workflow, subject, data and key, and was given 1 more",
        ),
        (("journey",), {"claim": "S-1", "body": {}}, "and was given 2 more, 'body', 'claim'"),
        ((), {}, "there is no workflow 'None'"),
    ],
)
def test_a_wrong_start_is_refused_with_its_reason(
    database_url: str, monkeypatch: pytest.MonkeyPatch, arguments: Any, named: Any, why: str
) -> None:
    with travel(database_url) as journey:
        journey.rt.database = Database(database_url, "worker")
        monkeypatch.setattr(intake, "process_runtime", lambda: journey.rt)
        for _ in range(2):
            intake.start(*arguments, **named)
        ((what, reason, count),) = refused(journey)
        assert (what, count) == ("start", 2) and why in reason
        assert journey.rows("SELECT 1 FROM runs") == []
        journey.rt.database.close()


def test_a_start_that_the_database_does_not_understand_is_refused_too(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with travel(database_url) as journey:
        monkeypatch.setattr(intake, "process_runtime", lambda: journey.rt)
        with pytest.raises(psycopg.DataError):
            intake.start("journey", "a\0b", {}, "k")
        ((what, reason, _),) = refused(journey)
        assert what == "start" and "NUL" in reason


def test_a_start_that_the_workflows_own_code_falls_over_is_refused_too(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def falls_over(name: str) -> Any:
        raise TypeError("the names of this workflow cannot be told")

    with travel(database_url) as journey:
        monkeypatch.setattr(intake, "process_runtime", lambda: journey.rt)
        monkeypatch.setattr(journey.rt, "workflows", SimpleNamespace(newest=falls_over))
        with pytest.raises(TypeError):
            intake.start("journey", "S-1", {}, "k")
        assert [(what, "cannot be told" in reason) for what, reason, _ in refused(journey)] == [("start", True)]
