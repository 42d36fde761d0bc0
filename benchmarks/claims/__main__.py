"""Claims, many at once, through the stack that `longhaul up` starts, with its default settings.

    python -m benchmarks.claims [documents bare] [--json] [--documents 300] [--bare 2000] [--answer-seconds 2]

documents: so many claims at once, each with a statement and three PDF files that a model reads; a model server answers each
    request after `--answer-seconds`. People answer within half a second, by the functions behind the pages. Done when
    every claim is COMPLETE: paid, and its letter sent.
bare: so many claims at once of a statement alone, without a model. Done when each has been acknowledged, was found
    to lack its documents, and has asked for them by letter.

Each load has servers, workers and data of its own. Its claims are made up (`benchmarks.claims.papers`).

claims_per_s: all claims over the time from the first that is sent in until the last is done.
cpu_s: CPU seconds a claim, and of it `database`, `broker` (Redis), `workers`, `reader` (the confined processes that read
    documents), `beat`, `services` (payments and mail room), `office` (this program: sends claims, answers for people).
memory_mb: of each worker, `peak`: the most of each of its processes, added up; `shared`: at the end, shared pages divided.
bytes: that the database grew by, that were written ahead (WAL), and of documents and letters; per claim.
held_up: by which limits runs were sent away: how often, how many runs, how long altogether.
spent: where runs spent their time, all together, by status and state: READY is waiting for a slot of a worker.
others_cores: what other programs took of the machine meanwhile, the model server among them.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # so that it can be started as a file, too

from benchmarks.claims import meters
from benchmarks.claims.ground import Ground
from benchmarks.claims.office import Office
from benchmarks.claims.papers import made
from benchmarks.machine import hardware, machine

PATIENCE_SECONDS = 3600.0
_LEFT = {
    "documents": "SELECT count(*) FROM runs WHERE parent_run_id IS NULL AND status <> 'COMPLETE'",
    "bare": "SELECT count(*) FROM runs WHERE status <> 'WAITING_FOR_EVENT'",
}
_STOPPED = "SELECT count(*) FROM runs WHERE status IN ('DEAD_LETTER', 'FAILED_RETRIABLE', 'FAILED', 'CANCELLED')"


def measure(load: str, count: int, *, answer_seconds: float, say: bool = False) -> dict[str, Any]:
    """The figures of one load. Raises RuntimeError if a claim stops, TimeoutError after an hour."""
    documents = load == "documents"
    claims = [made(number + 1, documents=documents) for number in range(count)]
    with machine() as here:
        ground = Ground(here, answer_seconds=answer_seconds, asks_model=documents)
        ground.insure(claims)
        with Office() as office:
            before, began = meters.read(ground), time.monotonic()
            office.send(claims)
            _until_done(ground, office, load, say=say)
            seconds, used = time.monotonic() - began, meters.read(ground).since(before)
        cpu = {name: round(getattr(used, name) / count, 4) for name in meters.CPU}
        return {
            "claims": count,
            "seconds": round(seconds, 1),
            "claims_per_s": round(count / seconds, 2),
            "cpu_s": {"all": round(sum(cpu.values()), 4), **cpu},
            "memory_mb": meters.memory(ground),
            "bytes": {name: round(getattr(used, name) / count) for name in meters.BYTES},
            "answers": office.answered,
            "held_up": meters.held_up(ground),
            "spent": meters.spent(ground),
            "others_cores": round((used.of_all - sum(getattr(used, name) for name in meters.CPU)) / seconds, 2),
        }


def _until_done(ground: Ground, office: Office, load: str, *, say: bool) -> None:
    deadline, told = time.monotonic() + PATIENCE_SECONDS, time.monotonic()
    while left := ground.one(_LEFT[load]):
        office.check()
        if ground.one(_STOPPED):
            row = ground.db.execute(
                "SELECT subject, state, waiting_reason FROM runs WHERE finished_at IS NULL"
            ).fetchone()
            raise RuntimeError(f"a claim stopped: {row}")
        if time.monotonic() > deadline:
            raise TimeoutError(f"{left:.0f} claims were not done after {PATIENCE_SECONDS:.0f} s")
        if say and time.monotonic() > told + 10:
            told = time.monotonic()
            print(f"{load}: {left:.0f} left", flush=True)
        time.sleep(0.2)


def told(load: str, found: dict[str, Any]) -> list[str]:
    """The figures of a load for people."""
    lines = [
        f"{load}: {found['claims']} claims in {found['seconds']} s, {found['claims_per_s']} a second; {found['answers']} answers of people",
        "  CPU s a claim: " + ", ".join(f"{name} {each:g}" for name, each in found["cpu_s"].items()),
        "  MB: "
        + ", ".join(f"{name} {each['peak']:g} ({each['shared']:g})" for name, each in found["memory_mb"].items()),
        "  bytes a claim: " + ", ".join(f"{name} {each:,}" for name, each in found["bytes"].items()),
        f"  other programs took {found['others_cores']} cores",
    ]
    lines += [
        f"  held up: {h['limit']}: {h['times']} times, {h['runs']} runs, {h['seconds'] or 0:,.0f} s"
        for h in found["held_up"]
    ]
    lines += [
        f"  spent: {s['seconds']:10,.0f} s {s['status']} {s['state']} ({s['times']} times)" for s in found["spent"]
    ]
    return lines


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("loads", nargs="*", choices=[[], *_LEFT], help="these loads alone")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--documents", type=int, default=300, help="claims with documents")
    parser.add_argument("--bare", type=int, default=2000, help="claims without")
    parser.add_argument("--answer-seconds", type=float, default=2.0, help="how long the model takes for an answer")
    asked = parser.parse_args(arguments)
    result: dict[str, Any] = {"hardware": hardware()}
    for load in asked.loads or _LEFT:
        count = getattr(asked, load)
        result[load] = measure(load, count, answer_seconds=asked.answer_seconds, say=not asked.json)
        if not asked.json:
            print("\n".join(told(load, result[load])), flush=True)
    if asked.json:
        print(json.dumps(result))
    else:
        print(result["hardware"])


if __name__ == "__main__":
    main()
