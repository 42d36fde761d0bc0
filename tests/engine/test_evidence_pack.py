"""An evidence pack holds everything of a run, as of one moment, and the same again when it is made again."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from app.core.errors import NotFound
from app.engine.control.fork import fork
from app.engine.control.purge import purge
from app.engine.control.signals import signal
from app.evidence import format as form
from app.evidence import pack as packs
from app.evidence.archive import Broken
from app.evidence.check import check_pack
from app.evidence.page import story
from app.humans.complete import complete
from app.store.database import Connection, Database
from app.store.records.evidence import RECORDS
from tests.engine.test_conversations import ROUNDS, looked, models
from tests.support.journey import Travel, travel
from tests.support.packs import Settled, forged, members, pack_of, records, rows, settled_claim, strangers_key

__all__ = ["looked", "models"]


def test_it_holds_everything_of_a_run_that_was_paid(settled: Settled, whole_pack: Path) -> None:
    found = members(whole_pack)
    run_id = settled.run_id
    for kind in RECORDS:
        if kind in ("approvals", "human_task_comments"):
            continue  # they name their run through another row
        (counted,) = settled.sql(f"SELECT count(*) AS n FROM {kind} WHERE run_id = %s", run_id)
        assert len(rows(found[f"{kind}.jsonl"])) == counted["n"], kind
    assert {len(rows(found[f"{kind}.jsonl"])) > 0 for kind in ("transitions", "checkpoints", "human_tasks")} == {True}
    assert [row["approver"] for row in rows(found["approvals.jsonl"])] == ["demo-adjuster"] * 2
    calls = [row for row in rows(found["checkpoints.jsonl"]) if row["name"] == "payments.pay"]
    assert [(call["status"], bool(call["idempotency_key"]), bool(call["output"])) for call in calls] == [
        ("COMPLETE", True, True)
    ]
    (task,) = rows(found["human_tasks.jsonl"])
    assert task["answer"]["values"]["comment"] == "as suggested"
    held = json.loads(found[form.RUN])
    assert (held["run"]["id"], held["run"]["status"]) == (str(run_id), "COMPLETE")
    assert held["data"]["settlement"]["reference"]
    assert found[form.DIAGRAM].startswith(b"stateDiagram-v2")


def test_the_documents_lie_in_it_byte_for_byte_also_the_letters(settled: Settled, whole_pack: Path) -> None:
    found = members(whole_pack)
    listed = rows(found[form.DOCUMENTS])
    store = settled.rt.documents
    assert {row["bytes"] for row in listed} == {form.INCLUDED}
    assert all(found[row["file"]] == store.get(row["sha256"]) for row in listed)
    assert {"CLM-2026-0001-settlement.pdf", "claim_form.pdf"} <= {row["filename"] for row in listed}
    assert all(row["file"].endswith(".pdf") for row in listed)


def test_child_runs_are_in_it_with_all_that_is_theirs(settled: Settled, whole_pack: Path) -> None:
    found = members(whole_pack)
    children = settled.sql("SELECT id FROM runs WHERE parent_run_id = %s", settled.run_id)
    assert len(children) == 5
    for child in children:
        assert {f"children/{child['id']}/{name}" for name in form.OF_A_RUN} <= found.keys()
        assert f'href="children/{child["id"]}/index.html"'.encode() in found[form.PAGE]
    verdict = check_pack(whole_pack)
    assert verdict.holds, verdict.broken
    assert verdict.checked and verdict.checked.runs == 6


def test_no_token_and_no_secret_is_in_it(settled: Settled, whole_pack: Path) -> None:
    found = members(whole_pack)
    whole = b"".join(content for name, content in found.items() if not name.startswith("documents/"))
    assert b"lease_token" not in whole and b"token_hash" not in whole
    tokens = settled.sql("SELECT lease_token::text AS t FROM checkpoints WHERE lease_token IS NOT NULL")
    assert tokens and not any(row["t"].encode() in whole for row in tokens)


def test_of_an_unchanged_run_two_packs_differ_in_who_and_when_alone(
    settled: Settled, whole_pack: Path, tmp_path: Path
) -> None:
    again = pack_of(settled.rt, settled.run_id, tmp_path / "again.zip", by="person:noor")
    first, second = members(whole_pack), members(again)
    assert list(first) == list(second)
    assert {n for n in first if first[n] != second[n]} == {form.MANIFEST, form.SIGNATURE}
    one, other = json.loads(first[form.MANIFEST]), json.loads(second[form.MANIFEST])
    assert {n for n in one if one[n] != other[n]} == {"made_at", "made_by"}


def test_the_manifest_says_what_it_is_of_and_whose_signature_it_bears(settled: Settled, whole_pack: Path) -> None:
    manifest = json.loads(members(whole_pack)[form.MANIFEST])
    (row,) = settled.sql(
        "SELECT transition_seq, encode(transition_hash, 'hex') AS h FROM runs WHERE id = %s", settled.run_id
    )
    assert (manifest["format"], manifest["format_version"]) == ("longhaul-evidence", 1)
    assert (manifest["run_id"], manifest["made_by"]) == (str(settled.run_id), "person:ada")
    assert (manifest["transition_seq"], manifest["transition_hash"]) == (row["transition_seq"], row["h"])
    assert manifest["software"].startswith("longhaul ")
    assert re.fullmatch(r"[0-9a-f]{64}", manifest["key_fingerprint"])


def test_the_page_tells_the_story_without_a_script_and_without_asking_anybody(whole_pack: Path) -> None:
    page = members(whole_pack)[form.PAGE].decode()
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    assert not re.search(r"<script|<img|<link|<iframe|https?://|\son\w+=", page)
    for told in ("CLM-2026-0001", "as suggested", "EXECUTED", "payments.pay", "demo-adjuster"):
        assert told in page


def test_what_strangers_wrote_is_text_on_the_page(database_url: str, tmp_path: Path) -> None:
    with travel(database_url, data_dir=tmp_path) as journey:
        run_id = journey.begin("<img src=x onerror=alert(1)>\u202egnp")
        page = members(pack_of(journey.rt, run_id, tmp_path / "p.zip"))[form.PAGE].decode()
    assert "<img" not in page and "&lt;img" in page and "\u202e" not in page


def test_all_of_it_is_of_one_moment_however_the_run_moves(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with travel(database_url, data_dir=tmp_path) as journey:
        run_id = journey.begin()
        read = story

        def moved_meanwhile(db: Connection, each: UUID) -> object:
            journey.go()
            return read(db, each)

        monkeypatch.setattr(packs, "story", moved_meanwhile)
        path = pack_of(journey.rt, run_id, tmp_path / "p.zip")
        assert journey.run(run_id)["status"] == "WAITING_FOR_HUMAN"
    verdict = check_pack(path)
    assert verdict.holds, verdict.broken
    assert verdict.checked and verdict.checked.transitions == 1
    assert rows(members(path)["human_tasks.jsonl"]) == []


def test_a_run_can_be_packed_wherever_it_stands(database_url: str, tmp_path: Path) -> None:
    with travel(database_url, data_dir=tmp_path) as journey:
        journey.enrol("ada", "adjuster")
        run_id = journey.begin()
        _packs_and_holds(journey, run_id, tmp_path)
        journey.go()
        _packs_and_holds(journey, run_id, tmp_path)
        task = journey.one("SELECT id FROM human_tasks")["id"]
        complete(journey.rt, task, by="ada", outcome="approved", answer={"amount": "12.50", "comment": "as billed"})
        journey.go()
        signal(journey.rt, run_id, "letter", {"from": "the registry"}, signal_id="s-1", actor="person:ada")
        journey.go()
        _packs_and_holds(journey, run_id, tmp_path)
        journey.advance_clock(timedelta(hours=2))
        found = members(_packs_and_holds(journey, run_id, tmp_path))
        assert [row["signal_id"] for row in rows(found["signals.jsonl"])] == ["s-1"]
        dead = journey.begin("dead", mood="hopeless")
        journey.go()
        found = members(_packs_and_holds(journey, dead, tmp_path))
        assert len(rows(found["dead_letters.jsonl"])) == len(rows(found["alerts.jsonl"])) == 1


def _packs_and_holds(journey: Travel, run_id: UUID, folder: Path) -> Path:
    path = pack_of(journey.rt, run_id, folder / "p.zip")
    verdict = check_pack(path)
    assert verdict.holds, verdict.broken
    return path


def test_conversations_are_in_it_to_the_last_word_also_what_is_kept_by_reference(
    looked: tuple[Travel, UUID], tmp_path: Path
) -> None:
    journey, run_id = looked
    path = pack_of(journey.rt, run_id, tmp_path / "p.zip")
    found = members(path)
    assert len(rows(found["messages.jsonl"])) == 2 + 2 * ROUNDS
    (blob,) = [name for name in found if form.BLOB.fullmatch(name)]
    assert "x" * 300_000 in found[blob].decode()
    verdict = check_pack(path)
    assert verdict.holds, verdict.broken
    said = rows(found["messages.jsonl"])
    lost = forged(path, {"messages.jsonl": records(said[:3] + said[4:])}, relisted=True, key=strangers_key())
    assert check_pack(lost).broken == Broken(
        "messages.jsonl", f"the message {said[3]['sha256']}, which a model was given, is missing"
    )
    said[0]["content"]["message"]["text"] = "Look once."
    other = forged(path, {"messages.jsonl": records(said)}, relisted=True, key=strangers_key())
    assert check_pack(other).broken == Broken(
        "messages.jsonl", f"the message {said[0]['sha256']} is not the one that was kept"
    )
    without = forged(path, {blob: None}, relisted=True, key=strangers_key())
    broken = check_pack(without).broken
    assert broken and "it refers to is missing" in broken.what


def test_what_was_erased_is_told_as_erased_and_still_holds(database_url: str, tmp_path: Path) -> None:
    with settled_claim(database_url, tmp_path) as claim:
        before = members(pack_of(claim.rt, claim.run_id, tmp_path / "before.zip"))
        owner = Database(database_url, "owner")
        forget = claim.rt.documents.erase
        purge(owner, claim.run_id, actor="person:noor", reason="the claimant asked", forget_document=forget)
        owner.close()
        path = pack_of(claim.rt, claim.run_id, tmp_path / "after.zip")
    verdict, after = check_pack(path), members(path)
    assert verdict.holds, verdict.broken
    assert verdict.checked and (verdict.checked.erased, verdict.documents) == (6, 0)
    assert verdict.checked.transitions > 30
    assert not any(name.startswith(("documents/", "blobs/")) for name in after)
    assert {row["bytes"] for row in rows(after[form.DOCUMENTS])} == {form.ERASED}
    whole = b"".join(after.values())
    assert b"as suggested" in b"".join(before.values()) and b"as suggested" not in whole
    assert "the claimant asked" in after[form.PAGE].decode()


def test_a_document_that_was_changed_where_it_lies_is_not_passed_on(database_url: str, tmp_path: Path) -> None:
    with settled_claim(database_url, tmp_path) as claim:
        listed = rows(members(pack_of(claim.rt, claim.run_id, tmp_path / "p.zip"))[form.DOCUMENTS])
        damaged, lost = listed[0]["sha256"], listed[1]["sha256"]
        folder = claim.rt.settings.data_dir / "documents"
        (folder / damaged[:2] / damaged).chmod(0o600)
        (folder / damaged[:2] / damaged).write_bytes(b"something else")
        claim.rt.documents.erase(lost)
        path = pack_of(claim.rt, claim.run_id, tmp_path / "p.zip")
    stands = {row["sha256"]: row["bytes"] for row in rows(members(path)[form.DOCUMENTS])}
    assert (stands[damaged], stands[lost]) == (form.DAMAGED, form.MISSING)
    verdict = check_pack(path)
    assert verdict.holds, verdict.broken
    assert verdict.checked and verdict.checked.gone >= 2


def test_no_run_no_pack(settled: Settled, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        pack_of(settled.rt, UUID(int=7), tmp_path / "p.zip")


def test_a_fork_is_packed_with_its_copied_calls_and_holds(settled: Settled, tmp_path: Path) -> None:
    (step,) = settled.sql(
        "SELECT step_seq FROM checkpoints WHERE run_id = %s AND call_seq = 0 AND step_name = 'ASSESSING'",
        settled.run_id,
    )
    made = fork(settled.rt, settled.run_id, step["step_seq"], actor="person:noor", reason="once more")
    assert made.copied > 0
    pack = pack_of(settled.rt, made.run_id, tmp_path / "fork.zip")
    copied = [
        row for row in rows(members(pack)["checkpoints.jsonl"]) if str(settled.run_id) in str(row["idempotency_key"])
    ]
    assert len(copied) == made.copied
    assert check_pack(pack).broken is None
