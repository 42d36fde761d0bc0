"""A fork begins where another run entered a step: with its data, cause and results, and with nothing it was allowed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel

from app.core.declarations.tools import Tool
from app.core.errors import BadInput, NotDone, NotFound, Refused
from app.core.ids import new_id
from app.core.retry import RetryPolicy
from app.core.workflow import Children, ChildRun, Human, Request, Step, Workflow
from app.engine import start
from app.engine.control import fork as forking
from app.engine.control import operate
from app.engine.control.fork import fork
from app.engine.control.purge import purge
from app.humans.complete import complete
from app.store.records.verify import verify
from app.store.runs import forks
from tests.support.journey import Travel, travel

WHY: dict[str, Any] = {"actor": "person:noor", "reason": "the registry was mended"}
ASK = Tool("registry.ask", reads_only=True)
TELL = Tool("registry.tell", idempotent_for="24h")


class Basket(BaseModel):
    """What each step put in."""

    seen: list[str] = []


class Form(BaseModel):
    """A word."""

    comment: str = ""


def _look(step: Any, data: Basket) -> str:
    data.seen.append(f"{step.state} at {step.now.isoformat()}")
    data.seen.append(step.call(ASK, at=step.now.isoformat(), n=1)["said"])
    data.seen.append(step.call(ASK, at=step.now.isoformat(), n=2)["said"])
    return "looked"


def _split(step: Any, data: Basket) -> list[ChildRun]:
    return [ChildRun(workflow="twig", subject=f"{step.subject}/{n}", data=Basket(seen=[f"leaf {n}"])) for n in (1, 2)]


def _join(step: Any, data: Basket) -> str:
    data.seen += [each for child in step.children for each in child["data"]["seen"]]
    return "joined"


def _finish(step: Any, data: Basket) -> str:
    data.seen.append(f"answered {step.answer['values']['comment']}")
    return "finished"


TREE = Workflow(
    name="tree",
    version=1,
    data=Basket,
    starts_at="LOOKING",
    states=[
        Step("LOOKING", does=_look, retry=RetryPolicy(attempts=1), then={"looked": "SPLITTING"}),
        Children("SPLITTING", starts=_split, then={"ended": "JOINING"}),
        Step("JOINING", does=_join, then={"joined": "ASKING"}),
        Human(
            "ASKING",
            asks=lambda step, data: Request(title="Well?", note=""),
            form=Form,
            role="operator",
            then={"yes": "FINISHING"},
        ),
        Step("FINISHING", does=_finish, then={"finished": "COMPLETE"}),
    ],
)
TWIG = Workflow(
    name="twig",
    version=1,
    data=Basket,
    starts_at="GROWING",
    states=[Step("GROWING", does=lambda step, data: "grown", then={"grown": "COMPLETE"})],
)
TELLING = Workflow(
    name="telling",
    version=1,
    data=Basket,
    starts_at="TELLING",
    states=[
        Step("TELLING", does=lambda step, data: str(step.call(TELL, what="all")["said"]), then={"told": "COMPLETE"})
    ],
)


class Registry:
    """Answers, counts, and may be away."""

    def __init__(self) -> None:
        self.asked: list[Mapping[str, Any]] = []
        self.away_from = 99
        self.problem: Exception = NotDone("it is closed", retry=True)

    def __call__(self, key: str, params: Mapping[str, Any]) -> Any:
        if params.get("n", 0) >= self.away_from:
            raise self.problem
        self.asked.append({"key": key, **params})
        return {"said": f"answer {len(self.asked)}" if "n" in params else "told"}


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def tree(database_url: str, registry: Registry) -> Iterator[Travel]:
    tools = {ASK.name: registry, TELL.name: registry}
    with travel(database_url, workflows=(TREE, TWIG, TELLING), tools=tools) as journey:
        journey.enrol("noor", "operator")
        yield journey


def begin(tree: Travel, workflow: Workflow = TREE) -> UUID:
    work = lambda db: start.start(db, workflow, subject="T-1", data=Basket(), key=None, actor="test")  # noqa: E731
    run_id = tree.rt.database.transact(work).run_id
    tree.go()
    return run_id


def answer(tree: Travel, run_id: UUID, comment: str) -> None:
    task = tree.one("SELECT id FROM human_tasks WHERE run_id = %s AND status = 'OPEN'", run_id)["id"]
    complete(tree.rt, task, by="noor", outcome="yes", answer={"comment": comment})
    tree.go()


def data(tree: Travel, run_id: UUID) -> list[str]:
    seen: list[str] = tree.one("SELECT data FROM run_data WHERE run_id = %s", run_id)["data"]["seen"]
    return seen


def holds(tree: Travel, run_id: UUID) -> None:
    verdict = tree.rt.database.transact(lambda db: verify(db, run_id))
    assert verdict.holds, verdict.broken


def test_a_fork_goes_on_from_a_step_as_it_was_entered_and_the_other_run_stays_as_it_is(tree: Travel) -> None:
    run_id = begin(tree)
    answer(tree, run_id, "first")
    before = tree.run(run_id)
    made = fork(tree.rt, run_id, 4, **WHY)
    assert (made.state, made.new) == ("ASKING", True)
    tree.go()
    answer(tree, made.run_id, "second")
    assert tree.run(made.run_id)["status"] == "COMPLETE" and tree.run(made.run_id)["forked_from"] == run_id
    assert data(tree, run_id)[-1] == "answered first" and data(tree, made.run_id)[-1] == "answered second"
    assert data(tree, run_id)[:-1] == data(tree, made.run_id)[:-1]
    assert tree.run(run_id) == before
    holds(tree, run_id)
    holds(tree, made.run_id)
    first = tree.one("SELECT actor, reason FROM transitions WHERE run_id = %s AND seq = 1", made.run_id)
    assert first == {"actor": "person:noor", "reason": f"forked from step 4 of {run_id}: the registry was mended"}
    note = tree.one("SELECT payload FROM signals WHERE run_id = %s AND name = 'forked'", run_id)["payload"]
    assert note["fork"] == str(made.run_id)


def test_the_answer_that_led_into_a_step_leads_into_its_fork(tree: Travel) -> None:
    run_id = begin(tree)
    answer(tree, run_id, "first")
    made = fork(tree.rt, run_id, 5, **WHY)
    tree.go()
    assert data(tree, made.run_id) == data(tree, run_id)


def test_a_fork_of_a_step_that_joined_children_has_those_children(tree: Travel) -> None:
    run_id = begin(tree)
    made = fork(tree.rt, run_id, 3, **WHY)
    again = fork(tree.rt, made.run_id, 1, **WHY)
    tree.go()
    for each in (made.run_id, again.run_id):
        assert data(tree, each)[-2:] == ["leaf 1", "leaf 2"] and tree.run(each)["status"] == "WAITING_FOR_HUMAN"
        holds(tree, each)


def test_completed_calls_are_copied_and_not_made_again_and_the_fork_has_the_same_time(
    tree: Travel, registry: Registry
) -> None:
    registry.away_from = 2
    run_id = begin(tree)
    assert tree.run(run_id)["status"] == "FAILED_RETRIABLE" and len(registry.asked) == 1
    tree.advance_clock(timedelta(days=3))
    registry.away_from = 99
    made = fork(tree.rt, run_id, 1, **WHY)
    assert made.copied == 1
    tree.go()
    assert [call["n"] for call in registry.asked] == [1, 2], "the first question was asked again"
    assert registry.asked[1]["key"] == f"lh-{made.run_id}-1-2-0", "what the fork does itself it does under its own key"
    assert tree.run(made.run_id)["status"] == "WAITING_FOR_HUMAN", tree.run(made.run_id)
    holds(tree, made.run_id)
    twice = fork(tree.rt, made.run_id, 1, **WHY)
    tree.go()
    assert twice.copied == 2 and len(registry.asked) == 2 and data(tree, twice.run_id) == data(tree, made.run_id)
    holds(tree, twice.run_id)


def test_a_fork_without_copied_calls_has_its_own_time(tree: Travel) -> None:
    run_id = begin(tree)
    tree.advance_clock(timedelta(days=3))
    tree.tamper("DELETE FROM checkpoints WHERE run_id = %s AND step_seq = 1 AND call_seq > 0", run_id)
    made = fork(tree.rt, run_id, 1, **WHY)
    tree.go()
    assert data(tree, made.run_id)[0] > data(tree, run_id)[0]


def test_asking_twice_under_one_id_makes_one_fork(tree: Travel) -> None:
    run_id, name = begin(tree), new_id()
    assert fork(tree.rt, run_id, 2, fork_id=name, **WHY).new
    assert not fork(tree.rt, run_id, 2, fork_id=name, **WHY).new
    other = begin(tree, TELLING)
    assert len(tree.rows("SELECT 1 FROM runs WHERE forked_from IS NOT NULL")) == 1
    with pytest.raises(Refused, match="no fork of"):
        fork(tree.rt, other, 1, fork_id=name, **WHY)


def test_what_cannot_be_forked_is_refused_with_what_to_do(tree: Travel, registry: Registry) -> None:
    run_id = begin(tree)
    with pytest.raises(BadInput, match="reason"):
        fork(tree.rt, run_id, 1, actor="person:noor", reason=" ")
    with pytest.raises(NotFound, match="has 1 to 4"):
        fork(tree.rt, run_id, 9, **WHY)
    with pytest.raises(NotFound, match="there is no run"):
        fork(tree.rt, new_id(), 1, **WHY)
    telling = begin(tree, TELLING)
    tree.tamper("UPDATE checkpoints SET status = 'UNKNOWN' WHERE run_id = %s AND call_seq = 1", telling)
    with pytest.raises(Refused, match=r"nobody knows yet whether registry\.tell of step 1 happened"):
        fork(tree.rt, telling, 1, **WHY)
    assert not tree.rows("SELECT 1 FROM runs WHERE forked_from IS NOT NULL")


def test_erasing_a_run_erases_its_forks(tree: Travel) -> None:
    run_id = begin(tree)
    answer(tree, run_id, "first")
    made = fork(tree.rt, run_id, 5, **WHY)
    with pytest.raises(Refused, match=str(made.run_id)):
        purge(tree.rt.database, run_id, forget_document=lambda _sha: True, **WHY)
    tree.go()
    purge(tree.rt.database, run_id, forget_document=lambda _sha: True, **WHY)
    assert "$erased" in tree.one("SELECT data FROM run_data WHERE run_id = %s", made.run_id)["data"]
    holds(tree, made.run_id)
    with pytest.raises(Refused, match="was erased"):
        fork(tree.rt, run_id, 5, **WHY)


def test_a_changed_origin_of_a_fork_is_found(tree: Travel) -> None:
    run_id = begin(tree)
    made = fork(tree.rt, run_id, 1, **WHY)
    other = fork(tree.rt, run_id, 1, **WHY)
    tree.go()
    tree.tamper(
        """UPDATE checkpoints SET input = input || '{"now": "2026-01-01T00:00:00+00:00"}'
           WHERE run_id = %s AND step_seq = 1 AND call_seq = 0""",
        made.run_id,
    )
    tree.tamper(
        "UPDATE checkpoints SET idempotency_key = 'lh-another' WHERE run_id = %s AND call_seq = 2", other.run_id
    )
    for run, said in ((made.run_id, "not entered as its fork was made"), (other.run_id, "idempotency key")):
        broken = tree.rt.database.transact(lambda db, run=run: verify(db, run)).broken  # type: ignore[misc]
        assert broken is not None and said in broken.what


def test_a_fork_cancelled_leaves_the_other_run_alone(tree: Travel) -> None:
    run_id = begin(tree)
    made = fork(tree.rt, run_id, 4, **WHY)
    operate.cancel(tree.rt, made.run_id, **WHY)
    assert (tree.run(made.run_id)["status"], tree.run(run_id)["status"]) == ("CANCELLED", "WAITING_FOR_HUMAN")
    listed = tree.rt.database.transact(lambda db: forks.of_run(db, run_id, limit=9))
    assert [each.id for each in listed] == [made.run_id]
    assert forking.Forked(made.run_id, "ASKING", 0, new=True) == made
