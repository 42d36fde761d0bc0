"""Many steps that wait for a model in one process: `python -m benchmarks.waits [--json] [--waits 1000] [--few 100]`.

The same number of askings of a model server that answers after `--seconds`, through the real model edge and nothing else,
in a process that looks for garbage as a worker does: on the side `few` so many at a time, on the side `all` all at once.
Each side is a process of its own and the server another; the sides take turns, `--rounds` times, and the medians are shown.

cpu: CPU seconds of the asking process for all askings, its start not counted. threads, descriptors: the most while they
wait. rss_mb: the most memory it ever had. late_ms: how late, at worst, a thread woke that wanted to each 100 ms.
ratio: the CPU of `all` by that of `few`. A side that fails some askings says how many, and why the first did.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that it can be started as a file, too

import psutil
from pydantic import BaseModel

from app.agents.alone import Alone
from app.agents.provider import Models
from app.core.declarations.prompts import Prompt
from app.engine.process import garbage
from app.settings import Settings
from benchmarks.machine import hardware

BEAT_SECONDS = 0.1


class Verdict(BaseModel):
    """What the model is asked for."""

    go_on: bool


QUESTION = Prompt(
    name="waits", version=1, instructions="Is there a reason to stop?", output=Verdict, requests=1, timeout_seconds=120
)
_CALL = {"id": "1", "type": "function", "function": {"name": "answer", "arguments": '{"go_on": true}'}}
_ANSWER = json.dumps(
    {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "slow",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "tool_calls": [_CALL]}, "finish_reason": "tool_calls"}
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
).encode()


async def serve(seconds: float) -> None:
    """A model server that answers after so many seconds; prints its port first."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
                await reader.readexactly(int(length.split(b":")[1]))
                await asyncio.sleep(seconds)
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(_ANSWER)
                )
                writer.write(_ANSWER)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


class Watch:
    """Looks at this process each tenth of a second."""

    def __init__(self) -> None:
        self.threads = self.descriptors = 0
        self.late = 0.0
        self._over, self._this = threading.Event(), psutil.Process()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        expected = time.monotonic() + BEAT_SECONDS
        while not self._over.wait(max(0.0, expected - time.monotonic())):
            now = time.monotonic()
            self.late = max(self.late, now - expected)
            self.threads = max(self.threads, self._this.num_threads())
            self.descriptors = max(self.descriptors, self._this.num_fds())
            expected = now + BEAT_SECONDS


def ask(url: str, waits: int, at_once: int) -> dict[str, Any]:
    """One side, in this process."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    garbage.begin()
    models = Models(Settings(provider="openai:slow", openai_base_url=url))
    Alone(models).ask(QUESTION, {"number": -1})  # loads the libraries
    failed = list[str]()

    def one(number: int) -> None:
        try:
            Alone(models).ask(QUESTION, {"number": number})
        except Exception as problem:
            failed.append(f"{type(problem).__name__}: {problem}"[:200])

    before, began = time.process_time(), time.monotonic()
    with Watch() as seen, ThreadPoolExecutor(at_once) as pool:
        list(pool.map(one, range(waits)))
    return {
        "cpu": round(time.process_time() - before, 2),
        "seconds": round(time.monotonic() - began, 2),
        "threads": seen.threads,
        "descriptors": seen.descriptors,
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "late_ms": round(seen.late * 1000),
        "failed": len(failed),
        "first_failure": failed[0] if failed else None,
    }


def side(url: str, waits: int, at_once: int) -> dict[str, Any]:
    """One side, in a process of its own."""
    argv = [sys.executable, "-m", "benchmarks.waits", "--side", url, "--waits", str(waits), "--few", str(at_once)]
    done = subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True, env=_environment())
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def run(*, waits: int, few: int, seconds: float, rounds: int) -> dict[str, Any]:
    """Both sides in turns; the median of each figure, and the worst of what must not be late."""
    argv = [sys.executable, "-m", "benchmarks.waits", "--serve", "--seconds", str(seconds)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=_environment()) as server:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
        try:
            found = [(side(url, waits, few), side(url, waits, waits)) for _ in range(rounds)]
        finally:
            server.kill()
    sides = {name: _middle([pair[n] for pair in found]) for n, name in enumerate(("few", "all"))}
    ratio = statistics.median(every["cpu"] / some["cpu"] for some, every in found)
    return {**sides, "ratio": round(ratio, 2)}


def _middle(found: list[dict[str, Any]]) -> dict[str, Any]:
    worst = ("late_ms", "failed", "rss_mb")
    figures = [name for name in found[0] if name != "first_failure"]
    middle = {name: (max if name in worst else statistics.median)(each[name] for each in found) for name in figures}
    return {**middle, "first_failure": next((each["first_failure"] for each in found if each["failed"]), None)}


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1]), "LONGHAUL_LOG_LEVEL": "ERROR"}


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--waits", type=int, default=1000, help="askings of one side")
    parser.add_argument("--few", type=int, default=100, help="at once on the side `few`")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long the model takes")
    parser.add_argument("--rounds", type=int, default=3, help="how often each side is measured")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--side", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.serve:
        asyncio.run(serve(options.seconds))
        return
    if options.side:
        print(json.dumps(ask(options.side, options.waits, options.few)))
        return
    result = run(waits=options.waits, few=options.few, seconds=options.seconds, rounds=options.rounds)
    if options.json:
        print(json.dumps(result))
        return
    print(hardware())
    for name, at_once in (("few", options.few), ("all", options.waits)):
        print(f"{options.waits} waits of {options.seconds:g} s, {at_once} at once: {result[name]}")
    print(f"CPU of {options.waits} at once by that of {options.few} at once: {result['ratio']}")


if __name__ == "__main__":
    main()
