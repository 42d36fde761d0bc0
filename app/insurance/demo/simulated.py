"""One claim of the demo is assessed by a simulated model that talks too much, so that a budget and its alert can be seen.

The law: nothing of it passes for a model. It is the scripted server (`app.insurance.demo.model_server`) behind the provider
`openai:simulated`, asked about one claim only; the demo's table and the run's pages name it. Where the settings name
models already, or a stack runs already, there is no simulation.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.insurance.demo.samples import SampleClaim
from app.stack.servers.errors import StackError
from app.stack.servers.processes import spawn

CLAIM = "CLM-2026-0023"
MODEL = "simulated"
PROMPT = f"claim_assessment@{CLAIM}"
WHY = "assessed by a simulated model that talks too much, over twice the claim's budget of tokens: see its alert"
ROUNDS = 5  # of talk and a tool, before it answers
_TALK = "Let me think about this claim once more, from the beginning, step by step. " * 400
_TOOLS = ("insurer_payments", "insurer_claim_history")
_NAMED = ("LONGHAUL_PROVIDER", "LONGHAUL_PROVIDERS", "LONGHAUL_OPENAI_BASE_URL", "LONGHAUL_OPENAI_API_KEY")
_READY_SECONDS = 20.0


def is_possible() -> bool:
    """Whether nobody has chosen models of their own."""
    return not any(os.environ.get(name) for name in _NAMED)


def script() -> list[dict[str, Any]]:
    """What the simulated model says: so many rounds of talk with a tool, then what the rules would answer."""
    talk = [{"calls": [{"name": _TOOLS[n % len(_TOOLS)], "with": {}}], "say": _TALK} for n in range(ROUNDS)]
    return [{"when": "You assess a motor insurance claim", "turns": [*talk, {"rule": "claim_assessment"}]}]


@contextmanager
def served(folder: Path) -> Iterator[dict[str, str]]:
    """The simulated model, served; the variables by which the workers of a stack ask it about that one claim."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "script.json").write_text(json.dumps(script()))
    (folder / "port").unlink(missing_ok=True)
    argv = [sys.executable, "-m", "app.insurance.demo.model_server", "--folder", str(folder)]
    server = spawn(argv, log=folder / "log", death_signal=signal.SIGTERM)
    try:
        yield {
            "LONGHAUL_PROVIDERS": json.dumps({PROMPT: f"openai:{MODEL}"}),
            "LONGHAUL_OPENAI_BASE_URL": f"http://127.0.0.1:{_port(folder / 'port')}/v1",
        }
    finally:
        server.end(signal.SIGTERM, 5.0)


def _port(file: Path) -> int:
    give_up = time.monotonic() + _READY_SECONDS
    while not file.exists():
        if time.monotonic() > give_up:
            raise StackError(f"the simulated model did not start; {file.with_name('log')} says why")
        time.sleep(0.05)
    return int(file.read_text())


def expected(claim: SampleClaim) -> SampleClaim:
    """The claim with what to expect of it: it is left to a person, with its alert open."""
    if claim.claim != CLAIM:
        return claim
    return replace(
        claim,
        scenario="over_token_budget",
        why=WHY,
        demo_answer="leave",
        expected_end="AWAITING_HUMAN_REVIEW",
        expected_alerts=frozenset({"over_budget"}),
    )
