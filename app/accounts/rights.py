"""What each role may do. The law: this table is the only place that says it; pages, API and commands ask here.

Who may *answer* a task, and up to which amount, is not a right but a fact about the task: `app.humans.entitled`, and the
database, which decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from app.accounts.people import Person
from app.core.errors import NotEntitled


class Right(StrEnum):
    """Something a person may be allowed to do."""

    READ = "read"  # runs, tasks, documents, alerts
    SUBMIT = "submit"  # claims and documents
    COMMENT = "comment"
    TAKE_OVER = "take over"  # a task that somebody else holds; give it to another
    OPERATE = "operate"  # retry, redrive, fail, pause, resume, cancel, fork; signals; alerts
    INVITE = "invite"  # a claimant, by a link that takes documents
    EXPORT = "export"  # evidence packs, lists
    INSPECT = (
        "inspect Flower or refused messages"  # the machinery, as Celery's messages tell of it; to look, not to change
    )
    ADMINISTER = "administer"  # people, their keys and links; decides no claim


ADJUSTER, SUPERVISOR, SIU, OPERATOR, AUDITOR, ADMIN = ROLES = (
    "adjuster",
    "supervisor",
    "siu",
    "operator",
    "auditor",
    "admin",
)

ALLOWED: Mapping[Right, frozenset[str]] = {
    Right.READ: frozenset(ROLES),
    Right.SUBMIT: frozenset({ADJUSTER, SUPERVISOR, SIU, OPERATOR}),
    Right.COMMENT: frozenset({ADJUSTER, SUPERVISOR, SIU, OPERATOR}),
    Right.TAKE_OVER: frozenset({SUPERVISOR}),
    Right.OPERATE: frozenset({OPERATOR}),
    Right.INVITE: frozenset({ADJUSTER, SUPERVISOR, SIU}),
    Right.EXPORT: frozenset({SUPERVISOR, AUDITOR, OPERATOR, ADMIN}),
    Right.INSPECT: frozenset({OPERATOR, AUDITOR, ADMIN}),
    Right.ADMINISTER: frozenset({ADMIN}),
}


def may(person: Person, right: Right) -> bool:
    """Whether any of the person's roles has the right."""
    return bool(ALLOWED[right] & set(person.roles))


def require(person: Person, right: Right) -> None:
    """Raises NotEntitled naming who may."""
    if not may(person, right):
        raise NotEntitled(
            f"{person.display_name} may not {right.value}: that is for {' or '.join(sorted(ALLOWED[right]))}, "
            f"and they have {', '.join(person.roles) or 'no role'}; an administrator gives roles"
        )
