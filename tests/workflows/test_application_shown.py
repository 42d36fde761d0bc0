"""The application that docs/application.md shows works as it stands there: bound, migrated, started, answered, run."""

from __future__ import annotations

import re
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app import application
from app.accounts import administer
from app.accounts.people import Person
from app.bootstrap import runtime
from app.engine.definitions import undeclared
from app.humans.complete import complete
from app.settings import Settings, settings
from app.store.migrate import upgrade
from tests.support.dispatchers import SILENT_DISPATCHER
from tests.support.programs import PROJECT
from tests.support.working import work_off


def test_the_documented_application_runs(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module, program = re.findall(r"```python\n(.*?)```", (PROJECT / "docs/application.md").read_text(), re.DOTALL)
    (tmp_path / "shop.py").write_text(module)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("LONGHAUL_DATABASE_URL", database_url)
    monkeypatch.setenv("LONGHAUL_APPLICATION", "shop:SHOP")
    monkeypatch.setenv("LONGHAUL_DISPATCHER", SILENT_DISPATCHER)
    settings.cache_clear()
    config = Settings(log_level="ERROR")
    upgrade(database_url, application.roles(config))
    rt = runtime(application.workflows(config), config=config)
    try:
        assert undeclared(rt.workflows, rt.roles, application=config.application) == []
        named: dict[str, Any] = {}
        exec(compile(program, "docs/application.md", "exec", dont_inherit=True), named)
        work_off(rt)
        with rt.database.transaction() as db:
            (task,) = db.execute("SELECT id, role FROM human_tasks WHERE status = 'OPEN'").fetchall()
        assert task["role"] == "clerk"
        web = runtime(application.workflows(config), role="web", config=config)
        administer.enrol(web, Person("ada", "Ada", ("clerk",), Decimal(0)), by="test")
        complete(web, task["id"], by="ada", outcome="ship", answer={})
        web.database.close()
        work_off(rt)
        with rt.database.transaction() as db:
            (run,) = db.execute("SELECT r.status, d.data FROM runs r JOIN run_data d ON d.run_id = r.id").fetchall()
        assert (run["status"], run["data"]["parcel"]) == ("COMPLETE", "P-O-7")
    finally:
        rt.journal.close()
        rt.database.close()
        settings.cache_clear()
        sys.modules.pop("shop", None)
