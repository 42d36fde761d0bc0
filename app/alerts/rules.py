"""The alert rules: pure functions of facts and limits. A rule says in words what is wrong, or nothing.

The law: a rule that no longer speaks ends its alert. So each states a condition, not an event, and knows nothing of
what is open already.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from app.core.lifecycle import Status
from app.engine import serving
from app.engine.process import refusals
from app.settings import Settings
from app.store.human_tasks.sla import OverdueTask
from app.store.reads.facts import EngineFacts, RefusedFacts, SweepFacts
from app.store.reads.run_facts import RunFacts, Suspicion
from app.store.records.alerts import Alert
from app.store.records.refused import SPELL_SECONDS
from app.store.workers.workers import CLOCK_OFF_SECONDS

LOST_WORKER_SECONDS = 900.0  # how long a worker that died is news
REASON_SHOWN = 160  # characters of why a message was refused; its row has more
SWEEP_GRACE_SECONDS = 10.0  # a hiccup of a two-second sweep is not worth a person's attention


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """The thresholds. Times are seconds."""

    human_wait_seconds: float
    periods: Mapping[str, float]
    silent_seconds: float
    dispatch_seconds: float
    times_expected: float = 3.0
    times_budget: float = 2.0
    spike_above: float = 3.0
    times_baseline: float = 3.0
    refused_seconds: float = SPELL_SECONDS

    @classmethod
    def of(cls, settings: Settings, periods: Mapping[str, float]) -> Limits:
        """The thresholds the settings name."""
        return cls(
            human_wait_seconds=settings.human_wait_alert_seconds,
            periods=periods,
            silent_seconds=settings.silent_seconds,
            dispatch_seconds=settings.dispatch_seconds,
        )

    def suspicion(self) -> Suspicion:
        """How the store finds the runs these limits may condemn."""
        return Suspicion(
            rules=tuple(RUN_RULES),
            human_wait_seconds=self.human_wait_seconds,
            times_expected=self.times_expected,
            times_budget=self.times_budget,
            recent_seconds=3 * self.periods.get("alerts", 30.0),
        )

    @property
    def ready_seconds(self) -> float:
        """How long a run may be READY: twelve looks of the dispatch sweep."""
        return 12 * self.dispatch_seconds


RunRule = Callable[[RunFacts, Limits], str | None]


def waiting_for_person(run: RunFacts, limits: Limits) -> str | None:
    """Nobody has answered for too long."""
    if run.status is Status.WAITING_FOR_HUMAN and run.still_seconds > limits.human_wait_seconds:
        return f"{run.subject} has waited {_long(run.still_seconds)} for a person in {run.state}"
    return None


def over_duration(run: RunFacts, limits: Limits) -> str | None:
    """Far longer in work than expected, waits for people and documents not counted."""
    if run.expected_seconds is not None and run.active_seconds > limits.times_expected * run.expected_seconds:
        return f"{run.subject} has been in work for {_long(run.active_seconds)}; {_long(run.expected_seconds)} were expected"
    return None


def over_budget(run: RunFacts, limits: Limits) -> str | None:
    """Far more tokens than budgeted, and more than a person has allowed since."""
    if run.token_budget is not None and run.tokens > limits.times_budget * run.token_budget + run.tokens_raised:
        return f"{run.subject} has used {run.tokens:,} tokens; its budget is {run.token_budget:,}"
    return None


def _stopped(status: Status) -> RunRule:
    def rule(run: RunFacts, _limits: Limits) -> str | None:
        if run.status is status:
            return f"{run.subject} is stopped in {run.state}, {status.value}; its triage task says why"
        return None

    return rule


# The last two are opened by the move that stops the run (app.engine.step.failures), under the same names; this repairs.
RUN_RULES: Mapping[str, RunRule] = MappingProxyType(
    {
        "waiting_for_person": waiting_for_person,
        "over_duration": over_duration,
        "over_budget": over_budget,
        "failed_retriable": _stopped(Status.FAILED_RETRIABLE),
        "dead_letter": _stopped(Status.DEAD_LETTER),
    }
)


def of_runs(runs: Iterable[RunFacts], limits: Limits) -> set[Alert]:
    """What is wrong with these runs."""
    return {
        Alert(name, str(run.id), message, run.id)
        for run in runs
        for name, rule in RUN_RULES.items()
        if (message := rule(run, limits)) is not None
    }


def task_overdue(task: OverdueTask) -> Alert:
    """An open human task past its due time; it stays with its role, and whoever may take it over is told."""
    message = f"{task.subject}: {task.title!r}, for the role {task.role}, is {_long(task.late_seconds)} overdue"
    return Alert("task_overdue", str(task.id), message, task.run_id)


Said = Iterator[tuple[str, str]]  # subject, message
EngineRule = Callable[[EngineFacts, Limits], Said]


def dead_letter_spike(facts: EngineFacts, limits: Limits) -> Said:
    """Far more dead letters in a quarter of an hour than the day before had in one on average."""
    usual = facts.dead_letters_before / 96
    if facts.dead_letters > max(limits.spike_above, limits.times_baseline * usual):
        yield "all", f"{facts.dead_letters} dead letters in 15 minutes; the day before it were {usual:.1f} on average"


def sweep_overdue(facts: EngineFacts, limits: Limits) -> Said:
    """A sweep that nobody has brought to its end for twice its period."""
    known = {sweep.name: sweep for sweep in facts.sweeps}
    up = max((worker.age_seconds for worker in facts.workers if worker.gone_seconds is None), default=0.0)
    for name, every in limits.periods.items():
        late = _unfinished(known.get(name), up)
        if late > max(2 * every, SWEEP_GRACE_SECONDS):
            yield name, f"the sweep {name} has not ended for {_long(late)}; it is due every {_long(every)}"


def _unfinished(sweep: SweepFacts | None, up_seconds: float) -> float:
    """Since when a sweep has not ended; one that never has is late since there are workers."""
    if sweep is None:
        return up_seconds
    if sweep.finished_seconds is None:
        return max(up_seconds, sweep.begun_seconds or 0.0)
    return sweep.finished_seconds


def worker_silent(facts: EngineFacts, limits: Limits) -> Said:
    """A worker that does not ping, or that was given up for dead not long ago."""
    for worker in facts.workers:
        where = f"the worker {worker.id} (process {worker.pid} on {worker.host})"
        if worker.gone_seconds is None and worker.silent_seconds > limits.silent_seconds:
            yield str(worker.id), f"{where} has not pinged for {_long(worker.silent_seconds)}"
        elif worker.gone_seconds is not None and worker.gone_seconds < LOST_WORKER_SECONDS and not worker.stopping:
            yield str(worker.id), f"{where} was lost; its runs were given to others"


def clock_off(facts: EngineFacts, _limits: Limits) -> Said:
    """A host whose clock is not the database's: messages expire by it, too early or never."""
    ahead = {w.host: w.clock_ahead_seconds or 0.0 for w in facts.workers if w.gone_seconds is None}
    for host, seconds in ahead.items():
        if abs(seconds) >= CLOCK_OFF_SECONDS:
            way = "ahead of" if seconds > 0 else "behind"
            yield host, f"the clock of {host} is {_long(abs(seconds))} {way} the database's; set it by NTP"


