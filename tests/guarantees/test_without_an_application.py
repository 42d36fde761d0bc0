"""The product knows an application by one object: with nothing in it, workers work, pages open and commands answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from app import application
from app.accounts import administer
from app.accounts.people import Person
from app.bootstrap import runtime
from app.core.errors import BadInput
from app.settings import Settings
from app.store.migrate import upgrade
from tests.support.browsing import serving
from tests.support.programs import PROJECT
from tests.support.small_workflows import TWO
from tests.support.stack import MakeStack

NONE = "app.application:NONE"
LOADED = (
    "import sys; import tasks.steps, tasks.periodic.sweeps, app.cli; from app.web.application import application;"
    "from app.bootstrap import runtime; from app.application import workflows; from app.settings import settings;"
    "application(runtime(workflows(settings()), role='web')); runtime(workflows(settings()));"
    "print([m for m in sys.modules if m.startswith(('app.insurance', 'workflows.', 'app.installed'))])"
)


@pytest.mark.guarantee
def test_without_an_application_the_product_starts_and_its_runs_complete(make_stack: MakeStack, tmp_path: Path) -> None:
    stack = make_stack(application=NONE)
    stack.workers(1)
    stack.beat()
    run_id = stack.start(TWO, "a run of nobody's application")
    stack.until_complete(run_id)
    with serving(
        stack.database_url, tmp_path / "web", workflows="tests.support.small_workflows:TWO", application=NONE
    ) as site:
        assert httpx.get(f"{site}/sign-in").status_code == 200
        assert httpx.get(f"{site}/c/anything").status_code == 404, "the claimants' pages are the application's"
        told = httpx.get(f"{site}/api/v1/openapi.json").json()
        assert "/runs" in told["paths"]
        assert not any(path.startswith("/claims") for path in told["paths"])


@pytest.mark.guarantee
def test_a_worker_refuses_to_start_without_the_roles_its_workflows_ask(make_stack: MakeStack) -> None:
    """No lease is taken for a run whose task nobody could answer; pages and commands, which do no such work, start."""
    stack = make_stack("payouts:PAYOUT", application=NONE)
    worker = stack.worker()
    stack.wait(lambda: not worker.alive, "the worker to end")
    assert worker.process.exit_code == 78
    (line,) = (json.loads(line) for line in worker.log.read_text().splitlines() if "refused_to_start" in line)
    assert "payout v1 asks the role 'supervisor' in SIGNING, which nobody declares" in line["reason"]
    assert "Declare it in `roles` of the application (app.application:NONE)" in line["reason"]
    assert not stack.all("SELECT 1 FROM workers")


def test_no_process_of_a_product_without_an_application_loads_insurance() -> None:
    env = os.environ | {
        "LONGHAUL_APPLICATION": NONE,
        "LONGHAUL_WORKFLOWS": "tests.support.small_workflows:TWO",
        "PYTHONPATH": str(PROJECT),
        "LONGHAUL_DATABASE_URL": "postgresql:///nowhere",
        "LONGHAUL_BROKER_URL": "redis://127.0.0.1:1/0",
    }
    done = subprocess.run([sys.executable, "-c", LOADED], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.guarantee
def test_without_an_application_people_have_the_products_roles_alone(database_url: str) -> None:
    config = Settings(database_url=database_url, application=NONE, log_level="ERROR")
    upgrade(database_url, application.roles(config))
    rt = runtime((TWO,), role="web", config=config)
    with rt.database.transaction() as db:
        known = {row["role"] for row in db.execute("SELECT role FROM role_rights").fetchall()}
    assert known == {"operator", "auditor", "admin"}, "and so it is for the ledger"
    for role in ("adjuster", "supervisor", "siu"):
        with pytest.raises(BadInput, match="the roles are operator, auditor, admin"):
            administer.enrol(rt, Person("ada", "Ada", (role,), Decimal(0)), by="test")
    administer.enrol(rt, Person("olga", "Olga", ("operator",), Decimal(0)), by="test")
    rt.database.close()


@pytest.mark.parametrize("name", ["", "nowhere", "app.application:MISSING", "app.settings:settings", ".:x"])
def test_an_application_that_cannot_be_loaded_is_named_with_its_setting(name: str) -> None:
    with pytest.raises(BadInput, match="LONGHAUL_APPLICATION: "):
        application.installed(Settings(application=name))


def test_a_workflow_that_cannot_be_loaded_is_named_with_its_setting() -> None:
    with pytest.raises(BadInput, match=r"LONGHAUL_WORKFLOWS: 'tests\.support\.small_workflows:NONE' cannot be loaded"):
        application.workflows(Settings(application=NONE, workflows="tests.support.small_workflows:NONE"))
