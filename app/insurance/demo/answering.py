"""The demo's own person: answers half of the human tasks, under a name that says so, through the same door as everybody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.core.errors import Refused
from app.engine.runtime import Runtime
from app.humans.complete import complete
from app.insurance.demo.samples import SampleClaim
from app.insurance.demo.staff import DEMO_ADJUSTER, DEMO_SUPERVISOR
from app.store.human_tasks import task_list
from app.store.human_tasks.rows import AgedTask
from app.store.human_tasks.task_list import TaskFilter

BY_RULE = "Answered by the demo itself."


def answer_open_tasks(rt: Runtime, claims: Mapping[UUID, SampleClaim]) -> int:
    """Answer every open task of the claims the demo was told to answer; how many."""
    tasks = rt.database.transact(lambda db: task_list.whole(db, TaskFilter(roles=("adjuster", "supervisor"))))
    answered = 0
    for task in tasks:
        claim = claims.get(task.run_id)
        if claim is None or claim.demo_answer == "leave":
            continue
        by, outcome, values = _answer(task, claim)
        if outcome == "settle" and task.role == "adjuster" and not values["amount"]:
            continue  # no amount was suggested: the demo does not make one up
        try:
            complete(rt, task.id, by=by, outcome=outcome, answer=values, row_version=task.row_version)
            answered += 1
        except Refused:
            continue  # somebody at the inbox was first, which is what it is for
    return answered


def _answer(task: AgedTask, claim: SampleClaim) -> tuple[str, str, dict[str, Any]]:
    if task.role == "supervisor":
        outcome = next(o for o in task.outcomes if o != "refuse")
        return DEMO_SUPERVISOR.username, outcome, {"comment": BY_RULE}
    if claim.demo_answer == "deny":
        values = {
            "comment": f"{BY_RULE} Your policy had ended before the day of the loss.",  # the letter quotes it
            "provision_id": "1.2",
            "provision_text": "We cover loss that occurs between the first and the last day of the policy period.",
        }
        return DEMO_ADJUSTER.username, "deny", values
    return DEMO_ADJUSTER.username, "settle", {"comment": BY_RULE, "amount": task.defaults.get("amount", "")}