def documents_apart(facts: EngineFacts, _limits: Limits) -> Said:
    """A host that cannot read the documents of another: claims that come in there wait for people."""
    apart = {w.host: w.cannot_read for w in facts.workers if w.gone_seconds is None and w.cannot_read}
    for host, others in apart.items():
        yield (
            host,
            f"{host} cannot read the documents of {', '.join(others)}; give all hosts the same LONGHAUL_DOCUMENTS_URL",
        )


def ready_too_old(facts: EngineFacts, limits: Limits) -> Said:
    """Runs that somebody could take and nobody takes."""
    served = _served(facts, limits)
    for queue, seconds in facts.ready.items():
        if queue in served and seconds > limits.ready_seconds:
            yield queue, f"a run has been READY in {queue} for {_long(seconds)}; are its workers too few, or stuck?"


def nobody_serves(facts: EngineFacts, limits: Limits) -> Said:
    """Runs of a version, or of a pool, that no living worker subscribes to."""
    served = _served(facts, limits)
    for queue, seconds in facts.ready.items():
        if queue not in served and seconds > 2 * limits.dispatch_seconds:
            yield (
                queue,
                f"no living worker serves {queue}, in which runs are READY; start one that has this version and pool",
            )


def breaker_open(facts: EngineFacts, _limits: Limits) -> Said:
    """A downstream that is not called any more because it kept failing."""
    for name, seconds in facts.breakers.items():
        yield name, f"calls to {name} have been held back for {_long(seconds)}, because it kept failing"


