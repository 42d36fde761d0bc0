"""What a company's own package imports: every word is there, it is light, and a definition can be written with it alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

import longhaul
from longhaul import client, plugin, sender, testing

HEAVY = ("celery", "kombu", "psycopg", "sqlalchemy", "fastapi", "app.store", "app.engine", "app.settings")


@pytest.mark.parametrize("module", [longhaul, client, plugin, sender, testing], ids=lambda module: str(module.__name__))
def test_every_word_that_is_promised_is_there_and_documented(module: object) -> None:
    promised: list[str] = module.__all__  # type: ignore[attr-defined]
    assert promised
    assert [name for name in promised if not hasattr(module, name)] == []
    classes = [getattr(module, name) for name in promised if isinstance(getattr(module, name), type)]
    assert [found.__name__ for found in classes if not found.__doc__] == []


def test_the_words_of_a_workflow_load_neither_a_broker_nor_a_database() -> None:
    code = f"import longhaul, longhaul.testing, sys; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
