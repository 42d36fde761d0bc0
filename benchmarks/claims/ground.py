"""The stack of `longhaul up` over a database and a broker of the benchmark's own, and a model server beside it.

Started are the very commands that `longhaul up` would start, with its defaults: the payments service and mail room, both
workers, beat. Flower and the pages are left out: nobody looks.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterable
from pathlib import Path

import psutil
import psycopg

from app.insurance.connectors import insurer
from app.insurance.demo.seed import insured
from app.settings import Settings, settings
from app.stack.assembly import assemble, environment_of
from app.stack.servers.processes import spawn
from app.stack.servers.services import Command
from benchmarks.claims.papers import MadeClaim
from benchmarks.machine import PROJECT, Machine, wait_for

LEFT_OUT = ("flower", "web")


class Ground:
    """A running stack. workers: its worker processes; reader: what those started to read documents."""

    def __init__(self, here: Machine, *, answer_seconds: float, asks_model: bool) -> None:
        self.postgres, self.redis = here.postgres(), here.redis("redis")
        self.data = here.folder / "data"
        self.data.mkdir()
        given = {
            "database_url": self.postgres.url(),
            "broker_url": self.redis.url(),
            "data_dir": self.data,
        }
        if asks_model:
            given |= {
                "provider": "openai:benchmark",
                "openai_base_url": _model_server(here, answer_seconds),
                "openai_api_key": "none",
            }
        config = Settings.model_validate(given)
        assembly = assemble(config, self.data)
        assembly.migrate()
        os.environ.update(environment_of(config))
        settings.cache_clear()
        self.commands = [
            service
            for group in assembly.groups
            for service in group
            if isinstance(service, Command) and service.name not in LEFT_OUT
        ]
        for command in self.commands:
            command.start()
            assert command.process is not None
            here.ends_with(command.process)
            wait_for(command.ready, command.name)
        self.db = psycopg.connect(self.postgres.url(), autocommit=True)
        wait_for(lambda: self.one("SELECT count(*) FROM workers WHERE gone_at IS NULL") >= 2, "the workers to register")

    def insure(self, claims: Iterable[MadeClaim]) -> None:
        """Put the policies of the claims into the insurer's database."""
        insurer.seed(self.postgres.url(), [insured(claim.policy) for claim in claims])

    def one(self, query: str, *values: object) -> float:
        """The one number that a query gives."""
        row = self.db.execute(query.encode(), values).fetchone()
        assert row is not None
        return float(row[0])

    def processes(self, prefix: str) -> list[psutil.Process]:
        """The processes of the commands of that prefix, and their descendants."""
        roots = [psutil.Process(c.process.pid) for c in self.commands if c.name.startswith(prefix) and c.process]
        return [*roots, *(child for root in roots for child in root.children(recursive=True))]


def _model_server(here: Machine, answer_seconds: float) -> str:
    """The address of a model that answers as the rules would, after so many seconds each time."""
    folder = here.folder / "model"
    folder.mkdir()
    slow = [{"turn": turn, "hang": answer_seconds, "times": 1_000_000} for turn in range(4)]
    told = {"Each fact has": "document_extraction", "You assess": "claim_assessment", "": "letter_paragraph"}
    script = [{"when": when, "turns": [{"rule": rule}], "faults": slow} for when, rule in told.items()]
    (folder / "script.json").write_text(json.dumps(script))
    argv = [sys.executable, "-m", "app.insurance.demo.model_server", "--folder", str(folder)]
    env = {**os.environ, "PYTHONPATH": str(PROJECT)}
    here.ends_with(spawn(argv, log=folder / "log", env=env, cwd=PROJECT, death_signal=signal.SIGKILL))
    wait_for((folder / "port").exists, "the model server")
    return f"http://127.0.0.1:{(folder / 'port').read_text()}/v1"


def bytes_below(folder: Path) -> int:
    """Of all files in a folder and below."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.exists() else 0
