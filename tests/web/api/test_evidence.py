"""The evidence pack for programs: under the scope `export`, of a person who may."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from app.evidence.check import check_pack
from tests.web.api.conftest import Program
from tests.web.complaints import Desk


def test_a_key_that_may_export_gets_a_pack_that_holds(
    desk: Desk, program: Callable[..., Program], tmp_path: Path
) -> None:
    run = desk.file("CMP-1")
    answer = program("carl.vintergard", scopes=("export",)).get("/runs/CMP-1/evidence")
    assert answer.status_code == 200
    assert "RateLimit-Remaining" in answer.headers
    (tmp_path / "p.zip").write_bytes(answer.content)
    verdict = check_pack(tmp_path / "p.zip")
    assert (verdict.broken, verdict.run_id, verdict.made_by) == (None, run, "person:carl.vintergard")


def test_without_the_scope_or_the_right_it_is_refused(desk: Desk, program: Callable[..., Program]) -> None:
    desk.file("CMP-1")
    others = ("read", "submit", "work", "operate", "admin")
    assert program("carl.vintergard", scopes=others).get("/runs/CMP-1/evidence").status_code == 403
    assert program("ada.quillmore", scopes=("export",)).get("/runs/CMP-1/evidence").status_code == 403
    assert program("carl.vintergard", scopes=("export",)).get("/runs/CMP-2/evidence").status_code == 404
