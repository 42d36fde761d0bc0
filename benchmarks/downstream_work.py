"""What the runs of `benchmarks.downstream` do: one request each to a service that is dead for a while."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from app.core.declarations.tools import Tool
from app.core.retry import RetryPolicy
from app.core.workflow import Step, Workflow

# Asked of the payments service, but only to read: what fails is then tried again by the retry policy, as any lookup.
LOOK = Tool("payments.pay", reads_only=True, downstream="payments", timeout="10s")
BACKOFF = RetryPolicy(attempts=1000, base_seconds=0.5, factor=2.0, cap_seconds=15.0)


class Request(BaseModel):
    """Nothing but the fact that it is made."""


def _look(step: Any, data: Request) -> str:
    step.call(LOOK, claim=step.subject, payee="Ada Ferncastle", amount="1.00", currency="USD", purpose="benchmark")
    return "seen"


ASKING = Workflow(
    name="asking",
    version=1,
    data=Request,
    starts_at="ASKING",
    states=[Step("ASKING", does=_look, retry=BACKOFF, then={"seen": "COMPLETE"})],
)
