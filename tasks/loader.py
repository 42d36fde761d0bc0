"""What Celery asks about our app: its settings, and what to do when a process of it begins."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from celery.loaders.app import AppLoader

_OURS = Path(__file__).parent.parent / "celeryconfig.py"


class Loader(AppLoader):
    """Celery's own loader, except that nothing of the process it runs in can stand in for what is ours."""

    def config_from_object(self, obj: Any, silent: bool = False) -> Any:
        """Read the settings. `celeryconfig` is a common name: whoever imports us may have one, first on the path."""
        return super().config_from_object(_settings() if obj == "celeryconfig" else obj, silent=silent)

    def on_worker_init(self) -> None:
        """A worker or a beat of ours begins, and nothing else does: now its signals may be listened to."""
        from tasks import wiring

        wiring.listen()


def _settings() -> ModuleType:
    known = sys.modules.get("celeryconfig")
    if known is not None and known.__file__ is not None and Path(known.__file__).samefile(_OURS):
        return known
    spec = spec_from_file_location("tasks.celeryconfig", _OURS)
    if spec is None or spec.loader is None:
        raise ImportError(f"{_OURS} cannot be loaded; install Longhaul anew")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
