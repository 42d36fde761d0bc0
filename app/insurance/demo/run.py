"""`longhaul demo`: start the stack, submit 24 sample claims, answer half of the human tasks, show where each claim stands.

The law: the demo uses the product's own doors (intake, work queue) and no other; it says plainly what it did itself.
It stays up until Ctrl-C; with `exit_when_done` it stops, and the exit code is 0 only if every claim stands where it should.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from rich.console import Console
from rich.live import Live

from app.accounts import administer
from app.application import workflows
from app.bootstrap import runtime
from app.core.errors import BadInput, LonghaulError
from app.engine.runtime import Runtime
from app.insurance import intake
from app.insurance.connectors.access import Access
from app.insurance.connectors.payments_standing import look
from app.insurance.demo import board, simulated
from app.insurance.demo.answering import answer_open_tasks
from app.insurance.demo.board import Standing
from app.insurance.demo.samples import SampleClaim, as_read_here, generate
from app.insurance.demo.seed import sample_day
from app.insurance.demo.staff import LET_IN, person
from app.settings import settings
from app.stack.run import start_detached, stop_stack
from app.stack.status import StackStatus, stack_environment, stack_status

PATIENCE_SECONDS = 240.0
LOG_WIDTH = 140
LOCAL_CLAIMS, LOCAL_SLOWER = 6, 8  # a small model takes half a minute a document on two cores
LOCAL_READS = {"document_extraction": "local"}
REST_SECONDS = 45.0  # nothing moved for this long: what is not right now will not be
SETTLED_LOOKS = 4  # a claim stands where it should when it has stood there for this many looks
LOOK_SECONDS = 0.5


def main(*, exit_when_done: bool = False, local: bool = False) -> int:
    """Run the demo; the exit code. With `local` a few claims only, their documents read by the model on this machine too."""
    if local:
        os.environ["LONGHAUL_PROVIDERS"] = json.dumps(LOCAL_READS)
        settings.cache_clear()
    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, LOG_WIDTH)
    require_payments(console)
    with _stack(console, settings().data_dir.absolute(), simulate=not local) as (status, ours):
        rt = runtime(workflows(settings()), role="web")
        day = sample_day(settings().data_dir)
        try:
            claims = as_read_here(generate(settings().data_dir / "samples", today=day))
        except FileExistsError as problem:
            raise BadInput(f"{problem}; or move what you added out of it") from None
        console.print(
            f"{len(claims)} sample claims with their documents are in [bold]{settings().data_dir / 'samples'}[/]"
        )
        if local:
            claims = [claim for claim in claims if not claim.after][:LOCAL_CLAIMS]
            console.print(
                f"The first {len(claims)} of them are read by the local model as well as by the rules: [bold]some minutes[/]."
            )
        if simulated.PROMPT in status.providers:
            claims = [simulated.expected(claim) for claim in claims]
        later = [claim for claim in claims if claim.after]
        submitted = [(_submit(rt, claim), claim) for claim in claims if not claim.after]
        known = sum(not s.new for s, _ in submitted)
        console.print(f"Submitted. {known} of them had been submitted before, and are the same runs.")
        standings = _watch(
            rt, console, {s.run_id: claim for s, claim in submitted}, later, LOCAL_SLOWER if local else 1
        )
        console.print(board.table(standings, status))
        # Not wrapped: an address that is broken over two lines is none.
        links = {person(name).display_name: administer.link(rt, name, by="demo") for name in LET_IN}
        console.print(board.where_to_look(status, standings, links), soft_wrap=True)
        for claim in later:
            console.print(
                f"[yellow]{claim.claim} was not sent: it follows {claim.after}, which has not come to its end[/]"
            )
        right = all(s.right for s in standings) and not later
        if not exit_when_done:
            _wait_for_interrupt(console, status, ours)
    return 0 if right else 1


def require_payments(console: Console) -> None:
    """Ask a payments service that is not ours, before anything is started. Raises BadInput if no claim could come to its end."""
    config, stack = settings(), stack_status(settings().data_dir.absolute())
    if (stack.running and stack.runs("payments")) or (
        not stack.running and "payments_url" not in config.model_fields_set
    ):
        return
    if stack.running:
        config = config.model_copy(update={"payments_url": stack.urls.payments})
    found = look(Access.to_payments(config))
    if not found.ok:
        raise BadInput(f"{found}. The demo was not started: its claims need it")
    console.print(str(found))


@contextmanager
def _stack(console: Console, data_dir: Path, *, simulate: bool) -> Iterator[tuple[StackStatus, bool]]:
    """The running stack, or one of our own that is stopped at the end, with a simulated model for one claim if `simulate`."""
    status, ours = stack_status(data_dir), False
    if simulate and not status.running and simulated.is_possible():
        with simulated.served(data_dir / "simulated-model") as variables:
            os.environ.update(variables)
            settings.cache_clear()
            with _stack(console, data_dir, simulate=False) as found:
                yield found
        return
    if status.running:
        if LOCAL_READS.items() <= settings().providers.items() and status.providers != LOCAL_READS:
            raise BadInput(f"the stack that runs on {data_dir} asks no local model; stop it with `longhaul down` first")
        console.print(f"A stack is running on {data_dir}; the demo uses it and leaves it running.")
    else:
        console.print(f"Starting the stack on [bold]{data_dir}[/] …")
        status, ours = start_detached(settings()), True
    try:
        os.environ.update(stack_environment(data_dir))
        os.environ.setdefault("LONGHAUL_LOG_LEVEL", "WARNING")
        settings.cache_clear()
        yield status, ours
    finally:
        if ours and _is_still(status, data_dir):
            console.print("Stopping the stack …")
            stop_stack(data_dir)


def _submit(rt: Runtime, claim: SampleClaim) -> intake.Submitted:
    return intake.submit_folder(rt, claim.folder, key=claim.key, actor="demo")


def _submit_due(
    rt: Runtime, claims: dict[UUID, SampleClaim], later: list[SampleClaim], standings: list[Standing]
) -> None:
    """Send in what follows a claim that has come to its end; it moves from `later` to `claims`."""
    ended = {s.claim.claim for s in standings if s.right}
    for claim in [claim for claim in later if claim.after in ended]:
        claims[_submit(rt, claim).run_id] = claim
        later.remove(claim)


def _watch(
    rt: Runtime, console: Console, claims: dict[UUID, SampleClaim], later: list[SampleClaim], slower: int
) -> list[Standing]:
    """Show progress until every claim has come to rest where it should, or patience, so many times the usual, ends."""
    give_up, looks, standings = time.monotonic() + slower * PATIENCE_SECONDS, 0, list[Standing]()
    moved = time.monotonic()
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        while time.monotonic() < min(give_up, moved + slower * REST_SECONDS) and looks < SETTLED_LOOKS:
            try:
                answer_open_tasks(rt, claims)
                before, standings = standings, board.standings(rt, claims)
                moved = time.monotonic() if before != standings else moved
                _submit_due(rt, claims, later, standings)
            except LonghaulError as problem:
                console.print(f"[yellow]{problem}[/]")
            looks = looks + 1 if standings and not later and all(s.right for s in standings) else 0
            live.update(board.progress(standings))
            threading.Event().wait(LOOK_SECONDS)
    return standings


def _is_still(status: StackStatus, data_dir: Path) -> bool:
    """Whether the stack of that status still runs; it may have been stopped, and another started in its place, by others."""
    now = stack_status(data_dir)
    return now.running and now.supervisor_pid == status.supervisor_pid


def _wait_for_interrupt(console: Console, status: StackStatus, ours: bool) -> None:
    """Stay until Ctrl-C (or SIGTERM), or until the stack was stopped from elsewhere."""
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    console.print("Ctrl-C stops the stack." if ours else "Ctrl-C ends the demo; the stack goes on.")
    while not done.wait(LOOK_SECONDS):
        if not _is_still(status, status.data_dir):
            console.print("The stack was stopped from elsewhere; the demo ends.")
            return


if __name__ == "__main__":
    sys.exit(main(exit_when_done="--exit" in sys.argv[1:]))
