"""schemathesis, a foreign program that reads the API's description and asks it everything that fits it and much that does not."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sysconfig
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import uvicorn
from starlette.routing import Mount

from app.engine.runtime import Runtime
from app.web.api.application import PREFIX
from app.web.api.caller import Rates
from app.web.application import application
from tests.support.waiting import wait_for

_HERE = Path(__file__).parent


@contextmanager
def served(rt: Runtime) -> Iterator[str]:
    """The application behind a real server, where a caller may ask as often as it likes; its address."""
    app = application(rt)
    api = next(route for route in app.routes if isinstance(route, Mount) and route.path == PREFIX)
    api.app.state.rates = Rates(most=10**9)  # type: ignore[attr-defined]  # an application of its own
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, server_header=False))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            wait_for(lambda: server.started or not thread.is_alive(), "the server to start")
            assert httpx.get(f"{address}/sign-in").status_code == 200
            yield address
        finally:
            server.should_exit = True
            thread.join(timeout=30)


def fuzz(
    address: str, key: str, folder: Path, known: Mapping[str, Sequence[str]], *more: str
) -> subprocess.CompletedProcess[str]:
    """One run with every check, to its end whatever fails; what it said. `known`: what is there, by the parameter that names it."""
    program = os.environ.get("ST", f"{sysconfig.get_path('scripts')}/st")
    return subprocess.run(
        [
            program,
            f"--config-file={_HERE / 'schemathesis.toml'}",
            "run",
            f"{address}{PREFIX}/openapi.json",
            "--checks=all",
            "--continue-on-failure",
            "--no-color",
            f"--header=Authorization: Bearer {key}",
            "--generation-database=none",
            *more,
        ],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        env=os.environ
        | {"SCHEMATHESIS_HOOKS": "fuzzing_hooks", "PYTHONPATH": str(_HERE), "FUZZ_KNOWN": json.dumps(known)},
    )
