"""One attempt at a step: what is drawn for it, what is done in its middle, and what it must come to.

The engine runs the attempt; the model is told of each thing the moment it is committed, so that whatever happens between
two commits (a cancel, a signal, the loss of the worker) meets a model that stands where the database stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from uuid import UUID

from app.core import ids
from app.core.errors import LeaseLost, NotDone, Throttled
from app.engine.step.step import run_step
from tests.lifecycle_machine.calls import (
    OPEN,
    Effect,
    OtherSide,
    comes_to,
    word_of,
)
from tests.lifecycle_machine.maze import (
    CALL_SECONDS,
    PATIENCE_SECONDS,
    ROUTES,
    STEP_SECONDS,
    TOOLS,
    TROUBLES,
    WORK,
    Luggage,
    purpose,
    raise_trouble,
)
from tests.lifecycle_machine.model import ENDED, Run
from tests.lifecycle_machine.outcomes import Outcomes
from tests.lifecycle_machine.script import Attempt, Broken, Killed, Script, checked
from tests.lifecycle_machine.world import Worker, World

SILENT_SECONDS = 120.0


class Attempts(Outcomes):
    """Runs attempts on a world, beside a model."""

    def __init__(self, world: World, disturb: Callable[[Attempt, str, int], None]) -> None:
        super().__init__(world)
        self._disturb, self.other_side = disturb, OtherSide()
        self.stack: list[Attempt] = []
        self.plans: dict[tuple[UUID, int], tuple[str, ...]] = {}
        world.operation = self.operation

    def make(self, run: Run, script: Script, worker: Worker, *, step_seq: int | None = None) -> Attempt:
        """One bell answered by a worker; all that can be said of the attempt as a whole is checked."""
        attempt = Attempt(run, run.state, step_seq or run.step_seq, worker, script)
        self.stack.append(attempt)
        try:
            said = run_step(worker.rt, run.id, attempt.step_seq, workflow=run.workflow, state=run.state)
        except Killed:
            if any(other.worker is worker for other in self.stack[:-1]):
                raise
            return attempt
        except Broken as problem:
            raise AssertionError(str(problem)) from problem
        finally:
            self.stack.pop()
        self._check_end(attempt, said)
        return attempt

    def _check_end(self, attempt: Attempt, said: str) -> None:
        if attempt.leased_at is None:
            assert said in ("not mine", "not accepting"), (
                f"the model says the lease was not to be had, the engine {said!r}"
            )
        elif not attempt.settled:
            lost = attempt.run.holder is not attempt
            unread = lost and attempt.script.doubled == 0  # it never learned that it had had the lease
            assert said == "lease lost" or (unread and said == "not mine"), f"it ended {said!r} without moving the run"
            assert lost or attempt.disturbed, "an undisturbed attempt lost its lease"

    # The gates.

    def operation(self, worker: Worker, op: Callable[[], Any]) -> Any:
        """Stands beside a write of the attempt under way; the model hears of what it committed."""
        attempt = self.stack[-1] if self.stack else None
        if attempt is None or attempt.worker is not worker:
            return op()
        with checked():
            return self._operation(attempt, op)

    def _operation(self, attempt: Attempt, op: Callable[[], Any]) -> Any:
        self.gate(attempt)
        attempt.held = attempt.run.holder is attempt
        attempt.begun_at = self.world.now() if attempt.in_call else None
        zombie = attempt.leased_at is not None and not attempt.held
        before = self.journal_of(attempt.run) if zombie else None
        done = op()
        assert not zombie or self.journal_of(attempt.run) == before, (
            "a step that had lost its lease wrote to the journal"
        )
        attempt.writes += 1
        if attempt.writes - 1 == attempt.script.doubled:
            self.observe(attempt)
            done = op()
        self.observe(attempt)
        self.gate(attempt)
        return done

    def observe(self, attempt: Attempt) -> None:
        """Whether the write moved the run; what that must have made of it, the model says."""
        run = attempt.run
        seq = self.world.one("SELECT transition_seq FROM runs WHERE id = %s", run.id)["transition_seq"]
        if seq == len(run.log):
            return
        if attempt.phase == "lease":
            assert (run.status, run.step_seq) == ("READY", attempt.step_seq), f"leased while it was {run.status}"
            self.model.lease(run, attempt)
            attempt.leased_at = self.world.now()
            attempt.phase = "work" if run.state in WORK else "settle"
            if run.state not in WORK:
                attempt.coming = partial(self.parks, attempt)
            return
        last = self.world.one(
            "SELECT event, reason FROM transitions WHERE run_id = %s ORDER BY seq DESC LIMIT 1", run.id
        )
        assert attempt.phase == "settle" and attempt.coming is not None, (
            f"moved in the middle of its {attempt.phase}: {last}"
        )
        assert run.holder is attempt, "a step that had lost its lease moved its run"
        attempt.coming()
        attempt.settled, attempt.phase = True, "done"

    def gate(self, attempt: Attempt) -> None:
        """A moment in which something may happen."""
        number, attempt.gates = attempt.gates, attempt.gates + 1
        if number == attempt.script.at:
            attempt.disturbed = True
            for name, n in attempt.script.deeds:
                self._disturb(attempt, name, n)

    # What the step functions do.

    def step_seq(self, step: Any) -> int:
        return self.stack[-1].step_seq

    def number_of_children(self, step: Any) -> int:
        return self.stack[-1].script.children

    def play(self, step: Any, data: Luggage) -> str:
        """The work of a state: the calls of its plan, then its ending."""
        with checked():
            return self._play(step, data)

    def _play(self, step: Any, data: Luggage) -> str:
        attempt, run = self.stack[-1], self.stack[-1].run
        stored = self.world.rows(
            "SELECT * FROM checkpoints WHERE run_id = %s AND step_seq = %s ORDER BY call_seq", run.id, attempt.step_seq
        )
        own, calls = stored[0], stored[1:]
        attempt.rows = {row["call_seq"]: row for row in calls}
        ending = attempt.script.ending
        try:
            self.gate(attempt)
            made = self._calls(step, attempt)
            self.gate(attempt)
            data.trail.append(f"{run.number}.{attempt.step_seq} {ending}")
            ending = raise_trouble(ending) if ending in TROUBLES else ending
        except LeaseLost:  # a cancel came before an irreversible call: the lease is given back
            attempt.coming = partial(self.model.handed_back, run)
            raise
        except Exception as problem:
            attempt.coming = partial(self.fails, attempt, problem, own, calls)
            raise
        finally:
            attempt.phase = "settle"
        if ending not in ROUTES[run.workflow, attempt.state]:
            attempt.coming = partial(self.model.unrecoverable, run)
        elif made < len(calls):
            attempt.coming = partial(self.diverges, attempt, calls)
        else:
            attempt.coming = partial(self.finishes, run, ending)
        return ending

    def plan_of(self, attempt: Attempt) -> tuple[str, ...]:
        """The calls of a step: fixed when it is first worked on, and the same where it is repeated."""
        if attempt.state == "SETTLING":
            return ("pay",)
        return self.plans.setdefault(attempt.run.origin(attempt.step_seq), attempt.script.plan)

    def _calls(self, step: Any, attempt: Attempt) -> int:
        plan = self.plan_of(attempt)
        wanted = plan[:-1] if attempt.script.fewer else plan
        for n, tool in enumerate(wanted, start=1):
            expected = self._expected(attempt, n, tool)
            attempt.in_call = True
            try:
                self._call(step, attempt, n, tool)
            except Exception as problem:
                self._check_call(attempt, n, tool, expected, word_of(problem))
                raise
            finally:
                attempt.in_call = False
            self._check_call(attempt, n, tool, expected, "answered")
        return len(wanted)

    def _call(self, step: Any, attempt: Attempt, n: int, tool: str) -> None:
        params: dict[str, Any] = {"of": self._asked(attempt, n)}
        action = None
        if tool == "pay":
            allowed = step.answer["actions"][purpose(attempt.run.origin(attempt.step_seq)[1] - 1)]
            action = allowed["id"]
            params |= {name: allowed[name] for name in ("purpose", "payee", "amount", "currency")}
            params["claim"] = step.subject
        step.call(TOOLS[tool], action=action, **params)

    def _asked(self, attempt: Attempt, n: int) -> str:
        """What a call is for: the place in the plan it stands at, which a stray call misses."""
        origin, at = attempt.run.origin(attempt.step_seq)
        return f"{origin}/{at}/{n}" + ("?" if attempt.script.strays == n else "")

    def _expected(self, attempt: Attempt, n: int, tool: str) -> Callable[[], str]:
        """What the call must come to, judged when it is over, as a cancel may come at its very beginning."""
        row, answers = attempt.rows.get(n), attempt.script.answers
        now, known = self.world.now(), row is not None and self.other_side.knows(str(row["idempotency_key"]))
        return lambda: comes_to(
            row,
            tool,
            answers[(n - 1) % len(answers)],
            same=row is None or row["input"]["of"] == self._asked(attempt, n),
            now=now,
            cancel=attempt.run.cancel,
            known=known,
        )

    def _check_call(self, attempt: Attempt, n: int, tool: str, expected: Callable[[], str], word: str) -> None:
        wanted = {expected()}
        if wanted == {"diverged"} and attempt.rows[n]["status"] in OPEN:
            wanted.add("for a person")
        if attempt.disturbed:
            wanted |= {"lease lost", "unknown yet", word if tool in ("probe", "pay") else "lease lost"}
        if tool == "pay":
            wanted.add("not approved")
        if word == "lease lost" and wanted == {"lease lost"}:
            attempt.disturbed = True  # a cancel came first: the lease stands until the worker looks after it
        assert word in wanted, f"call {n} ({tool}) came to {word!r}, not to {sorted(wanted)}"

    # The other side, as a tool's code.

    def send(self, tool: str, key: str, params: Mapping[str, Any]) -> Any:
        """What is sent: by whoever may, under the key that is the call's own."""
        with checked():
            return self._send(tool, key, params)

    def _send(self, tool: str, key: str, params: Mapping[str, Any]) -> Any:
        attempt = self.stack[-1]
        n = next(
            n for n, name in enumerate(self.plan_of(attempt), start=1) if params["of"].rstrip("?").endswith(f"/{n}")
        )
        if tool != "read":
            self._check_send(attempt, n, tool, key)
        self.gate(attempt)
        answers = attempt.script.answers
        effect = Effect(params["of"].rstrip("?"), attempt.run.id, key, tool, self.world.now())
        self._answer(answers[(n - 1) % len(answers)], effect)
        self.gate(attempt)
        if answers[(n - 1) % len(answers)] in ("no answer", "no trace", "slow"):
            raise TimeoutError("nothing was heard")
        return {"said": params["of"]}

    def _answer(self, answer: str, effect: Effect) -> None:
        match answer:
            case "not done":
                raise NotDone("the door was shut")
            case "refused":
                raise NotDone("no such door", retry=False)
            case "throttled":
                raise Throttled("not so fast", retry_after_seconds=PATIENCE_SECONDS)
            case "well" | "no answer" if effect.tool != "read":
                self.other_side.take(effect)
            case "slow" if effect.tool != "read":
                self.other_side.send_slowly(effect)

    def _check_send(self, attempt: Attempt, n: int, tool: str, key: str) -> None:
        run, now = attempt.run, self.world.now()
        epoch = run.verdicts.get((attempt.step_seq, n), []).count(False)
        assert key == ids.idempotency_key(run.id, attempt.step_seq, n, epoch), "sent under a key that is not the call's"
        assert attempt.held, "sent although the intent was written without the lease"
        place = (run.id, attempt.step_seq, n)
        row = self.world.one("SELECT * FROM checkpoints WHERE (run_id, step_seq, call_seq) = (%s, %s, %s)", *place)
        if run.holder is attempt:
            assert row["status"] == "INTENT", f"sent while the journal says {row['status']}"
        assert attempt.begun_at is not None and attempt.leased_at is not None
        assert (now - attempt.begun_at).total_seconds() < CALL_SECONDS + 5, "sent on an intent grown old"
        assert (now - attempt.leased_at).total_seconds() < STEP_SECONDS + 5, "sent past the step's deadline"
        pinged = self.world.one("SELECT pinged_at FROM workers WHERE id = %s", attempt.worker.rt.worker_id)["pinged_at"]
        assert (now - pinged).total_seconds() < SILENT_SECONDS + 5, "sent without being vouched for"
        if tool == "pay" and run.status not in ENDED:
            assert not run.cancel, "an irreversible call was sent after a cancel was accepted"

    def reconcile(self, key: str, params: Mapping[str, Any]) -> Any | None:
        """An honest answer whether a key was served."""
        return {"said": params["of"]} if self.other_side.knows(key) else None