def action_unconfirmed(facts: EngineFacts, _limits: Limits) -> Said:
    """Money or a letter that the other side knows otherwise than we do, or has not confirmed for an hour."""
    for action in facts.actions:
        what = f"the {action.purpose.replace('_', ' ')} of {action.amount} {action.currency} to {action.payee} for {action.claim}"
        says = "its service says something else" if action.disputed else "its service could not be asked"
        yield str(action.id), f"{what} was executed {_long(action.seconds)} ago, and {says}; run {action.run_id}"


def messages_refused(facts: EngineFacts, limits: Limits) -> Said:
    """Messages that were refused in the last hour; one alert for each kind of queue, of which there are few."""
    late = [kind for kind in facts.refused if kind.seconds < limits.refused_seconds]
    for where in sorted({refusals.place(kind.queue) for kind in late}):
        yield where, _refused([kind for kind in late if refusals.place(kind.queue) == where], where)


def _refused(kinds: Sequence[RefusedFacts], where: str) -> str:
    """What was refused in a kind of queue, where, why, how many, and what to do. `kinds`: the last seen first."""
    count, newest = sum(kind.count for kind in kinds), kinds[0]
    messages = f"{count:,} {'message was' if count == 1 else 'messages were'} refused"
    lay = "in an unknown queue" if where == refusals.UNKNOWN else f"in {newest.queue}"
    more = len(kinds) - 1
    others = f" (and {more} other kind{'s' if more > 1 else ''})" if more else ""
    if any(kind.what == "start" for kind in kinds):
        remedy = "no run began from them: correct who sends them, and send them again"
    else:
        remedy = "see who sends them: no worker of this version would"
    why = newest.reason if len(newest.reason) <= REASON_SHOWN else f"{newest.reason[: REASON_SHOWN - 1]}…"
    return f"{messages} {lay}, the last because {why}{others}; {remedy}. The page /refused lists them"


def _served(facts: EngineFacts, limits: Limits) -> set[str]:
    alive = [worker for worker in facts.workers if worker.gone_seconds is None]
    return serving.served(alive, limits.silent_seconds)


ENGINE_RULES: Mapping[str, EngineRule] = MappingProxyType(
    {
        rule.__name__: rule
        for rule in (
            dead_letter_spike,
            sweep_overdue,
            worker_silent,
            clock_off,
            documents_apart,
            ready_too_old,
            nobody_serves,
            breaker_open,
            action_unconfirmed,
            messages_refused,
        )
    }
)


def of_engine(facts: EngineFacts, limits: Limits) -> set[Alert]:
    """What is wrong with the engine itself."""
    return {Alert(name, *said) for name, rule in ENGINE_RULES.items() for said in rule(facts, limits)}


def _long(seconds: float) -> str:
    """A time as people say it. Of one that began before the clock was set back, nobody knows."""
    if math.isinf(seconds):
        return "an unknown time"
    for unit, length in (("days", 86_400.0), ("h", 3_600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
