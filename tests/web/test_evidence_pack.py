"""The evidence pack is for whoever may export: they see the button, the others see none and are refused."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from uuid import UUID
from zipfile import ZipFile

import pytest

from app.accounts import people
from app.accounts.people import Person
from app.evidence.check import check_pack
from app.store.database import Database
from tests.web.complaints import Desk
from tests.web.conftest import Visitor

ROLES = {"auditor": True, "admin": True, "supervisor": True, "operator": True, "adjuster": False, "siu": False}


@pytest.mark.parametrize(("role", "may"), ROLES.items())
def test_who_may_export_gets_it_and_nobody_else(
    desk: Desk, owner: Database, visitor: Callable[[str], Visitor], tmp_path: Path, role: str, may: bool
) -> None:
    run = desk.file("CMP-1")
    with owner.transaction() as db:
        people.enrol(db, Person("maren", "Maren", (role,), Decimal(0)))
    maren = visitor("maren")
    assert ("evidence.zip" in maren.get(f"/runs/{run}").text) is may
    answer = maren.get(f"/runs/{run}/evidence.zip")
    if not may:
        assert answer.status_code == 403 and "may not export" in answer.text
        return
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == f'attachment; filename="evidence-{run}.zip"'
    assert int(answer.headers["content-length"]) == len(answer.content)
    (tmp_path / "p.zip").write_bytes(answer.content)
    verdict = check_pack(tmp_path / "p.zip")
    assert verdict.holds, verdict.broken
    assert (verdict.run_id, verdict.made_by) == (run, "person:maren")


def test_it_is_logged_who_took_what(
    desk: Desk, owner: Database, visitor: Callable[[str], Visitor], caplog: pytest.LogCaptureFixture
) -> None:
    run = desk.file("CMP-1")
    with caplog.at_level(logging.INFO, logger="longhaul"):
        content = visitor("carl.vintergard").get(f"/runs/{run}/evidence.zip").content
    (line,) = [record for record in caplog.records if record.getMessage() == "evidence_exported"]
    fields = line.fields  # type: ignore[attr-defined]
    assert (fields["run_id"], fields["actor"]) == (str(run), "person:carl.vintergard")
    with ZipFile(io.BytesIO(content)) as archive:
        assert fields["at"].encode() in archive.read("manifest.json")


def test_of_no_run_there_is_no_pack(visitor: Callable[[str], Visitor]) -> None:
    assert visitor("carl.vintergard").get(f"/runs/{UUID(int=7)}/evidence.zip").status_code == 404


def test_a_past_moment_has_no_pack_of_its_own(desk: Desk, visitor: Callable[[str], Visitor]) -> None:
    run = desk.file("CMP-1")
    assert "evidence.zip" not in visitor("carl.vintergard").get(f"/runs/{run}?at=1").text
