"""What happens to runs from outside: people, operators, signals, time, sweeps, and the death of workers.

Each deed is done to the product and told to the model, and whether it was accepted must be what the model says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from app.core.errors import KeyReused, Refused
from app.core.ids import new_id
from app.engine import start
from app.engine.control import fork as forking
from app.engine.control import operate, signals
from app.humans.complete import complete
from app.sweeps import heartbeats, timers
from tests.lifecycle_machine.attempts import Attempts
from tests.lifecycle_machine.maze import MAZE, Luggage
from tests.lifecycle_machine.model import Run
from tests.lifecycle_machine.script import Attempt, Killed, Script
from tests.lifecycle_machine.world import Worker, World

STEP_AND_GRACE = 310.0  # longer than a step may take, and than a worker may be silent
WHY: dict[str, Any] = {"actor": "person:olga", "reason": "the machine says so"}
OPERATIONS: dict[str, Callable[..., None]] = {
    "pause": operate.pause,
    "resume": operate.resume,
    "cancel": operate.cancel,
    "retry": operate.retry,
    "redrive": operate.redrive,
    "fail": operate.fail,
}


def accepted(deed: Callable[[], Any]) -> bool:
    """Whether the product took it."""
    try:
        deed()
    except Refused:
        return False
    return True


class Deeds:
    """Everything that can be done to the runs of an example."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.attempts = Attempts(world, self.disturb)
        self.model, self.other_side = self.attempts.model, self.attempts.other_side
        self._subjects = 0

    def start(self) -> Run:
        self._subjects += 1
        subject = f"M-{self._subjects}"
        started = self.world.database.transact(
            lambda db: start.start(db, MAZE, subject=subject, data=Luggage(), key=None, actor="test")
        )
        return self.model.start(started.run_id, "maze")

    def work(self, run: Run, script: Script, worker: Worker, *, step_seq: int | None = None) -> None:
        """Ring for a run. A worker that is no more is replaced; one whose session broke finds out and connects again."""
        self.attempts.make(run, script, worker, step_seq=step_seq)
        if not self.attempts.stack:
            self._tidy()

    def _tidy(self) -> None:
        for worker in list(self.world.workers):
            if worker.alive and worker.stopping:
                self._leave(worker)
            if not worker.alive and (not worker.living or not self._held_by(worker)):
                self.world.workers.remove(worker)
        for worker in self.world.workers:
            if worker.alive and not (worker.locked and worker.living and worker.heard):
                self._ping(worker)
        while len(self.world.able()) < 2:
            self.world.hire()

    def operate(self, verb: str, run: Run) -> bool:
        """One of an operator's verbs; whether it was accepted."""
        model = self.model
        rules: dict[str, tuple[bool, Callable[[], None]]] = {
            "pause": (model.may_pause(run), lambda: model.pause(run)),
            "resume": (model.may_resume(run), lambda: model.resume(run)),
            "cancel": (model.may_cancel(run), lambda: model.cancel(run)),
            "retry": (run.status == "FAILED_RETRIABLE", lambda: model.tried_again(run, "retried")),
            "redrive": (run.status == "DEAD_LETTER", lambda: model.tried_again(run, "redriven")),
            "fail": (run.status in ("FAILED_RETRIABLE", "DEAD_LETTER"), lambda: model.failed_by_operator(run)),
        }
        may, then = rules[verb]
        took = accepted(lambda: OPERATIONS[verb](self.world.office, run.id, **WHY))
        assert took == may, f"{verb} of a run that is {run.status} was {'accepted' if took else 'refused'}"
        if took:
            then()
        return took

    def signal(self, run: Run, name: str, signal_id: str, body: str) -> None:
        """Send a signal; the same id and body again is no second one, another body or name under its id is refused."""
        before, ended = run.signals.get(signal_id), run.ended
        try:
            kept = signals.signal(self.world.office, run.id, name, body, signal_id=signal_id, actor="test")
        except KeyReused:
            assert before not in (None, (name, body)), "a signal was taken for another one"
            return
        except Refused:
            assert ended and before is None, f"a signal was refused while the run is {run.status}"
            return
        if before is not None:
            assert not kept and before == (name, body), "a second signal under the same id was kept"
            return
        assert kept and not ended, "a signal was not kept"
        run.signals[signal_id] = (name, body)
        self.model.signalled(run, name)

    def answer(self, run: Run, choice: int, by: str) -> None:
        """Somebody answers the run's open task; then another person comes too late."""
        task = self.world.one("SELECT * FROM human_tasks WHERE run_id = %s AND status = 'OPEN'", run.id)
        outcome = self._outcome(run, task, choice)
        answer = {} if task["kind"] == "work" else {"comment": "so it is"}
        # While a payment of the claim stands there is no way back, and no second one is allowed on top.
        may = not (outcome in ("stop", "pay") and self.attempts.stands(run))
        took = accepted(lambda: complete(self.world.office, task["id"], by=by, outcome=outcome, answer=answer))
        assert took == may, f"{outcome} on a task of the kind {task['kind']} was {'accepted' if took else 'refused'}"
        if took:
            self._told(run, task, outcome)
            other = "ben" if by == "ada" else "ada"
            late = accepted(lambda: complete(self.world.office, task["id"], by=other, outcome=outcome, answer=answer))
            assert not late, "a second answer was accepted"

    def _outcome(self, run: Run, task: dict[str, Any], choice: int) -> str:
        """One of those offered; about an unknown outcome the truth."""
        if task["kind"] == "unknown":
            call = self.world.one(
                "SELECT idempotency_key FROM checkpoints WHERE (run_id, step_seq, call_seq) = (%s, %s, %s)",
                run.id,
                task["step_seq"],
                task["call_seq"],
            )
            return "it_happened" if self.other_side.will_know(call["idempotency_key"]) else "it_did_not_happen"
        outcomes: list[str] = sorted(task["outcomes"])
        return outcomes[choice % len(outcomes)]

    def _told(self, run: Run, task: dict[str, Any], outcome: str) -> None:
        model = self.model
        if task["kind"] == "unknown":
            run.verdicts.setdefault((task["step_seq"], task["call_seq"]), []).append(outcome == "it_happened")
        if task["kind"] == "work" and outcome == "pay":
            run.approved.append(run.step_seq)
        match outcome:
            case "retry" | "redrive":
                model.tried_again(run, {"retry": "retried", "redrive": "redriven"}[outcome])
            case "fail":
                model.failed_by_operator(run)
            case "stop":
                model.cancel(run)
            case "again":
                origin, entered = run.origin(run.step_seq), run.step_seq + 1
                model.answered(run, outcome)
                run.origins[entered] = origin
            case _:
                model.answered(run, outcome)

    def fork(self, run: Run, step_seq: int) -> None:
        """Begin a run where another entered a step, with what was completed there."""
        calls = self.world.rows(
            "SELECT status FROM checkpoints WHERE run_id = %s AND step_seq = %s AND call_seq > 0", run.id, step_seq
        )
        may = not any(call["status"] in ("INTENT", "UNKNOWN") for call in calls) and not any(
            at < step_seq for at in run.approved
        )
        new = new_id()
        took = accepted(lambda: forking.fork(self.world.office, run.id, step_seq, **WHY, fork_id=new))
        assert took == may, f"a fork of step {step_seq} was {'made' if took else 'refused'}"
        if took:
            state = next(move.state for move in run.log if move.step_seq == step_seq)
            origin = run.origin(step_seq)
            made = self.model.start(new, run.workflow, state=state, forked=True)
            made.origins[1] = origin

    # Time, sweeps and workers.

    def clock(self, seconds: float, *, but: Worker | None = None) -> None:
        """It becomes later, and every living worker but one shows that it lives."""
        self.world.move_clock(seconds)
        self.other_side.arrive(self.world.now())
        for worker in self.world.workers:
            if worker is not but and worker.alive and worker.locked:
                self._ping(worker)

    def next_deadline(self, by: float) -> None:
        """Move the clock to `by` seconds after the next moment at which a wait ends."""
        row = self.world.one(
            """SELECT min(extract(epoch FROM t - app_now()))::float8 AS ahead FROM runs, unnest(ARRAY[wake_at, expires_at]) t
               WHERE t > app_now()"""
        )
        if row["ahead"] is not None and row["ahead"] + by > 0.5:
            self.clock(row["ahead"] + by)

    def timers(self) -> None:
        """Whatever is due wakes, and nothing else does."""
        due = self.world.rows(
            """SELECT id, coalesce(wake_at <= app_now(), false) AS is_due, coalesce(expires_at <= app_now(), false) AS has_expired
               FROM runs ORDER BY least(wake_at, expires_at)"""
        )
        timers.run_once(self.world.office)
        for row in due:
            run = self.run_of(row["id"])
            if row["is_due"] and run.status in ("WAITING_FOR_TIMER", "FAILED_RETRIABLE"):
                self.model.time_has_come(run)
            elif row["has_expired"] and "expired" in run.routes:
                self.model.expired(run)

    def watch(self) -> None:
        """Whoever lost the lock is found by two looks, and what it held is taken from it."""
        missing = [worker for worker in self.world.workers if worker.living and not worker.locked]
        self.world.observer.turn()
        for lost in self.world.observer.turn():
            heartbeats.give_up(self.world.office, lost)
        for worker in missing:
            self._given_up(worker)

    def heartbeats(self) -> None:
        """Who does not ping is given up, and steps past their deadline are taken away."""
        silent = {
            row["id"]
            for row in self.world.rows(
                "SELECT id FROM workers WHERE gone_at IS NULL AND pinged_at < app_now() - interval '120 s'"
            )
        }
        late = [
            row["id"]
            for row in self.world.rows(
                "SELECT id FROM runs WHERE status = 'RUNNING' AND deadline_at < app_now() - interval '5 s' ORDER BY deadline_at"
            )
        ]
        heartbeats.run_once(self.world.office)
        for worker in self.world.workers:
            if worker.rt.worker_id in silent:
                self._given_up(worker)
        for run in map(self.run_of, late):
            if run.status == "RUNNING":
                self.model.lost(run, counts=True, isolate=True)

    def _given_up(self, worker: Worker) -> None:
        held = self._held_by(worker)
        alone = len(held) <= 1
        for run in held:
            self.model.lost(run, counts=alone and not worker.stopping, isolate=not alone and not worker.stopping)
        worker.living = False

    def _held_by(self, worker: Worker) -> list[Run]:
        return [run for run in self.model.runs if run.holder is not None and run.holder.worker is worker]

    def ping(self) -> None:
        """Every living worker pings, and hands back what nobody works on."""
        for worker in self.world.workers:
            if worker.alive and worker.locked:
                self._ping(worker)

    def _ping(self, worker: Worker) -> None:
        idle = [run for run in self._held_by(worker) if run.holder not in self.attempts.stack]
        if worker.locked:
            worker.ping()
        else:
            worker.connect()
        worker.living = True
        for run in idle:
            self.model.handed_back(run)

    def kill(self, worker: Worker) -> None:
        """The process is no more; the database drops its lock."""
        worker.alive = False
        worker.break_session()

    def _leave(self, worker: Worker) -> None:
        """The end of a planned shutdown."""
        worker.liveness.stop()
        worker.alive = worker.locked = False
        worker.living = bool(self._held_by(worker))

    def _shut_down(self, worker: Worker) -> None:
        """A planned shutdown: every lease without an open intent is handed back."""
        held = [run for run in self._held_by(worker) if run.holder in self.attempts.stack and not run.holder.in_call]
        worker.liveness.shut_down()
        worker.stopping = True
        for run in held:
            self.model.handed_back(run)

    # In the middle of an attempt.

    def disturb(self, attempt: Attempt, name: str, n: int) -> None:
        """Something happens between two lines of a step."""
        run, worker = attempt.run, attempt.worker
        match name:
            case "cancel" | "pause" | "resume":
                self.operate(name, run)
            case "cancel parent" if run.parent is not None:
                self.operate("cancel", run.parent)
            case "signal":
                self.signal(run, ("word", "reply", "noise")[n % 3], f"in the middle {n}", "hear")
            case "timers":
                self.timers()
            case "elsewhere" | "beside":
                self._elsewhere(attempt, n, same_worker=name == "beside")
            case _:
                self._strike(worker, name, n)

    def _strike(self, worker: Worker, name: str, n: int) -> None:
        """Something happens to the process in which a step is under way."""
        match name:
            case "kill":
                self.kill(worker)
                raise Killed
            case "lose":
                worker.break_session()
                self.watch()
            case "oversleep":
                self.clock(STEP_AND_GRACE)
                self.heartbeats()
            case "unheard":
                worker.heard = False
                self.clock(125, but=worker)
            case "nap":
                self.clock(10 if n % 2 else 40)
            case "shut down" if not worker.stopping:
                self._shut_down(worker)

    def _elsewhere(self, attempt: Attempt, n: int, *, same_worker: bool) -> None:
        """Another attempt meanwhile: at this run if it is ready, else at any; by another worker, or beside this step."""
        ready = [run for run in self.model.runs if run.status == "READY"]
        able = [w for w in self.world.able() if (w is attempt.worker) == same_worker]
        if not ready or not able or len(self.attempts.stack) > 1:
            return
        run = attempt.run if attempt.run in ready else ready[n % len(ready)]
        deeds = (("kill", 0),) if same_worker and n % 2 else ()
        script = Script(plan=attempt.script.plan, at=n % 6 if deeds else -1, deeds=deeds, ending="more")
        self.attempts.make(run, script, able[0])

    def run_of(self, run_id: UUID) -> Run:
        return next(run for run in self.model.runs if run.id == run_id)
