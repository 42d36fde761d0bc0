"""The database restarts, crashes or drops its sessions under load: nothing is lost, wasted or done twice."""

from __future__ import annotations

import os
from collections.abc import Iterator
from uuid import UUID

import pytest

from app.stack.servers.postgres import EmbeddedPostgres, StopMode
from tests.support.small_workflows import NAPPING, PAYING
from tests.support.stack import MakeStack, Stack

pytestmark = pytest.mark.guarantee

MODES: tuple[StopMode, ...] = ("fast", "immediate")
_CUT = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()
AND pid <> pg_backend_pid() AND application_name NOT IN ('longhaul-liveness', 'longhaul-observer')"""


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[EmbeddedPostgres]:
    """The server behind `database_url`, running again when the test ends."""
    if "LONGHAUL_TEST_DATABASE_URL" in os.environ:
        pytest.skip("the named database server cannot be restarted")
    embedded: EmbeddedPostgres = request.getfixturevalue("postgres_server")
    yield embedded
    embedded.start()


def _load(stack: Stack, name: str, count: int = 30) -> list[UUID]:
    """Runs of three payments each, in the middle of which this returns."""
    before = stack.payments.count("payments")
    runs = [stack.start(PAYING, f"{name} {n}", {"purposes": ["first", "second", "third"]}) for n in range(count)]
    stack.wait(lambda: stack.payments.count("payments") > before + count // 2, "the load to be well under way")
    return runs


def _assert_untouched(stack: Stack, runs: list[UUID], what: str) -> None:
    # Nothing was killed, so every call was made exactly once.
    for run_id in runs:
        assert stack.payments_of(run_id) == 3, f"{what}: paid {stack.payments_of(run_id)} times instead of 3"
        assert stack.requests_of(run_id) == 3, f"{what}: no process died, yet a call was repeated"
        assert {move["attempt"] for move in stack.moves(run_id)} == {1}, f"{what}: an attempt was wasted"
        assert not {"attempt failed", "worker lost"} & set(stack.events(run_id)), f"{what}: the run was blamed"
        seqs = [move["seq"] for move in stack.moves(run_id)]
        assert seqs == list(range(1, len(seqs) + 1)), f"{what}: the order has gaps"
    assert not stack.all("SELECT 1 FROM workers WHERE gone_at IS NOT NULL"), f"{what}: a living worker was given up"


def test_a_commit_whose_answer_was_lost_is_recognised_as_our_own(make_stack: MakeStack) -> None:
    stack = make_stack("small_workflows:PAYING", "small_workflows:NAPPING", test_lost_answers="yes")
    workers = stack.workers(2)
    stack.beat()
    runs = [stack.start(flow, f"{flow.name} {n}") for n in range(5) for flow in (PAYING, NAPPING)]
    stack.until_complete(*runs)
    for run_id in runs:
        assert stack.requests_of(run_id) == stack.payments_of(run_id) == 2
        assert not {"lease handed back", "attempt failed"} & set(stack.events(run_id)), "an own commit was misread"
    assert not [line for worker in workers for line in worker.lines("lease_lost")], "an own commit was misread"


@pytest.mark.parametrize("journal", ["grouped", "direct"])
def test_runs_under_way_survive_restarts_and_broken_sessions_of_the_database(
    make_stack: MakeStack, server: EmbeddedPostgres, journal: str
) -> None:
    stack = make_stack("small_workflows:PAYING", journal=journal)
    stack.workers(2)
    stack.beat()
    stack.payments.switch(delay_before=0.1, delay_after=0.1)

    for mode in MODES:
        runs = _load(stack, mode)
        server.restart(mode)
        stack.until_complete(*runs)
        _assert_untouched(stack, runs, f"{mode} restart")

    runs = _load(stack, "sessions cut")
    cuts = 0

    def cut_and_look() -> bool:
        """Each look breaks every session, so that the fate of many commits is unknown."""
        nonlocal cuts
        cuts += len(stack.all(_CUT))
        left = stack.all("SELECT count(*) AS n FROM runs WHERE status <> 'COMPLETE'")[0]["n"]
        return left == 0 or cuts >= 40

    stack.wait(cut_and_look, "sessions to be cut", every=0.2)
    stack.until_complete(*runs)
    _assert_untouched(stack, runs, "sessions cut")
