"""The dispatcher by its dotted name: the one late import, because only `tasks` knows Celery."""

from __future__ import annotations

from pkgutil import resolve_name

from app.core.errors import BadInput
from app.core.ports import Dispatcher
from app.settings import Settings


def load_dispatcher(dotted: str) -> Dispatcher:
    """The dispatcher that a setting names. Raises BadInput if it cannot be loaded."""
    try:
        dispatcher: Dispatcher = resolve_name(dotted)()
    except (ImportError, AttributeError, ValueError) as problem:
        raise BadInput(f"LONGHAUL_DISPATCHER={dotted!r} cannot be loaded: {problem}") from problem
    return dispatcher


def check_dispatcher(dotted: str) -> None:
    """Refuse a dispatcher that cannot be loaded, for who needs none: ours can, and would bring Celery. Raises BadInput."""
    if dotted != Settings.model_fields["dispatcher"].default:
        load_dispatcher(dotted)


def lying(dispatcher: Dispatcher, queue: str) -> int:
    """How many bells lie in the broker for a queue; 0 where the dispatcher cannot say."""
    count = getattr(dispatcher, "lying", None)
    return int(count(queue)) if count else 0
