"""Guessing made slow: so many failures of one name or one address, then a wait.

The law: counted in the database, for all web processes together, and before anything is compared.
"""

from __future__ import annotations

from app.core.errors import Refused
from app.engine.runtime import Runtime
from app.store.accounts import sessions

WITHIN_SECONDS = 15 * 60.0
MOST_OF_NAME, MOST_OF_ADDRESS = 8, 40


class TooOften(Refused):
    """Too many failures; `retry_after_seconds` says when to try again."""

    def __init__(self, seconds: float) -> None:
        self.retry_after_seconds = seconds
        super().__init__(f"too many attempts failed; try again in {max(1, round(seconds / 60))} min")


def refuse_guessing(rt: Runtime, *, name: str | None, address: str) -> None:
    """Raises TooOften while a name, or an address, has failed too often."""
    with rt.database.transaction() as db:
        left = [
            sessions.wait_seconds(db, who, most=most, within_seconds=WITHIN_SECONDS)
            for who, most in _counted(name, address)
        ]
    if (longest := max(left)) > 0:
        raise TooOften(longest)


def failed(rt: Runtime, *, name: str | None, address: str) -> None:
    """Count one failure against both; without a name against the address."""
    with rt.database.transaction() as db:
        for who, _ in _counted(name, address):
            sessions.failed(db, who)


def forgive(rt: Runtime, *, name: str) -> None:
    """A name proved itself: its failures count no more (those of the address do)."""
    rt.database.transact(lambda db: sessions.forgiven(db, f"name:{name}"))


def _counted(name: str | None, address: str) -> list[tuple[str, int]]:
    of_address = (f"address:{address[:200]}", MOST_OF_ADDRESS)
    return [of_address] if name is None else [(f"name:{name[:200]}", MOST_OF_NAME), of_address]
