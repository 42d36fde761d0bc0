"""Small workflows for tests, loaded by real workers through LONGHAUL_WORKFLOWS."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from app.core.declarations.tools import Tool
from app.core.workflow import Step, StepFunction, Timer, Wait, Workflow
from app.documents.reader import read_document
from tests.support import faults

PAY = Tool("payments.pay", idempotent_for="24h")
PAY_UNHURRIED = Tool("payments.pay", idempotent_for="24h", timeout="30m")


class Tally(BaseModel):
    """Counts what was done to it."""

    steps: list[str] = []


def _first(step: object, data: Tally) -> str:
    data.steps.append("FIRST")
    return "done"


def _second(step: object, data: Tally) -> str:
    data.steps.append("SECOND")
    return "done"


def two_steps(name: str, pool: str = "steps") -> Workflow:
    """A workflow of two steps that count themselves, both in one pool."""
    return Workflow(
        name=name,
        version=1,
        data=Tally,
        starts_at="FIRST",
        states=[
            Step("FIRST", does=_first, pool=pool, then={"done": "SECOND"}),
            Step("SECOND", does=_second, pool=pool, then={"done": "COMPLETE"}),
        ],
    )


TWO = two_steps("two")


class Bill(BaseModel):
    """What is to be paid, and what was: the service's own ids."""

    purposes: list[str] = ["first", "second"]
    paid: list[str] = []


def pay(step: Any, purpose: str, tool: Tool = PAY) -> str:
    """Pay ten dollars for a purpose; the payment's id."""
    answer = step.call(
        tool, claim=step.subject, payee="Ada Ferncastle", amount="10.00", currency="USD", purpose=purpose
    )
    return str(answer["payment_id"])


def pays_all(tool: Tool = PAY) -> StepFunction:
    """Work that pays for each purpose of a bill."""

    def pay_all(step: Any, data: Bill) -> str:
        for purpose in data.purposes:
            data.paid.append(pay(step, purpose, tool))
        faults.at("in_step", step.subject)
        return "paid"

    return pay_all


def _close(step: Any, data: Bill) -> str:
    return "closed"


def paying(name: str, tool: Tool = PAY, *, timeout: str = "5m") -> Workflow:
    """A workflow that pays for each purpose of its bill, and then closes it."""
    return Workflow(
        name=name,
        version=1,
        data=Bill,
        starts_at="PAYING",
        states=[
            Step("PAYING", does=pays_all(tool), timeout=timeout, then={"paid": "CLOSING"}),
            Step("CLOSING", does=_close, then={"closed": "COMPLETE"}),
        ],
    )


PAYING = paying("paying")
# The same, but neither a deadline nor a call's age keeps anybody from sending: only the lease does.
UNHURRIED = paying("unhurried", PAY_UNHURRIED, timeout="1h")


NAPPING = Workflow(
    name="napping",
    version=1,
    data=Bill,
    starts_at="NAPPING",
    states=[
        Timer("NAPPING", lasts="2s", then={"due": "PAYING"}),
        Step("PAYING", does=pays_all(), then={"paid": "COMPLETE"}),
    ],
)


WAITING = Workflow(
    name="waiting",
    version=1,
    data=Bill,
    starts_at="WAITING",
    states=[
        Wait("WAITING", event="news", expires="2s", then={"news": "PAYING", "expired": "PAYING"}),
        Step("PAYING", does=pays_all(), then={"paid": "COMPLETE"}),
    ],
)


def _kill_itself(step: Any, data: Tally) -> str:
    """What a native library does that crashes on this very input."""
    os.kill(os.getpid(), signal.SIGKILL)
    return "survived"


POISON = Workflow(
    name="poison",
    version=1,
    data=Tally,
    starts_at="POISONED",
    states=[Step("POISONED", does=_kill_itself, then={"survived": "COMPLETE"})],
)


class Brood(BaseModel):
    """Where the steps that start processes of their own leave their traces."""

    folder: str
    text: str = ""


def _brood(step: Any, data: Brood) -> str:
    """The first attempt starts a program that outlives it and waits for it; the second finds its trace."""
    trace = Path(data.folder) / "child"
    if not trace.exists():
        child = subprocess.Popen(["sleep", "600"], start_new_session=True)
        trace.write_text(str(child.pid))
        child.wait()
    return "hatched"


def _read(step: Any, data: Brood) -> str:
    data.text = read_document(Path(data.folder) / "document").pages[0].text
    return "read"


BROODING = Workflow(
    name="brooding",
    version=1,
    data=Brood,
    starts_at="BROODING",
    states=[Step("BROODING", does=_brood, then={"hatched": "COMPLETE"})],
)
READING = Workflow(
    name="reading",
    version=1,
    data=Brood,
    starts_at="READING",
    states=[Step("READING", does=_read, then={"read": "COMPLETE"})],
)

if os.environ.get(faults.VARIABLE):
    from tests.support.limited import RegistryOverHttp
    from tests.support.unusual_values import UnusualValues

    faults.install({"values.fetch": UnusualValues(), "registry.fetch": RegistryOverHttp()})
    faults.set_clock()
