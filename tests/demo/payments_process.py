"""A real payments service process for tests, and counts read from its file rather than asked of it."""

from __future__ import annotations

import os
import sqlite3
import sys
from pathlib import Path

import httpx

from app.stack.servers.processes import ChildProcess
from tests.support.nursery import PROJECT, start
from tests.support.waiting import wait_for

PAYMENT = {"claim": "CLM-1", "payee": "Ada Ferncastle", "amount": "1234.50", "currency": "USD", "purpose": "settlement"}


class PaymentsProcess:
    """One running service on a free port; `kill` is SIGKILL, `start` may be called again on the same file."""

    def __init__(self, db: Path) -> None:
        self.db, self.host = db, "127.0.0.1"
        self.url = ""
        self._process: ChildProcess | None = None

    def start(self, test_switches: str = "") -> None:
        log = self.db.with_suffix(".log")
        log.unlink(missing_ok=True)
        command = [
            sys.executable,
            "-m",
            "app.insurance.demo.payments",
            "--host",
            self.host,
            "--port",
            "0",
            "--db",
            str(self.db),
        ]
        env = {**os.environ, "PYTHONPATH": str(PROJECT), "LONGHAUL_PAYMENTS_TEST": test_switches}
        process = self._process = start(command, log=log, env=env)
        wait_for(lambda: "\n" in log.read_text() or not process.alive, "the service to say where it is")
        assert process.alive, log.read_text()
        self.url = log.read_text().partition("\n")[0].split()[-1]
        wait_for(self._healthy, "the service to answer")

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()

    def stop(self) -> None:
        if self._process is not None and self._process.alive:
            self._process.end()

    def switch(self, **switches: float) -> None:
        httpx.post(f"{self.url}/_test", json=switches).raise_for_status()

    def post(self, path: str, key: str | None, body: object, timeout: float = 30) -> httpx.Response:
        headers = {} if key is None else {"Idempotency-Key": key}
        return httpx.post(f"{self.url}{path}", json=body, headers=headers, timeout=timeout)

    def pay(self, key: str, **changed: str) -> httpx.Response:
        return self.post("/payments", key, {**PAYMENT, **changed})

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.url}{path}")

    def rows(self, query: str) -> list[tuple[object, ...]]:
        connection = sqlite3.connect(f"file:{self.db}?mode=ro", uri=True)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()

    def count(self, table: str) -> int:
        return len(self.rows(f"SELECT 1 FROM {table}"))

    def _healthy(self) -> bool:
        try:
            return self.get("/healthz").status_code == 200
        except httpx.TransportError:
            return False
