"""What a person may do. The law: pages, API and commands ask here, and what each role may is said where it is declared.

The roles: the product's in `app.core.declarations.roles`, an application's in its `roles`.
"""

from __future__ import annotations

from app.accounts.people import Person
from app.core.declarations.roles import Right
from app.core.errors import NotEntitled
from app.engine.runtime import Runtime

__all__ = ["Right", "may", "require"]


def may(rt: Runtime, person: Person, right: Right) -> bool:
    """Whether any of the person's roles has the right."""
    return rt.roles.may(person.roles, right)


def require(rt: Runtime, person: Person, right: Right) -> None:
    """Raises NotEntitled naming who may."""
    if not may(rt, person, right):
        raise NotEntitled(
            f"{person.display_name} may not {right.value}: that is for {' or '.join(sorted(rt.roles.having(right)))}, "
            f"and they have {', '.join(person.roles) or 'no role'}; an administrator gives roles"
        )
