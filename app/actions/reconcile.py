"""Asking the other side: whether what was executed stands there as it was approved, and whether what is in doubt happened.

The law: only an answer moves an action. A service that is away is asked again; one that says something else opens an
alert and never a second effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.engine.runtime import Runtime
from app.store.ledger import actions
from app.store.ledger.actions import Effect
from app.telemetry import logs

BATCH = 50
SETTLE_SECONDS = 60.0  # a service may be a little behind its own answers
_AWAY: Any = object()


def confirm_executed(rt: Runtime) -> dict[str, int]:
    """Ask about executed actions; how many the service confirmed, disputes, and could not be asked about now."""
    counts = {"confirmed": 0, "disputed": 0, "unasked": 0}
    for effect in rt.database.transact(lambda db: actions.unconfirmed(db, limit=BATCH)):
        agrees, said = _ask(rt, effect)
        if agrees is False and said is None and effect.age_seconds < SETTLE_SECONDS:
            said = _AWAY
        if said is _AWAY:
            counts["unasked"] += 1
            continue
        if rt.database.transact(lambda db, e=effect, a=agrees, s=said: actions.confirm(db, e.action, agrees=a, said=s)):  # type: ignore[misc]
            counts["disputed" if agrees is False else "confirmed"] += 1
            logs.event(
                "action_confirmed" if agrees else "action_disputed" if agrees is False else "action_not_asked",
                run_id=str(effect.run_id),
                action=str(effect.action),
                name=effect.tool,
            )
    return counts


def settle_doubts(rt: Runtime) -> dict[str, int]:
    """Ask about calls that a stopped run left open: what the service knows of is recorded as done, so that no one repeats it."""
    settled = 0
    for effect in rt.database.transact(lambda db: actions.in_doubt(db, limit=BATCH)):
        agrees, said = _ask(rt, effect)
        if agrees and said is not _AWAY:
            settled += rt.database.transact(lambda db, e=effect, s=said: actions.settle(db, e, s))  # type: ignore[misc]
    return {"settled": settled}


def _ask(rt: Runtime, effect: Effect) -> tuple[bool | None, Any]:
    """(whether the service has what was sent, what it says): None if nobody can be asked, `_AWAY` if not now."""
    reconcile = getattr(rt.tools.get(effect.tool), "reconcile", None)
    if reconcile is None:
        return None, None
    try:
        said = reconcile(effect.key, effect.input)
    except Exception as problem:
        logs.event(
            "action_not_asked",
            run_id=str(effect.run_id),
            action=str(effect.action),
            name=effect.tool,
            error=str(problem)[:200],
        )
        return None, _AWAY
    return said is not None and _same(said, effect.input), said


def _same(said: Any, sent: Mapping[str, Any]) -> bool:
    """Whether the service's record repeats what was sent, in every field that both have."""
    return isinstance(said, Mapping) and all(
        str(said[name]) == str(value) for name, value in sent.items() if name in said
    )
