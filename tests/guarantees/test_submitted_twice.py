"""The same key with the same body is the same run; with another body it is refused; what was rolled back never was."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from app import client
from app.core.errors import BadInput, KeyReused
from tests.conftest import BOTH_BROKERS
from tests.support.small_workflows import PAYING
from tests.support.stack import MakeStack

pytestmark = pytest.mark.guarantee

BODY: dict[str, Any] = {"purposes": ["first"]}


@BOTH_BROKERS
def test_a_run_submitted_twice_is_one_run_and_another_body_is_refused(make_stack: MakeStack, database_url: str) -> None:
    def submit(subject: str = "CLM-1", key: str | None = "order-77", data: Any = BODY) -> client.Started:
        with psycopg.connect(database_url) as db:
            return client.start(db, PAYING, subject=subject, data=data, key=key)

    with ThreadPoolExecutor(16) as threads:  # at the same moment, as an impatient proxy repeats a request
        answers = list(threads.map(lambda _: submit(), range(16)))
    assert len({answer.run_id for answer in answers}) == 1
    assert sorted(answer.new for answer in answers) == [False] * 15 + [True]
    run_id = answers[0].run_id
    for changed in ({"data": {"purposes": ["second"]}}, {"subject": "CLM-2"}):
        with pytest.raises(KeyReused, match=r"'order-77' was used before with another body; send a new key"):
            submit(**changed)
    with pytest.raises(KeyReused, match=rf"'CLM-1' already has the run {run_id}"):
        submit(key=None)
    with pytest.raises(KeyReused, match=rf"'CLM-1' already has the run {run_id}"):
        submit(key="order-78")

    # What the caller rolls back never was, its key included.
    with psycopg.connect(database_url) as db:
        client.start(db, PAYING, subject="CLM-3", data=BODY, key="order-79")
        db.rollback()
    assert submit(subject="CLM-3", key="order-79").new

    for subject, data, told in [
        ("", BODY, "subject must be 1 to 200 characters"),
        ("x" * 201, BODY, "subject must be 1 to 200 characters"),
        ("CLM-4", {"purposes": 7}, "purposes: Input should be a valid list"),
        ("CLM-4", "no mapping", "data of paying: Input should be a valid dictionary"),
    ]:
        with pytest.raises(BadInput, match=told):
            submit(subject=subject, key="order-80", data=data)

    # The same over the broker, where a message may come twice, beside those started before.
    stack = make_stack("small_workflows:PAYING")
    (worker,) = stack.workers(1)
    stack.beat()
    stack.bells.send("longhaul.start", ["paying", "CLM-5", BODY, "order-81"], queue="intake")
    # Starts are taken up by many threads at once: this one is the first for certain.
    stack.wait(lambda: stack.all("SELECT 1 FROM runs WHERE subject = 'CLM-5'"), "the first message to be taken")
    messages: list[list[Any]] = [
        ["paying", "CLM-5", BODY, "order-81"],
        ["paying", "CLM-5", {"purposes": ["second"]}, "order-81"],
        ["paying", "CLM-5", BODY, "order-82"],
        ["nowhere", "CLM-6", BODY, "order-83"],
        ["paying", "CLM-7", {"purposes": 7}, "order-84"],
        ["paying"],
    ]
    for arguments in messages:
        stack.bells.send("longhaul.start", arguments, queue="intake")
    for _ in range(2):  # without a key, the message's own id is the key
        stack.bells.send("longhaul.start", ["paying", "CLM-8", BODY], queue="intake", message_id="message 1")
    stack.wait(lambda: len(worker.lines("start_refused")) == 5, "the bad messages to be refused")
    stack.wait(lambda: stack.all("SELECT 1 FROM runs WHERE subject = 'CLM-8'"), "the good messages to be taken")
    runs = {row["subject"]: row["id"] for row in stack.all("SELECT id, subject FROM runs")}
    assert set(runs) == {"CLM-1", "CLM-3", "CLM-5", "CLM-8"}
    stack.until_complete(*runs.values())
    assert stack.payments.count("payments") == stack.payments.count("requests") == 4
