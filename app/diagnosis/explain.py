"""explain: one sentence that says which of the promised conditions a run is in, and why it is not moving.

The law: pure, total over the statuses, and never a guess: a cause is named only if it was read. The conditions are
those of promise 8: ended; waiting; ready; running; being reassigned; stopped or paused until a person decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from app.core.declarations import limits
from app.core.lifecycle import ENDED, STOPPED, EventKind, Status
from app.core.statuses import TaskKind
from app.core.values.durations import spoken
from app.core.workflow import EXPIRED
from app.engine import serving
from app.settings import Settings
from app.store.reads.glance import RunDetail
from app.store.reads.situation import Holder, Situation
from app.store.runs.downstreams import MOST_HELD_UP, BindingLimit

YOUNG_SECONDS = 5.0  # READY for less than this needs no cause


@dataclass(frozen=True, slots=True)
class Explanation:
    """`condition` is one of the six; `sentence` is for people."""

    condition: str
    sentence: str


def explain(seen: Situation, settings: Settings, *, broker: str | None = None) -> Explanation:
    """Explain a run. `broker` says what is wrong with the broker, if it was asked and is away."""
    status = Status(seen.run.status)
    condition, say = _SAYINGS[status]
    asked = _asked_for(seen.run) if status not in ENDED else ""
    text = say(_View(seen, settings, broker))
    return Explanation(condition, f"{seen.run.subject} {text}{asked}.")


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


class _View:
    """A situation with the few questions the sayings ask of it."""

    def __init__(self, seen: Situation, settings: Settings, broker: str | None) -> None:
        self.seen, self.run, self.settings, self.broker = seen, seen.run, settings, broker

    def lasting(self, at: datetime) -> str:
        return f"for {spoken((self.seen.now - at).total_seconds())}"

    def ago(self, at: datetime) -> str:
        return f"{spoken((self.seen.now - at).total_seconds())} ago"

    def clock(self, at: datetime | None, *, past: str = "now overdue") -> str:
        """A future time with the distance to it."""
        if at is None:
            return ""
        ahead = (at - self.seen.now).total_seconds()
        return f"{_utc(at)} ({f'in {spoken(ahead)}' if ahead > 0 else f'{past} by {spoken(-ahead)}'})"

    @property
    def entered(self) -> datetime:
        return self.seen.run.since

    def late_sweep(self, name: str, period: float) -> str:
        """That a sweep this run depends on does not come, if so."""
        age = self.seen.sweeps.get(name)
        if age is None:
            return f"; the {name} sweep has never run, so see whether beat is alive"
        return (
            f"; the {name} sweep last ran {spoken(age)} ago, so see whether beat is alive" if age > 2 * period else ""
        )


def _ready(view: _View) -> str:
    run, workers = view.run, view.seen.workers
    since = run.ready_at or view.entered
    text = f"is READY to enter {run.state} {view.lasting(since)}"
    able = [w for w in serving.able(workers, view.settings.silent_seconds) if run.queue in w.queues]
    if not able:
        return f"{text}, but {_nobody(view)}"
    age = (view.seen.now - since).total_seconds()
    if view.broker:
        return f"{text}; the broker is away ({view.broker}), so workers find it more slowly, straight from the database"
    if age < YOUNG_SECONDS and not view.seen.ahead:
        return f"{text} and {_count(len(able), 'worker')} can take it"
    slots = sum(w.slots for w in able)
    place = f"behind {_count(view.seen.ahead, 'older run')}" if view.seen.ahead else "first"
    text += f", {place} in its queue {run.queue}"
    text += f"; {_count(len(able), 'worker')} with {_count(slots, 'slot')} can take it"
    if view.seen.ahead > slots:
        text += "; another worker of its pool, or a larger -c of one, takes more at once"
    return text + view.late_sweep("dispatch", view.settings.dispatch_seconds)


def _nobody(view: _View) -> str:
    """Why no worker can take it."""
    run, workers = view.run, view.seen.workers
    if not workers:
        return "no worker is alive; start one"
    if any(run.queue in w.queues for w in workers):
        return f"every worker of its queue {run.queue} is silent or shutting down; start one"
    versions = sorted(
        {q.rsplit(".v", 1)[1] for w in workers for q in w.queues if q.split(".")[1:2] == [run.workflow] and ".v" in q}
    )
    has = (
        f" (there are workers of v{', v'.join(versions)})"
        if versions and str(run.workflow_version) not in versions
        else ""
    )
    pool = run.queue.split(".")[0]
    return (
        f"no worker subscribes to its queue {run.queue}{has}; start one that has "
        f"{run.workflow} v{run.workflow_version} in the pool {pool}"
    )


def _running(view: _View) -> str:
    run, holder = view.run, view.seen.holder
    text = f"is RUNNING {run.state} {view.lasting(view.entered)}, try {run.attempt}, under {_worker(holder, run)}"
    if run.deadline_at:
        text += f", deadline {view.clock(run.deadline_at)}"
    if holder is None or holder.gone_at:
        return f"{text}; that worker is gone, and the heartbeats sweep reassigns the run" + _heartbeats(view)
    if holder.silent_seconds > 2 * view.settings.ping_seconds:
        return f"{text}; it has not pinged for {spoken(holder.silent_seconds)}" + _heartbeats(view)
    return text


def _heartbeats(view: _View) -> str:
    return view.late_sweep("heartbeats", view.settings.heartbeats_seconds)


def _worker(holder: Holder | None, run: RunDetail) -> str:
    return f"worker {holder.id} ({holder.host}, process {holder.pid})" if holder else f"worker {run.worker_id}"


def _for_human(view: _View) -> str:
    run = view.run
    if not view.seen.tasks:
        text = f"waits in {run.state} {view.lasting(view.entered)} for a person ({run.waiting_reason})"
        return f"{text}, but no human task is open for it: this needs an operator"
    why = f" ({run.waiting_reason})" if view.seen.tasks[0].kind == TaskKind.APPROVAL and run.waiting_reason else ""
    text = f"waits in {run.state} for a person{why}: {_asked(view)}"
    return text + (f"; without an answer the wait expires {view.clock(run.expires_at)}" if run.expires_at else "")


def _asked(view: _View) -> str:
    """Who is asked what, since when."""
    task = view.seen.tasks[0]
    text = f"{task.role} was asked “{task.title}” {view.ago(task.created_at)}"
    if task.due_at:
        text += f", due {view.clock(task.due_at)}"
    if task.claimed_by:
        return f"{text}, claimed by {task.claimed_by}"
    people = [p.display_name for p in view.seen.able.get(task.role, ()) if p.username not in task.not_by]
    if not people:
        return f"{text}, but nobody who may answer has the role {task.role}: give it to someone"
    return f"{text}; {_some(people)} may answer"


def _for_signal(view: _View) -> str:
    run = view.run
    names = sorted(set(view.seen.routes) - {EXPIRED})
    text = f"waits in {run.state} {view.lasting(view.entered)} for the signal {' or '.join(names)}"
    if run.waiting_reason not in (None, *(f"waits for {name}" for name in names)):
        text += f" ({run.waiting_reason})"
    if run.expires_at:
        text += f", at most until {view.clock(run.expires_at)}"
    if set(run.pending_events) & set(names):
        text += ", which has come; the timers sweep wakes it"
    return text + _timers(view, run.expires_at)


def _for_timer(view: _View) -> str:
    run = view.run
    if view.seen.limit is not None:
        return _for_limit(view, view.seen.limit)
    until = view.clock(run.wake_at, past="due and late")
    why = f" because {run.last_reason}" if run.last_reason and run.last_event != EventKind.WAITS_FOR_TIMER else ""
    what = "waits" if run.last_event == EventKind.WAITS_FOR_TIMER else f"waits to try {run.state} again"
    where = f" in {run.state}" if run.last_event == EventKind.WAITS_FOR_TIMER else f", try {run.attempt},"
    return f"{what}{where} until {until}{why}" + _timers(view, run.wake_at)


def _for_limit(view: _View, limit: BindingLimit) -> str:
    run, name = view.run, limit.downstream
    is_told = limits.told(limit.why, rate=limit.rate_per_second, concurrency=limit.concurrency)
    text = f"waits in {run.state} {view.lasting(view.entered)} because the limit {name!r} ({is_told}) is used up"
    many = f"more than {MOST_HELD_UP:,}" if limit.runs > MOST_HELD_UP else f"{limit.runs:,}"
    text += f"; {many} {'run waits' if limit.runs == 1 else 'runs wait'} for it"
    text += f", this one comes again {view.clock(run.wake_at, past='due and late')}"
    text += f"; if {name} can bear more, raise it with {limits.VARIABLE} on every worker"
    return text + _timers(view, run.wake_at)


def _timers(view: _View, due: datetime | None) -> str:
    late = due is not None and (view.seen.now - due).total_seconds() > 2 * view.settings.timers_seconds
    return view.late_sweep("timers", view.settings.timers_seconds) if late else ""


def _for_children(view: _View) -> str:
    run, children = view.run, view.seen.children
    text = f"waits in {run.state} {view.lasting(view.entered)}"
    text += f" for {run.children_left} of {_count(len(children), 'child run')}"
    open_ones = [c for c in children if Status(c.status) not in ENDED]
    stuck = [c for c in open_ones if Status(c.status) in STOPPED]
    if stuck:
        first, more = stuck[0], len(stuck) - 1
        text += f"; {first.subject} is stopped in {first.state} as {first.status}: {first.reason}"
        return text + (f" (and {more} more)" if more else "") + "; an operator decides"
    if open_ones:
        child = open_ones[0]
        why = f" ({child.reason})" if child.reason else ""
        text += f"; {child.subject} is {child.status} in {child.state}{why}"
    return text + (f", at most until {view.clock(run.expires_at)}" if run.expires_at else "")


def _suspected(view: _View) -> str:
    text = f"lost its worker in {view.run.state} {view.ago(view.entered)} ({view.run.last_reason})"
    return f"{text} and is SUSPECTED_DEAD until the heartbeats sweep makes it READY again" + _heartbeats(view)


def _retriable(view: _View) -> str:
    run = view.run
    text = f"used up its tries of {run.state} and is FAILED_RETRIABLE {view.lasting(view.entered)}"
    text += f": {run.waiting_reason}"
    if run.wake_at:
        text += f"; late retry {run.late_retries + 1} of {view.settings.late_retries} comes "
        text += view.clock(run.wake_at, past="late")
        text += _timers(view, run.wake_at)
    else:
        text += "; no late retry is left"
    return text + _operator(view, "retry or fail")


def _dead(view: _View) -> str:
    run = view.run
    text = f"is in DEAD_LETTER at {run.state} {view.lasting(view.entered)}: {run.waiting_reason}"
    return text + _operator(view, "redrive or fail")


def _operator(view: _View, choices: str) -> str:
    asked = f": {_asked(view)}" if view.seen.tasks else ""
    return f"; an operator decides ({choices}){asked}"


def _paused(view: _View) -> str:
    run = view.run
    text = f"was PAUSED before {run.state} {view.ago(view.entered)}"
    if run.last_event == EventKind.PAUSED:
        text += f" by {run.last_actor}" + (f": {run.last_reason}" if run.last_reason else "")
    else:
        text += ", as had been asked while it could not yet"
    return f"{text}; it stays until someone resumes it"


def _ended(view: _View) -> str:
    run = view.run
    ended = run.finished_at or run.since
    took = spoken((ended - run.created_at).total_seconds())
    why = f": {run.last_reason}" if run.last_reason else ""
    where = f" in {run.state}" if run.state != run.status else ""
    return f"ended as {run.status}{where} at {_utc(ended)}, after {took}, by {run.last_actor}{why}"


def _asked_for(run: RunDetail) -> str:
    """What is asked of a run that cannot do it yet."""
    if run.cancel_requested:
        return "; a cancel is asked for and comes about at the end of its step"
    return "; a pause is asked for and comes about when it would next be ready" if run.pause_requested else ""


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def _some(names: list[str]) -> str:
    """Some names of many; a display name may hold commas."""
    return " or ".join(names if len(names) <= 3 else [*names[:3], f"{len(names) - 3} more"])


_WAITS, _DECIDES = "waiting", "until a person decides"
_SAYINGS: dict[Status, tuple[str, Callable[[_View], str]]] = {
    Status.READY: ("ready", _ready),
    Status.RUNNING: ("running", _running),
    Status.WAITING_FOR_HUMAN: (_WAITS, _for_human),
    Status.WAITING_FOR_EVENT: (_WAITS, _for_signal),
    Status.WAITING_FOR_TIMER: (_WAITS, _for_timer),
    Status.WAITING_FOR_CHILDREN: (_WAITS, _for_children),
    Status.SUSPECTED_DEAD: ("being reassigned", _suspected),
    Status.FAILED_RETRIABLE: (f"stopped {_DECIDES}", _retriable),
    Status.DEAD_LETTER: (f"stopped {_DECIDES}", _dead),
    Status.PAUSED: (f"paused {_DECIDES}", _paused),
    Status.COMPLETE: ("ended", _ended),
    Status.FAILED: ("ended", _ended),
    Status.CANCELLED: ("ended", _ended),
}
