"""What an attempt comes to, told to the model: how each state waits, and what each error of a step's work means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.core import ids
from tests.lifecycle_machine.calls import OPEN, Row, is_open, patience_left, pause_asked, word_of
from tests.lifecycle_machine.maze import (
    ASK_SECONDS,
    BACKOFF_SECONDS,
    LISTEN_SECONDS,
    REPLY_SECONDS,
    REST_SECONDS,
    ROUTES,
    SPLIT_SECONDS,
    TRIES,
)
from tests.lifecycle_machine.model import ENDED, STAYS, Model, Run
from tests.lifecycle_machine.script import Attempt
from tests.lifecycle_machine.world import World


class Outcomes:
    """Tells a model what became of attempts."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.model = Model(self.stands)

    def stands(self, run: Run) -> bool:
        """Whether an irreversible call of the run stands in the journal."""
        found = self.world.rows(
            "SELECT 1 FROM checkpoints WHERE run_id = %s AND name = 'maze.pay' AND status <> 'FAILED'", run.id
        )
        return bool(found)

    def journal_of(self, run: Run) -> list[dict[str, Any]]:
        """All its checkpoints."""
        return self.world.rows("SELECT * FROM checkpoints WHERE run_id = %s ORDER BY step_seq, call_seq", run.id)

    def parks(self, attempt: Attempt) -> None:
        run = attempt.run
        routes = ROUTES[run.workflow, run.state]
        match run.state:
            case "LISTENING":
                self.model.waits_for_event(run, routes, LISTEN_SECONDS, suspended=False)
            case "RESTING":
                self.model.waits_for_time(run, routes, REST_SECONDS)
            case "ASKING":
                self.model.waits_for_person(run, routes, ASK_SECONDS)
            case "APPROVING":
                self.model.waits_for_person(run, routes, None)
            case "SPLITTING":
                children = [ids.child_id(run.id, run.step_seq, n) for n in range(attempt.script.children)]
                self.model.waits_for_children(run, routes, SPLIT_SECONDS, children)

    def finishes(self, run: Run, outcome: str) -> None:
        target = ROUTES[run.workflow, run.state][outcome]
        if target in ENDED:
            self.model.ends(run, target)
        else:
            self.model.finishes(run, target)

    def diverges(self, attempt: Attempt, calls: Sequence[Row]) -> None:
        """A person decides about an open call first; about one that only reads they may be asked as well."""
        run = attempt.run
        asked = self.world.rows(
            "SELECT call_seq FROM human_tasks WHERE run_id = %s AND status = 'OPEN' AND kind = 'unknown'", run.id
        )
        reads = [row["call_seq"] for row in calls if row["status"] in OPEN and not is_open(row)]
        doubtful = [row["call_seq"] for row in calls if is_open(row)]
        if doubtful or (asked and asked[0]["call_seq"] in reads):
            self._asks_about(run, asked[0]["call_seq"] if asked else doubtful[0])
        else:
            self.model.unrecoverable(run)

    def _asks_about(self, run: Run, call: int) -> None:
        self.model.needs_person(run, "unknown", {"it_happened": STAYS, "it_did_not_happen": STAYS}, call)

    def _patience_with(self, attempt: Attempt, own: Row) -> float:
        """Seconds for which the step may yet be sent away for its unknown outcomes, counting those of this attempt."""
        return patience_left(
            own,
            [row for row in self.journal_of(attempt.run) if row["step_seq"] == attempt.step_seq and row["call_seq"]],
            self.world.now(),
        )

    def fails(self, attempt: Attempt, problem: Exception, own: Row, calls: Sequence[Row]) -> None:
        run, model = attempt.run, self.model
        left = patience_left(own, calls, self.world.now())
        match word_of(problem):
            case "throttled" if left > 0:
                model.sent_away(run, "downstream throttled", pause_asked(left))
            case "throttled":
                model.exhausted(run)
            case "unknown yet" if self._patience_with(attempt, own) > 0:
                model.sent_away(run, "outcome too early to judge", problem.retry_in_seconds)  # type: ignore[attr-defined]
            case "unknown yet" | "for a person":
                self._asks_about(run, problem.call_seq)  # type: ignore[attr-defined]
            case "diverged":
                self.diverges(attempt, calls)
            case "refused":
                model.unrecoverable(run)
            case "unsure":
                onward = {way: to for way, to in ROUTES[run.workflow, run.state].items() if to not in ENDED}
                model.needs_person(run, "doubt", onward | {"again": run.state})
            case "not approved":
                model.needs_person(run, "approval", {"approve": STAYS})
            case "suspended":
                patience = getattr(problem, "expires_seconds", None)
                ways = {"reply": STAYS} | ({"expired": STAYS} if patience else {})
                model.waits_for_event(run, ways, REPLY_SECONDS if patience else None, suspended=True)
            case _:
                model.fails(run, TRIES, BACKOFF_SECONDS)
