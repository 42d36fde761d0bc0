"""Prompt tokens per model call over the steps of one long run: `python -m benchmarks.prompt_tokens`.

A run of a hundred steps, each of which learns something new, decides something and asks a model through the real model
edge and a real HTTP server that counts what it is sent. Beside it what the same calls would take if each were given the
whole history. Exits with 1 if the tokens of a call grow after step 5 by more than `TOLERANCE`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
from pathlib import Path

from pydantic import BaseModel

from app.agents.alone import Alone
from app.agents.provider import Models
from app.core.canonical import canonical
from app.core.declarations.prompts import Prompt
from app.core.declarations.summary import CAP, Known, RunSummary, given, summarised
from app.insurance.demo.model_server import serve, tokens
from app.insurance.reading.rules.by_prompt import OFFLINE_RULES
from app.settings import Settings

FACTS, OUTPUT = 40, 60  # what a step learns, and the lines of its result
TOLERANCE = 0.05


class Next(BaseModel):
    """What the model is asked for."""

    go_on: bool


QUESTION = Prompt(
    name="long_run", version=1, instructions="Is there a reason to stop?", output=Next, requests=1, timeout_seconds=30
)


def learned(step: int) -> list[Known]:
    """What one step adds to what is known."""
    return [
        Known(f"reading {n} of step {step}", f"{step * 37 + n}.00", f"document {step}, page {n}") for n in range(FACTS)
    ]


def summary_at(step: int) -> RunSummary:
    """The run summary when the step begins; what came last matters most."""
    back = range(step - 1, 0, -1)
    return summarised(
        "a long run",
        decisions=[Known(f"step {s}", "approved", "adjuster") for s in back],
        open_questions=[Known(f"question {s}", "not answered") for s in back if s % 5 == 0],
        facts=[known for s in back for known in learned(s)],
    )


def last_step(step: int) -> dict[str, object]:
    """The result of the step before, in full."""
    return {"state": f"STEP_{step - 1}", "lines": [f"line {n} of what step {step - 1} found" for n in range(OUTPUT)]}


def measure(steps: int) -> list[tuple[int, int, int]]:
    """(step, prompt tokens of its call, prompt tokens if it were given all that went before)."""
    with tempfile.TemporaryDirectory() as folder:
        server = serve(Path(folder), 0)
        (Path(folder) / "script.json").write_text(canonical([{"turns": [{"answer": {"go_on": True}}]}]))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        alone = Alone(Models(Settings(provider="openai:simulated", openai_base_url=url), OFFLINE_RULES))
        rows, history = [], 0
        for step in range(1, steps + 1):
            alone.ask(QUESTION, given(summary_at(step), last_step(step)))
            history += tokens(canonical(last_step(step))) + tokens(
                canonical([vars_of(known) for known in learned(step)])
            )
            rows.append((step, alone.answered[-1].tokens_in or 0, history))
        server.shutdown()
        server.server_close()
    return rows


def vars_of(known: Known) -> dict[str, str]:
    """What is known, as JSON has it."""
    return {"name": known.name, "value": known.value, "source": known.source}


def main(arguments: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--steps", type=int, default=100)
    rows = measure(max(6, parser.parse_args(arguments).steps))
    sys.stdout.write(f"{'step':>5}{'prompt tokens':>15}{'whole history':>15}\n")
    for step, sent, history in rows:
        if step in (1, 2, 3, 5) or step % 10 == 0:
            sys.stdout.write(f"{step:>5}{sent:>15,}{history:>15,}\n")
    later = [sent for step, sent, _ in rows if step >= 5]
    growth = max(later) / later[0] - 1
    sys.stdout.write(
        f"From step 5 on {min(later):,} to {max(later):,} tokens a call ({growth:+.1%}); the summary's cap is {CAP:,} characters.\n"
    )
    return 0 if growth <= TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main())
