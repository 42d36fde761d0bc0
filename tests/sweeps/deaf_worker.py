"""A workflow of the documents pool, whose workers are prefork; and a way to make a real worker deaf.

Loaded by a worker through LONGHAUL_WORKFLOWS. A file `deaf.once` in the folder of faults takes the worker's
subscriptions away, as a consumer that lost its channel; `deaf.always` keeps it from ever hearing its canary again.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

from tests.support import faults
from tests.support.small_workflows import two_steps

PAGES = two_steps("pages", pool="documents")


def _deafen(consumer: Any, folder: Path) -> None:
    pause = threading.Event()
    while True:
        if (folder / "deaf.once").exists():
            (folder / "deaf.once").unlink()
            consumer.call_soon(consumer.task_consumer.cancel)
        if (folder / "deaf.always").exists():
            from tasks import canary

            assert canary._canary is not None
            canary._canary.silence.heard = lambda: None  # type: ignore[method-assign]
        pause.wait(0.1)


def _watch(sender: Any, **_: Any) -> None:
    threading.Thread(target=_deafen, args=(sender, Path(os.environ[faults.VARIABLE])), daemon=True).start()


if os.environ.get(faults.VARIABLE):
    from celery import signals

    signals.worker_ready.connect(_watch, weak=False)
