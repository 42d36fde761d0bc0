"""The scripted model server (`app.insurance.demo.model_server` says how it is scripted) as a process of a test, and its bill."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.stack.servers.processes import ChildProcess, spawn
from tests.support.programs import PROJECT
from tests.support.waiting import wait_for


class ModelServer:
    """A running server; `url` is its OpenAI base URL. Every request it got is a row of `requests`."""

    def __init__(self, folder: Path, script: Sequence[dict[str, Any]] = ()) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.say(script)
        self._process: ChildProcess | None = None

    def say(self, script: Sequence[dict[str, Any]]) -> None:
        """Change the script; the next request follows it."""
        new = self.folder / "script.new"
        new.write_text(json.dumps(script))
        new.replace(self.folder / "script.json")

    def start(self) -> ModelServer:
        """Start it and wait until it listens."""
        argv = [sys.executable, "-m", "app.insurance.demo.model_server", "--folder", str(self.folder)]
        env = {**os.environ, "PYTHONPATH": str(PROJECT)}
        log = self.folder / "log"
        self._process = spawn(argv, log=log, env=env, cwd=PROJECT, death_signal=signal.SIGKILL)
        wait_for((self.folder / "port").exists, "the model server to listen", evidence=log.read_text)
        return self

    def __enter__(self) -> ModelServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def forget(self) -> None:
        """Begin new books."""
        with sqlite3.connect(self.folder / "bill.sqlite") as db:
            db.execute("DELETE FROM requests")

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.send(signal.SIGKILL)
            self._process.wait(10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{(self.folder / 'port').read_text()}/v1"

    def rows(self, query: str, *params: object) -> list[dict[str, Any]]:
        """Rows of its books."""
        with sqlite3.connect(self.folder / "bill.sqlite") as db:
            db.row_factory = sqlite3.Row
            return [dict(row) for row in db.execute(query, params)]

    def billed(self, **where: object) -> int:
        """How many requests it billed; `where` by columns of `requests`."""
        wanted = "".join(f" AND {column} = ?" for column in where)
        return len(self.rows(f"SELECT 1 FROM requests WHERE tokens_in > 0{wanted}", *where.values()))

    def settings(self, model: str = "scripted") -> dict[str, str]:
        """The settings, without their prefix, of a worker that asks this server."""
        return {"PROVIDER": f"openai:{model}", "OPENAI_BASE_URL": self.url}
