"""The workflow that the README shows works as it stands there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

import app
from app.core.workflow import Workflow
from app.engine import start
from app.engine.control.signals import signal
from app.humans.complete import complete
from tests.support.journey import Travel, travel

README = Path(app.__file__).parents[1] / "README.md"


def shown() -> Workflow:
    """The workflow of the README's first block of code."""
    names: dict[str, Any] = {"__name__": "readme"}
    code = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)[0]
    exec(compile(code, README.name, "exec", dont_inherit=True), names)  # not with this file's own `from __future__`
    (found,) = [value for value in names.values() if isinstance(value, Workflow)]
    return found


def awaiting(journey: Travel, workflow: Workflow) -> UUID:
    """A refund whose parcel came back: a supervisor is asked."""
    data = {"payee": "Ada Ferncastle", "amount": "12.50"}
    run_id = journey.rt.database.transact(
        lambda db: start.start(db, workflow, subject="O-1", data=data, key=None, actor="test")
    ).run_id
    journey.go()
    signal(journey.rt, run_id, "parcel", {}, signal_id="parcel-1", actor="test")
    journey.go()
    return run_id


@pytest.mark.parametrize(("outcome", "payments"), [("approve", 1), ("refuse", 0)])
def test_the_workflow_of_the_readme_pays_what_was_approved_and_nothing_else(
    database_url: str, outcome: str, payments: int
) -> None:
    paid: dict[str, Mapping[str, Any]] = {}

    def pay(key: str, params: Mapping[str, Any]) -> Any:
        paid[key] = params
        return {"payment_id": "P-1"}

    workflow = shown()
    with travel(database_url, workflows=(workflow,), tools={"payments.pay": pay}) as journey:
        journey.enrol("sue", "supervisor")
        run_id = awaiting(journey, workflow)
        task = journey.one("SELECT id FROM human_tasks WHERE run_id = %s AND status = 'OPEN'", run_id)
        complete(journey.rt, task["id"], by="sue", outcome=outcome, answer={"comment": "It came back."})
        journey.go()
        assert journey.run(run_id)["status"] == "COMPLETE"
    assert [params["amount"] for params in paid.values()] == ["12.50"] * payments
