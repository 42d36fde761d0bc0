"""What the workers do while a fault is on: pay, with a note of every request before it is sent.

Loaded by the workers through LONGHAUL_WORKFLOWS. The notes stand in `sent.<pid>` of the folder of the faults, so that
what a worker sent is known by worker and moment, whatever the payments service made of it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.core.declarations.tools import Tool
from app.core.errors import NotDone
from app.core.retry import RetryPolicy
from app.core.workflow import Step, Workflow
from app.insurance.connectors.access import Access
from app.insurance.connectors.payments import Payments
from app.store.workers import workers
from tests.support import faults
from tests.support.small_workflows import Bill, paying, pays_all

# Honoured for longer than the clock is ever moved: where a key has run out a person decides, and nobody is here.
PAY = Tool("payments.pay", idempotent_for="2160h")
PURPOSES = tuple(Bill().purposes)
DOWN = "registry.down"
RAISE = "liveness.raise"


def _ask(step: Any, data: Bill) -> str:
    if (folder := _folder()) and (folder / DOWN).exists():
        raise NotDone("the registry cannot be reached")
    return "asked"


ERRAND = paying("errand", PAY)
ASKING = Workflow(
    name="asking",
    version=1,
    data=Bill,
    starts_at="ASKING",
    states=[
        Step("ASKING", does=_ask, retry=RetryPolicy(attempts=1), then={"asked": "PAYING"}),
        Step("PAYING", does=pays_all(PAY), then={"paid": "COMPLETE"}),
    ],
)
NAMES = ",".join(f"{__name__}:{name}" for name in ("ERRAND", "ASKING"))


class Teller:
    """`payments.pay` that notes each request before it sends it."""

    def __init__(self) -> None:
        self._inner = Payments(Access(url=os.environ["LONGHAUL_PAYMENTS_URL"]))
        self._lock = threading.Lock()

    def __call__(self, key: str, params: Mapping[str, Any]) -> Any:
        folder = _folder()
        assert folder is not None
        with self._lock, (folder / f"sent.{os.getpid()}").open("a") as notes:
            notes.write(f"{time.time()} {key}\n")
        return self._inner(key, params)

    def reconcile(self, key: str, params: Mapping[str, Any]) -> Any | None:
        """What the service recorded under the key."""
        return self._inner.reconcile(key, params)


def _folder() -> Path | None:
    named = os.environ.get(faults.VARIABLE)
    return Path(named) if named else None


def _break_liveness() -> None:
    """Let the next ping of one process fail by what is no error of the database, once somebody asks for it."""
    ping = workers.ping

    def broken(*args: Any, **named: Any) -> bool:
        if threading.current_thread().name == "liveness" and (folder := _folder()):
            try:
                (folder / RAISE).rename(folder / f"{RAISE}.{os.getpid()}")
            except FileNotFoundError:
                pass
            else:
                raise ZeroDivisionError("a fault of the liveness thread that is no error of the database")
        return ping(*args, **named)

    workers.ping = broken


if os.environ.get(faults.VARIABLE):
    faults.install({"payments.pay": Teller()})
    _break_liveness()
