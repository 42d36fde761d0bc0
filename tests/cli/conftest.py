"""The command line against a real database: a journey to look at, and `longhaul` as a person types it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import workflows
from app.cli import app
from tests.support.dispatchers import SILENT_DISPATCHER
from tests.support.journey import WORKFLOWS


@dataclass
class Longhaul:
    """`longhaul` with its environment."""

    env: dict[str, str]

    def __call__(self, *words: object, typed: str | None = None, env: dict[str, str] | None = None) -> Result:
        """Run a command to its end; nothing but an exit may come out of it."""
        result = CliRunner().invoke(app, [str(word) for word in words], input=typed, env=self.env | (env or {}))
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert "Traceback" not in result.output
        return result

    def json(self, *words: object, code: int = 0) -> Any:
        """What a command prints with `--json`."""
        result = self(*words, "--json")
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Longhaul]:
    """`longhaul` where neither a database is named nor a stack runs."""
    monkeypatch.setattr(workflows, "WORKFLOWS", WORKFLOWS)
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    unset = dict.fromkeys(("LONGHAUL_DATABASE_URL", "LONGHAUL_BROKER_URL", "LONGHAUL_PAYMENTS_URL"), "")
    yield Longhaul({**unset, "LONGHAUL_DATA_DIR": str(tmp_path / "data")})
    root.handlers[:] = before  # a command logs to the standard error it was given
    root.setLevel(level)


@pytest.fixture
def longhaul(nowhere: Longhaul, database_url: str) -> Longhaul:
    """`longhaul` on the test's database, its bells rung for nobody."""
    nowhere.env |= {"LONGHAUL_DATABASE_URL": database_url, "LONGHAUL_DISPATCHER": SILENT_DISPATCHER}
    return nowhere
