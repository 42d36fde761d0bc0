"""Roles: what people act as, and what each may do. The law: a role says what it may, and nothing else says it.

The product has three of its own; an application declares those of its trade (`app.application`). Who may *answer* a task, and up
to which amount, is not a right but a fact about the task: `app.humans.entitled`, and the database, which decides.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.core.errors import BadInput


class Right(StrEnum):
    """Something a person may be allowed to do."""

    READ = "read"  # runs, tasks, documents, alerts
    SUBMIT = "submit"  # claims and documents
    COMMENT = "comment"
    TAKE_OVER = "take over"  # a task that somebody else holds; give it to another; told of what is overdue
    SIGN_OFF = "sign off"  # what one signature is not enough for, whatever the amount: a denial, the end of a dispute
    OPERATE = "operate"  # retry, redrive, fail, pause, resume, cancel, fork; signals; alerts
    INVITE = "invite"  # somebody without an account, by a link that takes documents
    EXPORT = "export"  # evidence packs, lists
    INSPECT = (
        "inspect Flower or refused messages"  # the machinery, as Celery's messages tell of it; to look, not to change
    )
    ADMINISTER = "administer"  # people, their keys and links; decides no claim


@dataclass(frozen=True, slots=True)
class Role:
    """What somebody acts as: its name, as tasks and people carry it, and what it may do."""

    name: str
    rights: frozenset[Right]


OPERATOR, AUDITOR, ADMIN = "operator", "auditor", "admin"
OF_THE_PRODUCT = (
    Role(OPERATOR, frozenset({Right.READ, Right.SUBMIT, Right.COMMENT, Right.OPERATE, Right.EXPORT, Right.INSPECT})),
    Role(AUDITOR, frozenset({Right.READ, Right.EXPORT, Right.INSPECT})),
    Role(ADMIN, frozenset({Right.READ, Right.EXPORT, Right.INSPECT, Right.ADMINISTER})),
)


class Roles:
    """The roles there are: an application's, then the product's. Raises BadInput if two have one name."""

    def __init__(self, added: Sequence[Role] = ()) -> None:
        self._all = (*added, *OF_THE_PRODUCT)
        self.names = tuple(role.name for role in self._all)
        if twice := sorted({name for name in self.names if self.names.count(name) > 1}):
            raise BadInput(
                f"roles: {', '.join(twice)} is declared twice; the product has {OPERATOR}, {AUDITOR}, {ADMIN}"
            )

    def __iter__(self) -> Iterator[Role]:
        return iter(self._all)

    def having(self, right: Right) -> tuple[str, ...]:
        """The names of the roles that have a right."""
        return tuple(role.name for role in self._all if right in role.rights)

    def may(self, held: Collection[str], right: Right) -> bool:
        """Whether whoever holds these roles has a right; a role that is not declared gives none."""
        return not set(held).isdisjoint(self.having(right))
