"""The dispatcher by its dotted name: the one late import, because only `tasks` knows Celery."""

from __future__ import annotations

from importlib import import_module

from app.core.errors import BadInput
from app.core.ports import Dispatcher


def load_dispatcher(dotted: str) -> Dispatcher:
    """The dispatcher that a setting names. Raises BadInput if it cannot be loaded."""
    module, _, name = dotted.partition(":")
    try:
        dispatcher: Dispatcher = getattr(import_module(module), name)()
    except (ImportError, AttributeError) as problem:
        raise BadInput(f"LONGHAUL_DISPATCHER={dotted!r} cannot be loaded: {problem}") from problem
    return dispatcher
