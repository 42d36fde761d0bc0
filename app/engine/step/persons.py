"""Human tasks as the engine opens them: work a workflow asks for, doubts, unknown outcomes, triage.

The rows are canonical JSON texts for `Beside.task`; they are inserted in the same statement as the move.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.core.canonical import canonical, digest
from app.core.declarations.roles import OPERATOR
from app.core.errors import ApprovalMissing, BudgetReached, NeedsPerson, OutcomeUnknown
from app.core.ids import new_id
from app.core.lifecycle import Status
from app.core.run import Route, Routes, Run
from app.core.statuses import TaskKind
from app.core.values.durations import seconds
from app.core.workflow import EXPIRED, Human, Proposal, Request, State, Workflow
from app.store.ledger.actions import Standing
from app.store.runs.steps import Checkpoint

AGAIN = "again"
CARRIES = "carries"  # in the route of `again`: up to which call the state's calls are carried over
RAISE, APPROVE, STOP = "raise", "approve", "stop"
_RUNS_AGAIN = {Status.DEAD_LETTER: "redrive", Status.FAILED_RETRIABLE: "retry"}
DONE, NOT_DONE = "it_happened", "it_did_not_happen"


def _verdict_form(**more: Any) -> dict[str, Any]:
    """The form of a verdict: a reason always, and what else is asked."""
    return {
        "type": "object",
        "properties": {"comment": {"type": "string", "title": "Why", "minLength": 1}} | more,
        "required": ["comment"],
    }


def _row(
    *,
    kind: TaskKind,
    role: str,
    title: str,
    note: str,
    outcomes: Sequence[str],
    form: Any,
    defaults: Any = None,
    evidence: Any = (),
    proposals: Any = (),
    approves: Any = None,
    not_by: Sequence[str] = (),
    call_seq: int | None = None,
    due_seconds: float = 48 * 3600.0,
    fingerprint: str | None = None,
) -> str:
    shown = {
        "title": title,
        "note": note,
        "defaults": defaults or {},
        "evidence": list(evidence),
        "proposals": list(proposals),
    }
    return canonical(
        {
            "id": new_id(),
            "kind": kind,
            "role": role,
            **shown,
            "form": form,
            "approves": approves or {},
            "outcomes": list(outcomes),
            "not_by": list(not_by),
            "call_seq": call_seq,
            "shown_digest": digest(canonical(shown)),
            "due_seconds": due_seconds,
            "fingerprint": fingerprint,
        }
    )


def work(state: Human, request: Request) -> str:
    """What a Human state asks."""
    return _row(
        kind=TaskKind.WORK,
        role=state.role,
        title=request.title,
        note=request.note,
        form=state.form.model_json_schema(),
        outcomes=list(request.outcomes) or [outcome for outcome in state.then if outcome != EXPIRED],
        defaults=dict(request.defaults),
        evidence=[dict(e) for e in request.evidence],
        proposals=[_plain(p) for p in request.proposals],
        approves={outcome: list(purposes) for outcome, purposes in request.approves.items()},
        not_by=request.not_by,
        due_seconds=seconds(state.due),
    )


def _plain(proposal: Any) -> Mapping[str, Any]:
    return {name: getattr(proposal, name) for name in proposal.__dataclass_fields__}


def doubt(state: State, problem: NeedsPerson, routes: Iterable[str], done: Sequence[Checkpoint]) -> str:
    """A semantic failure: what was seen, why it is unsure; the answer names an outcome or enters the state anew.

    done: the calls of the step that had their effect.
    """
    form = _verdict_form(data={"type": "object", "title": "Corrected data"})
    evidence = [problem.evidence] if problem.evidence else []
    evidence += [{"call": row.name, "key": row.key, "parameters": row.input, "result": row.output} for row in done]
    return _row(
        kind=TaskKind.DOUBT,
        role=getattr(state, "doubts_to", OPERATOR),
        title=f"{state.name} is unsure",
        outcomes=list(routes),
        form=form,
        note=f"Seen: {problem.saw}\nUnsure because: {problem.unsure}{_was_done(state, done)}",
        evidence=evidence,
    )


def _was_done(state: State, done: Sequence[Checkpoint]) -> str:
    """What a person must know who may have the state entered anew."""
    if not done:
        return ""
    calls = [f"- {row.name}, under the key {row.key}" for row in done]
    return "\n".join([f"\nDone by {state.name} already, and not done again whatever you answer:", *calls])


def doubt_routes(workflow: Workflow, state: State, done: Sequence[Checkpoint]) -> Routes:
    """The routes of a doubt: the state's own outcomes that lead to states, or the same state anew with what it has done.

    Carried over are all calls up to the last that had its effect: it rests on those before it. What came after is made anew.
    """
    onward: dict[str, Route] = {
        outcome: route for outcome, route in workflow.routes(state).items() if "ends" not in route
    }
    through = max((row.call_seq for row in done), default=0)
    return onward | {AGAIN: workflow.route(state.name) | {CARRIES: str(through)}}


def unknown(state: State, problem: OutcomeUnknown, name: str, key: str | None, params: Any) -> str:
    """A call whose effect nobody knows: a person finds out and says so; the verdict is written to its checkpoint."""
    note = (
        f"The call {name} of {state.name} may or may not have had its effect: {problem}\n"
        f"Look it up where it would have happened, under the key {key}, then say which it was. Nothing is sent until you do."
    )
    form = _verdict_form(result={"type": "object", "title": "What it returned, if it happened"})
    return _row(
        kind=TaskKind.UNKNOWN,
        role=OPERATOR,
        title=f"Did {name} happen?",
        note=note,
        outcomes=[DONE, NOT_DONE],
        form=form,
        evidence=[{"call": name, "key": key, "parameters": params}],
        call_seq=problem.call_seq,
    )


def unknown_routes(run: Run) -> dict[str, dict[str, str]]:
    """Either verdict goes back into the same step, whose keys derive from it."""
    return {DONE: _stay(run), NOT_DONE: _stay(run)}


def budget_routes(run: Run) -> dict[str, dict[str, str]]:
    """With a higher budget the same step goes on; stopping it is a cancel."""
    return {RAISE: _stay(run)}


def _stay(run: Run) -> dict[str, str]:
    return {"state": run.state, "queue": run.queue, "stays": "yes"}


def budget(run: Run, problem: BudgetReached) -> str:
    """A run that needs more tokens than it may use: an operator sees the bill, and allows more or stops it."""
    form = _verdict_form(tokens={"type": "integer", "title": "How many tokens more", "minimum": 1})
    return _row(
        kind=TaskKind.BUDGET,
        role=OPERATOR,
        title=f"{run.subject} has reached its token budget",
        outcomes=[RAISE, STOP],
        form=form,
        defaults={"tokens": problem.needed},
        note=f"{problem}\n{problem.bill}\n'{RAISE}' lets {run.state} go on with so many tokens more; nothing is paid twice. "
        f"This call needs {problem.needed:,} at the least, and those after it more. "
        f"'{STOP}' cancels the run.",
    )


def approval(run: Run, problem: ApprovalMissing) -> str:
    """An action whose approval does not count: a person of a role that may gives another, for exactly the same."""
    a: Standing = problem.action
    proposer = [] if a.proposed_by == "agent" else [a.proposed_by]
    proposal = Proposal(
        purpose=a.purpose,
        payee=a.payee,
        amount=a.amount,
        currency=a.currency,
        coverage=a.coverage,
        claim=a.claim,
        evidence=a.evidence,
        paid_before=a.paid_before,
        content=a.content,
    )
    what = f"{a.purpose.replace('_', ' ')} of {a.amount} {a.currency} to {a.payee}"
    return _row(
        kind=TaskKind.APPROVAL,
        role=a.asks or OPERATOR,
        title=f"Approve again: {what}",
        outcomes=[APPROVE, STOP],
        form=_verdict_form(),
        note=f"{run.state} of {run.subject} was to do this, but {problem}. Nothing has been sent since.\n"
        f"'{APPROVE}' allows exactly this, '{STOP}' cancels the run.",
        proposals=[_plain(proposal)],
        approves={APPROVE: [a.purpose]},
        not_by=list(dict.fromkeys([*proposer, *a.not_by])),
    )


def approval_routes(run: Run) -> dict[str, dict[str, str]]:
    """Allowed again, the same step goes on; stopping it is a cancel."""
    return {APPROVE: _stay(run)}


def triage(run: Run, status: Status, reason: str, open_calls: Sequence[str] = ()) -> str:
    """What an operator is asked about a stopped run."""
    unknown = (
        f"\nNobody knows whether {', '.join(open_calls)} happened; '{_RUNS_AGAIN[status]}' finds out first."
        if open_calls
        else ""
    )
    again = _RUNS_AGAIN[status]
    return _row(
        kind=TaskKind.TRIAGE,
        role=OPERATOR,
        title=f"{run.subject} is stopped in {run.state}",
        outcomes=[again, "fail"],
        form=_verdict_form(),
        note=f"{status.value}: {reason}\nWork done so far is kept. '{again}' runs the step again, 'fail' ends the run.{unknown}",
        fingerprint=fingerprint(run.workflow, run.state, reason),
    )


def dead_letter(run: Run, reason: str) -> str:
    """The dead letter's row."""
    return canonical({"id": new_id(), "fingerprint": fingerprint(run.workflow, run.state, reason), "reason": reason})


def fingerprint(workflow: str, state: str, reason: str) -> str:
    """What runs have in common that stopped of the same thing: the first line of the reason, without its figures."""
    shape = "".join(c for c in reason.split("\n", maxsplit=1)[0] if not c.isdigit())[:200]
    return digest(f"{workflow}.{state}:{shape}")[:16]


def alert(rule: str, run: Run, message: str, reason: str) -> str:
    """An alert about one run that stopped; those that stopped of the same thing are shown as one."""
    alike = fingerprint(run.workflow, run.state, reason)
    return canonical({"id": new_id(), "rule": rule, "subject": str(run.id), "message": message, "fingerprint": alike})
