"""Calls made at the same time keep their numbers, so that no attempt makes one twice or mistakes one for another."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from app.core.errors import NeedsPerson, NotDone
from app.core.ports import ToolCode
from tests.support.doubting import ASK, POST, TELL, Notes, Registry, begin
from tests.support.journey import Travel, travel

WORDS = ("one", "two", "three")


class Hall:
    """Answers nobody before all three have asked; counts who asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.refuses: set[str] = set()
        self._all_here = threading.Barrier(len(WORDS), timeout=20)

    def __call__(self, key: str, params: Mapping[str, Any]) -> Any:
        self.asked.append(params["word"])
        self._all_here.wait()
        if params["word"] in self.refuses:
            raise NotDone(f"not {params['word']}", retry=False)
        return {"word": params["word"], "key": key}


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def hall() -> Hall:
    return Hall()


@pytest.fixture
def doubting(database_url: str, registry: Registry, hall: Hall) -> Iterator[Travel]:
    tools: dict[str, ToolCode] = {ASK.name: registry, TELL.name: hall, POST.name: registry}
    with travel(database_url, workflows=(registry.workflow(attempts=2),), tools=tools) as journey:
        yield journey


def test_calls_made_together_give_their_results_in_the_order_given_and_are_made_once(
    doubting: Travel, registry: Registry, hall: Hall
) -> None:
    attempts: list[list[Any]] = []

    def tell_all(step: Any, data: Notes) -> str:
        attempts.append(step.call_all([(TELL, {"word": word}) for word in WORDS]))
        if len(attempts) == 1:
            raise TimeoutError("lost behind the calls")
        return "sure"

    registry.plan = tell_all
    run_id = begin(doubting, registry.workflow(attempts=2))
    doubting.tamper("UPDATE runs SET status = 'READY', ready_at = app_now() WHERE id = %s", run_id)
    doubting.go()
    assert doubting.run(run_id)["status"] == "COMPLETE"
    keys = [f"lh-{run_id}-2-{number}-0" for number in (1, 2, 3)]
    assert attempts == [[{"word": word, "key": key} for word, key in zip(WORDS, keys, strict=True)]] * 2
    assert sorted(hall.asked) == sorted(WORDS), "a call was made a second time"


def test_of_calls_made_together_the_first_failure_in_the_order_given_is_told_after_all_have_ended(
    doubting: Travel, registry: Registry, hall: Hall
) -> None:
    hall.refuses = {"two", "three"}

    def tell_all(step: Any, data: Notes) -> str:
        with pytest.raises(NotDone, match="not two"):
            step.call_all([(TELL, {"word": word}) for word in WORDS])
        raise NeedsPerson("Two of three refused.", "nobody knows")

    registry.plan = tell_all
    run_id = begin(doubting, registry.workflow(attempts=2))
    assert doubting.run(run_id)["status"] == "WAITING_FOR_HUMAN", doubting.run(run_id)
    recorded = doubting.rows(
        "SELECT status FROM checkpoints WHERE run_id = %s AND step_seq = 2 AND call_seq > 0 ORDER BY call_seq", run_id
    )
    assert [row["status"] for row in recorded] == ["COMPLETE", "FAILED", "FAILED"]
