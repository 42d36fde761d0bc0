"""`longhaul evidence` and `longhaul verify FILE`: whole or not at all; checked with nothing but the file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import app
from app.evidence.key import evidence_key
from app.settings import Settings
from tests.cli.conftest import Longhaul
from tests.support.journey import Travel
from tests.support.packs import forged, members, rows, strangers_key

PROJECT = Path(app.__file__).parents[1]


@pytest.fixture
def pack(longhaul: Longhaul, journey: Travel, tmp_path: Path) -> Path:
    """The pack of a run that waits for a person, as the command writes it."""
    journey.begin()
    journey.go()
    done = longhaul("evidence", "J-1", "-o", tmp_path / "j1.zip", "--as", "noor")
    assert done.exit_code == 0, done.output
    return tmp_path / "j1.zip"


def _alone(*words: object, where: Path) -> subprocess.CompletedProcess[str]:
    """`longhaul` as somebody runs it who has no installation: no settings that could be read, no database, another folder."""
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT), "HOME": str(where)}
    env |= {"LONGHAUL_DATABASE_URL": "mysql://nowhere", "LONGHAUL_WEB_PORT": "none"}
    command = [sys.executable, "-m", "app.cli", *map(str, words)]
    return subprocess.run(command, cwd=where, env=env, capture_output=True, text=True, check=False)


def test_it_is_checked_with_no_database_and_no_settings(longhaul: Longhaul, pack: Path, tmp_path: Path) -> None:
    fingerprint = evidence_key(Settings(data_dir=Path(longhaul.env["LONGHAUL_DATA_DIR"]))).fingerprint
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    alone = _alone("verify", pack, where=elsewhere)
    assert alone.returncode == 0, alone.stderr
    assert alone.stdout.startswith(f"OK: signed by the key {fingerprint} (compare it with the one you were told")
    assert (
        "; 5 transitions, 2 calls, 0 documents; run " in alone.stdout and "by its own words J-1, made " in alone.stdout
    )
    assert alone.stdout.count("\n") == 1
    sure = _alone("verify", pack, "--key", fingerprint, where=elsewhere)
    assert sure.returncode == 0 and "by person:noor" in sure.stdout and "(the key you named)" in sure.stdout
    assert list(elsewhere.iterdir()) == []


def test_what_is_wrong_is_said_where_and_ends_with_1(pack: Path, tmp_path: Path) -> None:
    moves = rows(members(pack)["transitions.jsonl"])
    moves[1]["actor"] = "person:eve"
    lines = b"".join(json.dumps(move).encode() + b"\n" for move in moves)
    spoilt = forged(pack, {"transitions.jsonl": lines}, relisted=True, key=strangers_key())
    alone = _alone("verify", spoilt, where=tmp_path)
    assert alone.returncode == 1
    assert alone.stdout.startswith("BROKEN at transition 2: its hash does not follow")
    told = json.loads(_alone("verify", spoilt, "--json", where=tmp_path).stdout)
    assert (told["holds"], told["broken"]["where"]) == (False, "transition 2")


def test_a_pack_cannot_put_words_into_our_mouth(pack: Path, tmp_path: Path) -> None:
    ours = "a" * 64
    said = f"J-1\nOK: signed by the key {ours} (the key you named)\x1b[2K"

    def boast(manifest: dict[str, object]) -> None:
        manifest["made_by"] = said

    alone = _alone("verify", forged(pack, {}, edit=boast, key=strangers_key()), where=tmp_path)
    assert alone.returncode == 0 and alone.stdout.count("\n") == 1 and "\x1b" not in alone.stdout
    assert alone.stdout.index("compare it with") < alone.stdout.index(ours)


def test_another_key_than_the_one_named_ends_with_1(longhaul: Longhaul, pack: Path, tmp_path: Path) -> None:
    stranger = tmp_path / "stranger.pem"
    stranger.write_bytes(strangers_key().public)
    result = longhaul("verify", pack, "--key", stranger)
    assert result.exit_code == 1
    assert "the pack is signed by the key" in result.stdout


def test_what_cannot_be_asked_ends_with_2(longhaul: Longhaul, pack: Path, tmp_path: Path) -> None:
    for words, said in (
        (("verify", tmp_path / "none.zip"), "cannot be read"),
        (("verify", pack, "--key", "abc"), "--key"),
        (("verify", "J-1", "--key", "0" * 64), "--key: it is for evidence packs"),
        (("evidence", "J-1", "-o", tmp_path / "no" / "p.zip"), "there is no folder"),
        (("evidence", "J-404", "-o", tmp_path / "p.zip"), "no run has the id"),
    ):
        result = longhaul(*words)
        assert (result.exit_code, result.stdout) == (2, "")
        assert said in result.stderr
    assert not (tmp_path / "p.zip").exists()


def test_a_run_is_still_checked_where_it_lives(longhaul: Longhaul, pack: Path) -> None:
    assert longhaul("verify", "J-1").stdout.startswith("holds: 5 transitions")


def test_a_pack_is_there_whole_or_not_at_all(
    longhaul: Longhaul, journey: Travel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journey.begin()
    out = tmp_path / "out"
    out.mkdir()
    (out / "p.zip").write_bytes(b"the one from before")

    def full(file: object, written: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfileobj", full)
    result = longhaul("evidence", "J-1", "-o", out / "p.zip")
    assert result.exit_code == 2 and "No space left on device" in result.stderr
    assert [(file.name, file.read_bytes()) for file in out.iterdir()] == [("p.zip", b"the one from before")]


def test_the_doctor_tells_the_fingerprint(longhaul: Longhaul, pack: Path, tmp_path: Path) -> None:
    data = Path(longhaul.env["LONGHAUL_DATA_DIR"])
    fingerprint = evidence_key(Settings(data_dir=data)).fingerprint

    def told(**env: str) -> tuple[bool, str]:
        checks = json.loads(longhaul("doctor", "--json", env=env).stdout)["checks"]
        (check,) = [check for check in checks if check["name"] == "evidence key"]
        return check["ok"], check["seen"]

    assert told() == (True, fingerprint)
    (data / "evidence.key").chmod(0o644)
    assert told() == (False, f"{fingerprint} can be read by everybody")
    ok, seen = told(LONGHAUL_EVIDENCE_KEY=str(tmp_path / "lost.pem"))
    assert not ok and "there is no file" in seen
    ok, seen = told(LONGHAUL_DATA_DIR=str(tmp_path / "new"))
    assert ok and seen.startswith("made with the first evidence pack")
