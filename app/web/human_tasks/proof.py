"""Proof of identity for what signs off: whoever gives the second signature to money or a letter proves again who they are.

The law: an answer that approves what others proposed counts only with a proof of the last ten minutes: signing in, or the
password with the answer itself. What was written is kept either way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request

from app.accounts import passwords, sessions
from app.accounts.passwords import WrongPassword
from app.accounts.sessions import Session
from app.accounts.throttle import TooOften
from app.engine.runtime import Runtime
from app.store.human_tasks.rows import HumanTask
from app.web.http.session import address_of

FIELD = "proof.password"


@dataclass(frozen=True, slots=True)
class Proof:
    """What a task's form must ask for. `outcomes`: the answers that need it."""

    outcomes: tuple[str, ...]
    has_password: bool


def asked_for(task: HumanTask, session: Session) -> Proof | None:
    """What to ask of this person beside the form of a task; None if nothing."""
    outcomes = signing(task)
    return Proof(outcomes, session.has_password) if outcomes and not session.proven else None


def lacking(
    request: Request, rt: Runtime, session: Session, task: HumanTask, outcome: str, posted: Mapping[str, str]
) -> str | None:
    """Why an answer does not count for want of proof, as a sentence; None if it does. A right password proves."""
    if session.proven or outcome not in signing(task):
        return None
    if not session.has_password:
        return (
            "Your answer was not recorded: it signs off, and it is over ten minutes since you proved who you are. "
            "You have no password, so ask for a new sign-in link, sign in by your company once more, or set a password on your own page; "
            "then answer again."
        )
    given = posted.get(FIELD, "")
    if not given:
        return "Your answer was not recorded: it signs off, so write your password below and send it again."
    try:
        passwords.sign_in(rt, session.person.username, given, address=address_of(request))
    except (WrongPassword, TooOften) as problem:
        wrong = "the password is wrong" if isinstance(problem, WrongPassword) else str(problem)
        return f"Your answer was not recorded: {wrong}."
    sessions.prove(rt, session)
    return None


def signing(task: HumanTask) -> tuple[str, ...]:
    """The answers by which a task approves what somebody else decided."""
    return tuple(outcome for outcome, purposes in task.approves.items() if purposes) if task.not_by else ()
