"""Everything the description allows, and much that it does not, asked of the API by a foreign program: no check fails.

Run by `make fuzz-api`, which installs schemathesis apart; no part of `make test`. Takes about two minutes.
"""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path

import pytest

from app.accounts import keys, people
from app.accounts.keys import SCOPES
from app.accounts.people import Person
from app.engine.runtime import Runtime
from app.store.database import Database
from tests.support.roles import DECLARED
from tests.web.api.fuzzing import fuzz, served
from tests.web.complaints import Desk
from tests.web.conftest import task_of


@pytest.mark.timeout(1800)
def test_no_check_of_schemathesis_fails(web: Runtime, owner: Database, desk: Desk, tmp_path: Path) -> None:
    with owner.transaction() as db:
        people.enrol(db, Person("dora.everyrole", "Dora Everyrole", DECLARED.names, Decimal(10**6), "EUR"))
    runs = [desk.file(f"CMP-{n}") for n in range(6)]
    known = {"run": [*map(str, runs), "CMP-1"], "task_id": [str(task_of(owner, run)) for run in runs]}
    key = keys.create(web, "dora.everyrole", name="fuzz", scopes=SCOPES, days=1, by="test").secret
    with served(web) as address:
        done = fuzz(address, key, tmp_path, known, "--seed=1", *os.environ.get("FUZZ_ARGS", "").split())
    print(done.stdout[-3000:])  # noqa: T201  # how much was asked, for whoever runs it
    assert done.returncode == 0, done.stdout + done.stderr
