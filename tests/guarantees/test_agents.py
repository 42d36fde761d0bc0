"""A killed agent pays for no finished request again, and nothing its loop did happens twice; waiting costs nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import pytest

from app.engine.control.signals import signal
from app.store.records.verify import verify
from tests.support.agents import ANSWER, ANSWERING, JUDGING, LOOKS, PERMITTED, SCRIPT
from tests.support.clock import later
from tests.support.faults import Point
from tests.support.model_server import ModelServer
from tests.support.stack import MakeStack, Stack

pytestmark = pytest.mark.guarantee

REQUESTS, TOOLS, PAYMENT = (1, 3, 5), (2, 4), 6  # the calls of the step by number
POINTS: list[tuple[Point, int]] = [
    *((point, n) for n in REQUESTS for point in ("before_intent", "after_intent", "before_result", "after_result")),
    *((point, n) for n in TOOLS for point in ("after_intent", "before_act", "after_act", "after_result")),
    ("after_act", PAYMENT),
]


@pytest.fixture
def models(tmp_path: Path) -> Iterator[ModelServer]:
    with ModelServer(tmp_path / "models", SCRIPT) as server:
        yield server


@pytest.mark.timeout(480)  # so many kills, one after the other; each has its own patience
def test_a_killed_agent_goes_on_where_it_stood_wherever_it_was_killed(
    make_stack: MakeStack, models: ModelServer
) -> None:
    stack = make_stack("agents:JUDGING", **models.settings())
    stack.workers(2, kept=True)
    stack.beat()
    for point, where in POINTS:
        stack.faults.arm(point, where)
        run_id = stack.start(JUDGING, f"killed {point} {where}")
        stack.until_done(point, where)
        stack.until_complete(run_id)

        again = 1 if point == "before_result" else 0  # it was answered, and the answer died with its worker
        by_turn = [len(_billed(models, f"killed {point} {where}", turn)) for turn in range(3)]
        expected = [1 + (again if n == where else 0) for n in REQUESTS]
        assert by_turn == expected, f"{point} {where}: {by_turn} requests were paid"
        assert len(set(_looks(stack, run_id))) == 2, f"{point} {where}: another tool call than the two"
        assert len(_looks(stack, run_id)) == 2 + (point == "after_act" and where in TOOLS)
        assert stack.payments_of(run_id) == 1, f"{point} {where}"
        journal = stack.checkpoints(run_id)
        kinds = [row["kind"] for row in journal if row["call_seq"] and row["step_seq"] == 1]
        assert kinds == ["model", "tool", "model", "tool", "model", "tool"]
        run = stack.run(run_id)
        assert run["tokens_in"] == sum(row["tokens_in"] or 0 for row in journal) > 0, (
            "tokens were lost or counted twice"
        )


def test_a_model_that_asks_for_patience_gets_it_and_no_attempt_is_spent(
    make_stack: MakeStack, models: ModelServer
) -> None:
    patience = {"turn": 0, "times": 2, "status": 429, "retry_after": 1}
    models.say([{"turns": [ANSWER], "faults": [patience]}])
    stack = make_stack("agents:ANSWERING", **models.settings())
    stack.workers(1)
    stack.beat()
    run_id = stack.start(ANSWERING, "patient")
    stack.until_complete(run_id)
    assert stack.events(run_id).count("downstream throttled") == 2
    assert "attempt failed" not in stack.events(run_id)
    assert stack.run(run_id)["attempt"] == 1
    moves = stack.moves(run_id)
    waits = [
        (after["created_at"] - move["created_at"]).total_seconds()
        for move, after in pairwise(moves)
        if move["event"] == "downstream throttled"
    ]
    assert min(waits) >= 1, "it came back before it was asked to"


def test_a_failed_request_is_kept_with_its_answer_and_what_it_cost(make_stack: MakeStack, models: ModelServer) -> None:
    models.say([{"turns": [{**ANSWER, "length": True}]}])
    stack = make_stack("agents:ANSWERING", **models.settings())
    stack.workers(1)
    run_id = stack.start(ANSWERING, "too long")
    stack.wait(lambda: "attempt failed" in stack.events(run_id), "the first attempt to fail")
    (call,) = [row for row in stack.checkpoints(run_id) if row["kind"] == "model"]
    assert (call["status"], call["cost"]) == ("FAILED", None)
    assert call["output"]["parts"] and call["tokens_in"] > 0 and call["tokens_out"] > 0
    models.say([{"turns": [ANSWER]}])
    stack.beat()
    stack.until_complete(run_id)
    (call,) = [row for row in stack.checkpoints(run_id) if row["kind"] == "model"]
    spent = call["errors"][0]
    assert "cut off" in spent["error"] and spent["output"]
    billed = models.rows("SELECT sum(tokens_in) AS tokens_in, sum(tokens_out) AS tokens_out FROM requests")[0]
    run = stack.run(run_id)
    assert (run["tokens_in"], run["tokens_out"]) == (billed["tokens_in"], billed["tokens_out"]), (
        "what it cost is not all counted"
    )


def test_an_agent_waits_thirty_days_for_an_approval_and_pays_for_no_request_again(
    make_stack: MakeStack, models: ModelServer
) -> None:
    stack = make_stack("agents:PERMITTED", **models.settings())
    (worker,) = stack.workers(1)
    waiting, forgotten = stack.start(PERMITTED, "approved"), stack.start(PERMITTED, "forgotten")
    for run_id in (waiting, forgotten):
        row = stack.until_status(run_id, "WAITING_FOR_EVENT")
        assert (row["state"], row["step_seq"]) == ("JUDGING", 1)
        assert "May I?" in row["waiting_reason"]
    worker.kill()
    stack.bells.flush()
    assert models.billed() == 4

    stack.do(later(timedelta(days=30)))
    web = stack.web(PERMITTED)
    payload = {"approved": True, "by": "bea"}
    assert signal(web, waiting, "approval", payload, signal_id="1", actor="test")
    stack.faults.arm("before_result", 5)  # killed again, with what it heard in its hand
    stack.workers(1, kept=True)
    stack.beat()
    stack.until_done("before_result", 5)
    stack.until_complete(waiting)
    assert stack.until_status(forgotten, "WAITING_FOR_EVENT")["step_seq"] == 1
    assert [len(_billed(models, "approved", turn)) for turn in range(3)] == [1, 1, 1], (
        "a finished request was paid again"
    )
    assert len(_looks(stack, waiting)) == 1
    (heard,) = [row for row in stack.checkpoints(waiting) if row["kind"] == "wait"]
    assert [s["payload"] for s in heard["output"]["signals"]] == [payload]

    stack.do(later(timedelta(days=31)))  # the other one was to wait for sixty days at most
    stack.until_complete(forgotten)
    (heard,) = [row for row in stack.checkpoints(forgotten) if row["kind"] == "wait"]
    assert heard["output"] == {"expired": True}
    assert stack.all("SELECT 1 FROM signals WHERE consumed_step_seq IS NULL") == []
    with web.database.transaction() as db:
        for run_id in (waiting, forgotten):
            verdict = verify(db, run_id)
            assert verdict.holds, verdict.broken


def _billed(models: ModelServer, subject: str, turn: int) -> list[dict[str, object]]:
    """The bills of a turn of the conversation about a subject."""
    return models.rows(
        "SELECT * FROM requests WHERE about LIKE ? AND turn = ? AND tokens_in > 0", f'%"{subject}"%', turn
    )


def _looks(stack: Stack, run_id: UUID) -> list[str]:
    """The keys under which the registry was asked for a run."""
    file = stack.faults.folder / LOOKS
    return [key for key in file.read_text().splitlines() if str(run_id) in key] if file.exists() else []
