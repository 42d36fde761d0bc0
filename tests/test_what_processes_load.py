"""Each process loads what it needs: no library of a document, a payment, a letter, a provider or a page before its first use."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable

import pytest

from tests.support.programs import PROJECT

MODELS = ("anthropic", "openai", "pydantic_ai", "genai_prices", "httpx2")
DOCUMENTS = ("fpdf", "pypdf", "pypdfium2", "PIL", "numpy", "onnxruntime", "rapidocr")
PAGES = ("fastapi", "starlette", "uvicorn", "jinja2")
BROKER = ("celery", "kombu", "redis", "tasks")
AWAY = ("httpx", "authlib", "fsspec", "alembic", "cryptography")
WORKER = """
from tasks.celery import app
from tasks import canary, housekeeping, refusals
from tasks import wiring
from tasks.edge import listening
app.loader.import_default_modules()
wiring.process_runtime()
"""
WEB = """
import uvicorn
from app.application import workflows
from app.bootstrap import runtime
from app.settings import settings
from app.web.application import application
application(runtime(workflows(settings()), role="web"))
"""
COMMAND = """
import sys
from app.cli import main
sys.argv = ["longhaul", *{words}]
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended
"""
ASKED = """
import asyncio
from app.agents import asking
from app.agents.choices import chosen
from app.agents.clients import load, opened
from app.settings import Settings
which = chosen("{spec}", Settings(openai_api_key="k", anthropic_api_key="k"))
load(which)
async def ask():
    async with opened() as clients:
        assert clients.model(which).model_name == "m"
asyncio.run(ask())
"""


def loaded(program: str, database_url: str = "postgresql:///nowhere") -> set[str]:
    """The names of all modules of a process that has done this, packages' too."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("LONGHAUL_")} | {
        "PYTHONPATH": str(PROJECT),
        "LONGHAUL_DATABASE_URL": database_url,
        "LONGHAUL_BROKER_URL": "redis://127.0.0.1:1/0",
    }
    asked = f"{program}\nimport sys\nprint('loaded:', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", asked], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rpartition("loaded:")[2].split())


def among(names: Iterable[str], known: set[str]) -> list[str]:
    return [name for name in names if name in known]


def test_a_worker_has_loaded_no_model_no_document_no_page_and_no_http_client() -> None:
    known = loaded(WORKER)
    assert among((*MODELS, *DOCUMENTS, *PAGES, *AWAY, "sqlalchemy", "typer", "rich"), known) == []
    assert among(("celery", "psycopg", "workflows.insurance_claim", "app.engine.step.step"), known), "it is a worker"


def test_a_web_process_has_loaded_no_model_no_document_and_no_http_client() -> None:
    known = loaded(WEB)
    assert (
        among((*MODELS, *DOCUMENTS, *AWAY, "typer", "rich", "tornado", "app.engine.process.housekeeping"), known) == []
    )
    assert among(("fastapi", "sqlalchemy", "app.insurance.api.claims"), known), "it is a web process"


def test_the_help_has_loaded_no_database_no_broker_and_no_workflow() -> None:
    known = loaded(COMMAND.format(words=["--help"]))
    assert (
        among(
            (*MODELS, *DOCUMENTS, *PAGES, *AWAY, *BROKER, "psycopg", "sqlalchemy", "workflows", "app.bootstrap"), known
        )
        == []
    )


@pytest.mark.parametrize("words", [["runs"], ["tasks"], ["refused"], ["people", "list"]])
def test_a_command_that_only_reads_has_loaded_no_broker_no_workflow_and_no_tool(
    words: list[str], database_url: str
) -> None:
    known = loaded(COMMAND.format(words=words), database_url)
    assert (
        among((*MODELS, *DOCUMENTS, *PAGES, *AWAY, *BROKER, "workflows", "app.insurance.tools", "app.bootstrap"), known)
        == []
    )
    assert "psycopg" in known, "it has read"


@pytest.mark.parametrize(("asked", "other"), [("openai", "anthropic"), ("anthropic", "openai")])
def test_who_asks_a_model_has_loaded_its_providers_library_and_no_other(asked: str, other: str) -> None:
    known = loaded(ASKED.format(spec=f"{asked}:m"))
    assert among((asked, f"pydantic_ai.models.{asked}"), known) == [asked, f"pydantic_ai.models.{asked}"]
    assert among((other, f"pydantic_ai.models.{other}"), known) == []
