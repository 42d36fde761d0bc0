"""`longhaul invite`: a link made and ended by a person who may."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Longhaul
from tests.support.claimants import Claimant, post_office


def test_a_link_is_made_and_ended_on_the_command_line(longhaul: Longhaul, database_url: str, tmp_path: Path) -> None:
    with post_office(database_url, tmp_path / "data") as post:
        run_id = post.run()
        made = longhaul.json("invite", "CLM-1", "--as", "ada", "--days", "3")
        assert made["run_id"] == str(run_id)
        claimant = Claimant(post.http, made["url"].rpartition("/")[2])
        assert "police report" in claimant.get().text
        told = longhaul("invite", run_id, "--as", "ada")
        assert told.stdout.startswith("http://127.0.0.1:8710/c/")
        assert "shown this once" in told.stdout
        ended = longhaul("invite", "--revoke", made["id"], "--as", "ada")
        assert "lets nobody in any more" in ended.stdout
        assert claimant.get().status_code == 404
        again = longhaul.json("invite", "--revoke", made["id"], "--as", "ada")
        assert again["revoked_by"] == "ada"


def test_what_cannot_be_is_said(longhaul: Longhaul, database_url: str, tmp_path: Path) -> None:
    with post_office(database_url, tmp_path / "data") as post:
        post.run()
        for words, told in (
            (["invite"], "name either a run"),
            (["invite", "CLM-1"], "--as: say who does it"),
            (["invite", "CLM-1", "--as", "otto"], "Otto may not invite"),
            (["invite", "CLM-1", "--as", "nobody"], "there is no person"),
            (["invite", "CLM-1", "--as", "ada", "--days", "90"], "at most 60 days"),
            (["invite", "--revoke", "x", "--as", "ada"], "no id of a link"),
            (["invite", "--revoke", "01934f7e-8c1a-7d2e-9b1f-3a5c7e9d1f20", "--as", "ada"], "there is no link"),
        ):
            result = longhaul(*words)
            assert result.exit_code != 0
            assert told in result.stderr
        assert post.journey.rows("SELECT 1 FROM upload_links") == []
