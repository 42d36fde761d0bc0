"""The roles of an insurer's people, and what each may do."""

from __future__ import annotations

from typing import Final

from app.core.declarations.roles import Right, Role

ADJUSTER: Final = Role("adjuster", frozenset({Right.READ, Right.SUBMIT, Right.COMMENT, Right.INVITE}))
SUPERVISOR: Final = Role(
    "supervisor",
    frozenset({Right.READ, Right.SUBMIT, Right.COMMENT, Right.TAKE_OVER, Right.SIGN_OFF, Right.INVITE, Right.EXPORT}),
)
SIU: Final = Role("siu", frozenset({Right.READ, Right.SUBMIT, Right.COMMENT, Right.INVITE}))  # special investigators
ROLES: Final = (ADJUSTER, SUPERVISOR, SIU)
