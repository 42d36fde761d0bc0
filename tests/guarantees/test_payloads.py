"""Whatever a value is, at whatever place: a clear answer, or a person; never a crash loop, never a lost result."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import pytest

from app import client
from app.core.errors import BadInput
from app.engine.control.signals import signal
from app.humans.complete import complete
from app.store.human_tasks import task_list
from app.store.human_tasks.task_list import TaskFilter
from app.store.runs import runs
from tests.support.stack import MakeStack, Stack
from tests.support.unusual_values import ALL, ASKING, CALLS, HARMLESS, HUGE, LISTENING, ODD

pytestmark = pytest.mark.guarantee

STOPPED = ("DEAD_LETTER", "FAILED_RETRIABLE", "WAITING_FOR_HUMAN")
PLACES = ("result of a call", "result of kept work", "parameter of a call", "data of the run", "outcome of a step")


def test_whatever_a_step_returns_or_passes_is_kept_or_shown_to_a_person(make_stack: MakeStack) -> None:
    stack = make_stack("unusual_values:ODD")
    workers = stack.workers(2)
    started = {
        (place, what): stack.start(ODD, f"{what} as {place}", {"place": place, "what": what})
        for place in PLACES
        for what in [*ALL]
    }
    rows = {case: stack.until_status(run_id, "COMPLETE", *STOPPED) for case, run_id in started.items()}
    calls = (stack.folder / CALLS).read_text().splitlines()

    for (place, what), row in rows.items():
        case, run_id = f"{what} as {place}", row["id"]
        assert stack.events(run_id).count("lease taken") <= 2, f"{case}: tried again and again"
        if row["status"] != "COMPLETE":
            told = stack.all("SELECT note FROM human_tasks WHERE run_id = %s AND status = 'OPEN'", run_id)
            assert len(told) == 1, f"{case}: stopped without asking anybody"
            assert row["waiting_reason"], f"{case}: stopped without a reason"
        if place.startswith("result"):
            assert row["status"] == "COMPLETE", f"{case}: {row['waiting_reason']}"
            seen = stack.all("SELECT data ->> 'seen' AS seen FROM run_data WHERE run_id = %s", run_id)[0]["seen"]
            assert seen in ({"the same"} if what in HARMLESS or what in HUGE else {"kept as bytes", "the same"}), case
            assert [c["status"] for c in stack.checkpoints(run_id) if c["call_seq"] == 1] == ["COMPLETE"], case
        if place == "result of a call":
            assert sum(str(run_id) in key for key in calls) == 1, f"{case}: a paid call was made again"
        if what in HARMLESS and place != "outcome of a step":
            assert row["status"] == "COMPLETE", f"{case}: {row['waiting_reason']}"
            data = stack.all("SELECT data FROM run_data WHERE run_id = %s", run_id)[0]["data"]
            assert data["seen"] != "something else", case
    assert all(worker.alive for worker in workers)
    assert not stack.all("SELECT 1 FROM workers WHERE gone_at IS NOT NULL"), "a value ended a worker"


def _said(say: Callable[[], object], what: str) -> bool:
    """Whether a boundary takes a value; if not, it must refuse it with a sentence and leave everything as it was."""
    try:
        say()
    except BadInput as refusal:
        told = str(refusal)
    else:
        return True
    assert 10 < len(told) < 2000, f"{what}: {told[:100]}"
    assert what not in HUGE or "limit is" in told
    assert what not in HARMLESS or "is not of type 'string'" in told, f"{what}: {told}"
    return False


def _data(stack: Stack, run_id: UUID) -> Any:
    with stack.web(ODD).database.transaction() as db:
        return runs.data_of(db, run_id)


def test_whatever_a_run_is_started_with_is_taken_as_it_is_or_refused_in_words(make_stack: MakeStack) -> None:
    stack = make_stack("unusual_values:ODD")
    for what, make in ALL.items():
        with psycopg.connect(stack.database_url) as db:
            body = {"what": "NUL bytes", "value": make()}
            taken = _said(partial(client.start, db, ODD, subject=what, data=body, key=what), what)
        started = stack.all("SELECT id FROM runs WHERE subject = %s", what)
        keys = stack.all("SELECT 1 FROM idempotency_keys WHERE key = %s", what)
        assert len(started) == len(keys) == taken, f"{what}: half of it was written"
        assert taken or what not in HARMLESS
        if what in HARMLESS:
            assert _data(stack, started[0]["id"])["value"] == make(), f"{what}: something else was kept"


def test_whatever_is_signalled_is_taken_as_it_is_or_refused_in_words(make_stack: MakeStack) -> None:
    stack = make_stack("unusual_values:LISTENING")
    stack.workers(1)
    web = stack.web(LISTENING)
    listening = {what: stack.start(LISTENING, what) for what in ALL}
    for what, make in ALL.items():
        stack.until_status(listening[what], "WAITING_FOR_EVENT")
        say = partial(signal, web, listening[what], "word", make(), signal_id="1", actor="test")
        if not _said(say, what):
            assert what not in HARMLESS
            assert stack.run(listening[what])["status"] == "WAITING_FOR_EVENT", f"{what}: refused, yet it woke the run"
            continue
        stack.until_complete(listening[what])
        if what in HARMLESS:
            assert _data(stack, listening[what])["value"] == [make()], f"{what}: something else was kept"


def test_whatever_is_answered_is_taken_as_it_is_or_refused_in_words(make_stack: MakeStack) -> None:
    stack = make_stack("unusual_values:ASKING")
    stack.workers(1)
    web = stack.web(ASKING)
    stack.enrol("bea", "adjuster")
    asking = {what: stack.start(ASKING, what) for what in ALL}
    for what, make in ALL.items():
        stack.until_status(asking[what], "WAITING_FOR_HUMAN")
        with web.database.transaction() as db:
            (task,) = task_list.whole(db, TaskFilter(run=asking[what]))
        say = partial(complete, web, task.id, by="bea", outcome="answered", answer={"remark": make()})
        if not _said(say, what):
            assert stack.run(asking[what])["status"] == "WAITING_FOR_HUMAN", f"{what}: refused, yet it woke the run"
            continue
        stack.until_complete(asking[what])
        assert _data(stack, asking[what])["seen"] == make(), f"{what}: something else was kept"
