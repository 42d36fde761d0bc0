"""Whatever a forger does to an evidence pack is found, and said where; whatever a stranger sends is refused, not believed."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from app.core.canonical import canonical, digest
from app.core.errors import BadInput
from app.evidence import archive as pack_archive
from app.evidence import format as form
from app.evidence.archive import Broken
from app.evidence.check import check_pack, wanted_fingerprint
from app.evidence.key import evidence_key, fingerprint_of, public_key
from tests.support.packs import Edit, Settled, forged, members, records, rows, strangers_key

Row = dict[str, Any]


def broken(path: Path, fingerprint: str | None = None) -> Broken:
    found = check_pack(path, fingerprint=fingerprint).broken
    assert found is not None, "it is said to hold"
    return found


def changed(pack: Path, name: str, change: Callable[[list[Row]], Any]) -> dict[str, bytes | None]:
    """A member with its records changed."""
    found = rows(members(pack)[name])
    change(found)
    return {name: records(found)}


def _call(places: list[Row]) -> Row:
    return next(row for row in places if row["name"] == "payments.pay")


def _step_changed_with_its_hash(places: list[Row]) -> None:
    step = next(row for row in places if (row["step_seq"], row["call_seq"]) == (1, 0))
    step["output"] = {"outcome": "received", "data": {}}
    step["output_hash"] = digest(canonical(step["output"]))


def test_an_untouched_pack_holds_and_says_whose_it_is(settled: Settled, pack: Path) -> None:
    ours = evidence_key(settled.rt.settings).fingerprint
    verdict = check_pack(pack)
    assert (verdict.holds, verdict.fingerprint, verdict.trusted) == (True, ours, False)
    assert verdict.run_id == settled.run_id
    assert check_pack(pack, fingerprint=ours).trusted
    assert check_pack(forged(pack, {})).holds, "the forger's own hand must not be what is found"


def test_a_changed_byte_is_found_wherever_it_is_read(pack: Path) -> None:
    whole, before, choose = pack.read_bytes(), members(pack), random.Random(7)
    noticed = 0
    for at in (0, len(whole) - 1, *choose.sample(range(len(whole)), 400)):
        pack.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << choose.randrange(8))]) + whole[at + 1 :])
        if check_pack(pack).broken is None:
            assert members(pack) == before, f"byte {at}"
        else:
            noticed += 1
    assert noticed > 350


@pytest.mark.parametrize("kept", [0, 10, 0.5, 0.999])
def test_a_pack_cut_off_is_no_pack(pack: Path, kept: float) -> None:
    whole = pack.read_bytes()
    pack.write_bytes(whole[: int(kept if kept > 1 else kept * len(whole))])
    assert broken(pack).where == "the file"


def test_a_member_changed_is_named(pack: Path) -> None:
    name = next(name for name in members(pack) if name.startswith("documents/"))
    spoilt = bytearray(members(pack)[name])
    spoilt[100] ^= 1
    assert broken(forged(pack, {name: bytes(spoilt)})) == Broken(name, "its content is not the one that was signed")


def test_a_member_removed_or_added_is_named(pack: Path) -> None:
    assert broken(forged(pack, {"signals.jsonl": None})) == Broken(
        "signals.jsonl", "the manifest lists it, but it is missing"
    )
    assert broken(forged(pack, {"more.txt": b"x"})) == Broken("more.txt", "it is in the file, but not in the manifest")
    for name in form.SEAL:
        assert broken(forged(pack, {name: None})) == Broken(name, "it is missing")
    extra = forged(pack, {"more.txt": b"x"}, relisted=True, key=strangers_key())
    assert broken(extra) == Broken("more.txt", "no such file belongs into an evidence pack")


def test_a_reason_altered_is_found_by_hash_by_signature_and_by_the_chain(settled: Settled, pack: Path) -> None:
    altered = changed(pack, "transitions.jsonl", lambda moves: moves[2].update(reason="nobody asked"))
    assert broken(forged(pack, altered)).where == "transitions.jsonl"
    assert broken(forged(pack, altered, relisted=True)).where == form.SIGNATURE
    again = forged(pack, altered, relisted=True, key=strangers_key())
    assert broken(again) == Broken("transition 3", "its reason is not the one that was written")
    ours = evidence_key(settled.rt.settings).fingerprint
    assert broken(again, ours).where == form.SIGNATURE


def test_a_stranger_may_sign_but_not_for_us(settled: Settled, pack: Path) -> None:
    key = strangers_key()
    signed = forged(pack, {}, edit=lambda manifest: manifest.update(made_by="person:eve"), key=key)
    verdict = check_pack(signed)
    assert (verdict.holds, verdict.fingerprint, verdict.trusted) == (True, key.fingerprint, False)
    ours = evidence_key(settled.rt.settings).fingerprint
    assert broken(signed, ours).what == f"the pack is signed by the key {key.fingerprint}, not by {ours}"


@pytest.mark.parametrize(
    ("name", "change", "where"),
    [
        ("transitions.jsonl", lambda moves: moves.pop(), "the run's row"),
        ("transitions.jsonl", lambda moves: moves.pop(4), "transition 5"),
        ("transitions.jsonl", lambda moves: moves[3].update(actor="person:eve"), "transition 4"),
        ("transitions.jsonl", lambda moves: moves[3].update(run_id="another"), "transitions.jsonl"),
        ("checkpoints.jsonl", lambda places: _call(places).update(output={"payment_id": "P-0"}), "checkpoint {call}"),
        ("checkpoints.jsonl", lambda places: _call(places).update(input={"amount": "1.00"}), "checkpoint {call}"),
        ("checkpoints.jsonl", lambda places: _call(places).update(idempotency_key="lh-other"), "checkpoint {call}"),
        ("checkpoints.jsonl", _step_changed_with_its_hash, "checkpoint 1.0"),
        ("checkpoints.jsonl", lambda places: places.pop(1), "transition 3"),
        ("documents.jsonl", lambda found: found[0].update(sha256="0" * 64), "documents.jsonl"),
    ],
)
def test_records_that_do_not_agree_are_found_whoever_signed_them(
    pack: Path, name: str, change: Callable[[list[Row]], Any], where: str
) -> None:
    call = _call(rows(members(pack)["checkpoints.jsonl"]))
    path = forged(pack, changed(pack, name, change), relisted=True, key=strangers_key())
    assert broken(path).where == where.format(call=f"{call['step_seq']}.{call['call_seq']}")


@pytest.mark.parametrize(
    ("edit", "where"),
    [
        (lambda m: m.update(transition_hash="0" * 64), "manifest.json"),
        (lambda m: m.update(transition_seq=3), "manifest.json"),
        (lambda m: m["runs"].clear(), "run.json"),
        (lambda m: m["runs"][0].update(transition_seq=3), "manifest.json"),
        (lambda m: m["runs"].reverse(), "manifest.json"),
        (lambda m: m["runs"][0].update(erased=True), "run.json"),
        (lambda m: m["runs"][0]["records"].update(transitions=24), "transitions.jsonl"),
        (lambda m: m["members"].append(m["members"][0]), "manifest.json"),
        (lambda m: m.update(format_version=2), "manifest.json"),
        (lambda m: m.update(format="another"), "manifest.json"),
        (lambda m: m.update(subject="another claim"), "manifest.json"),
        (lambda m: m["runs"][1].update(subject="another"), "children/{child}/run.json"),
        (lambda m: m.pop("members"), "the records"),
        (lambda m: m.update(members=7), "the records"),
        (lambda m: m.update(run_id="../../etc"), "run.json"),
        (lambda m: m["runs"][1].update(run_id="../../etc"), "the records"),
        (lambda m: m["runs"].append(m["runs"][1]), "manifest.json"),
    ],
)
def test_a_manifest_that_says_something_else_is_found_whoever_signed_it(pack: Path, edit: Edit, where: str) -> None:
    child = json.loads(members(pack)[form.MANIFEST])["runs"][1]["run_id"]
    path = forged(pack, {}, relisted=True, edit=edit, key=strangers_key())
    assert broken(path).where == where.format(child=child)


def test_what_is_left_out_and_agrees_with_itself_only_our_key_tells(settled: Settled, pack: Path) -> None:
    """A shorter story that holds is a story: that it is not the one we told, the fingerprint says."""
    child = next(name for name in members(pack) if name.startswith("children/")).split("/")[1]
    gone: dict[str, bytes | None] = {name: None for name in members(pack) if name.startswith(f"children/{child}/")}
    assert broken(forged(pack, gone)).what == "the manifest lists it, but it is missing"
    manifest = json.loads(members(pack)[form.MANIFEST])
    manifest["runs"] = [run for run in manifest["runs"] if run["run_id"] != child]
    manifest["members"] = [member for member in manifest["members"] if member["name"] not in gone]
    signed = forged(pack, {**gone, form.MANIFEST: form.sheet(manifest)}, key=strangers_key())
    assert check_pack(signed).holds
    assert broken(signed, evidence_key(settled.rt.settings).fingerprint).where == form.SIGNATURE


def test_data_the_journal_did_not_leave_are_found(pack: Path) -> None:
    held = json.loads(members(pack)[form.RUN])
    held["data"]["amount_claimed"] = "99999.00"
    path = forged(pack, {form.RUN: form.sheet(held)}, relisted=True, key=strangers_key())
    assert broken(path).where == "the run's data"


def test_documents_are_what_their_names_say_and_those_that_are_told_of_are_there(pack: Path) -> None:
    name = next(name for name in members(pack) if name.startswith("documents/"))
    path = forged(pack, {name: b"another paper"}, relisted=True, key=strangers_key())
    assert broken(path) == Broken(name, "its content is not what its name says")
    path = forged(pack, {name: None}, relisted=True, key=strangers_key())
    assert broken(path).what == f"the bytes of {name.split('/')[1].split('.')[0]} are missing"


@pytest.mark.parametrize(
    "junk", [b"{}\n", b"[]\n", b"null\n", b"7\n", b'"x"\n', b"{\n", b"\xff\n", b"[" * 100_000 + b"\n"]
)
@pytest.mark.parametrize(
    "name", ["transitions.jsonl", "checkpoints.jsonl", "messages.jsonl", "documents.jsonl", "run.json"]
)
def test_records_that_are_none_are_refused_and_nothing_falls_over(pack: Path, name: str, junk: bytes) -> None:
    path = forged(pack, {name: junk}, relisted=True, key=strangers_key())
    assert broken(path).what


def test_what_would_unpack_to_more_than_was_signed_is_not_unpacked(pack: Path) -> None:
    name = "transitions.jsonl"
    said = broken(forged(pack, {name: members(pack)[name] + b"\n" * 50_000_000}))
    assert said.where == name and "would unpack to 50," in said.what


def test_a_bomb_that_is_signed_is_refused_too(pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def digested(archive: object, name: str) -> str:
        raise AssertionError("it was unpacked")

    bomb = forged(pack, {"alerts.jsonl": b"\n" * 200_000_000}, relisted=True, key=strangers_key())
    assert bomb.stat().st_size < 500_000
    monkeypatch.setattr(pack_archive.Archive, "digest", digested)
    assert "like a zip bomb; if you trust whose it is, name their key" in broken(bomb).what


def test_a_run_that_said_the_same_for_ever_is_no_bomb_to_whom_the_key_is_known(
    settled: Settled, pack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack_archive, "MOST_MORE", 0)
    ours = evidence_key(settled.rt.settings)
    alike = records([{"run_id": str(settled.run_id), "payload": "." * 3000}] * 20_000)
    long = forged(pack, {"signals.jsonl": alike}, relisted=True, key=ours)
    assert "like a zip bomb" in broken(long).what
    assert check_pack(long, fingerprint=ours.fingerprint).holds


def test_a_manifest_that_is_a_bomb_is_not_read(pack: Path) -> None:
    said = broken(forged(pack, {form.MANIFEST: b" " * 70_000_000}))
    assert said.where == form.MANIFEST and said.what.endswith("a zip bomb")


@pytest.mark.parametrize("place", ["before", "between", "behind", "comment"])
def test_what_belongs_to_no_member_is_found(pack: Path, place: str) -> None:
    """Else one program could read another pack in the file than the one that was checked."""
    whole = pack.read_bytes()
    with ZipFile(pack) as archive:
        start = archive.start_dir
    if place == "comment":
        with ZipFile(pack, "a") as archive:
            archive.comment = b"read this instead"
    elif place == "between":
        end = whole[start:].rindex(b"PK\x05\x06") + start
        moved = bytearray(whole[:start] + b"hidden" + whole[start:])
        struct.pack_into("<L", moved, end + 6 + 16, start + 6)
        pack.write_bytes(moved)
    else:
        pack.write_bytes(b"hidden" + whole if place == "before" else whole + b"hidden")
    assert broken(pack).what


def test_a_name_that_only_some_readers_see_is_found(pack: Path) -> None:
    """The header before a member and the list of members may differ: who reads one is shown another file."""
    whole = pack.read_bytes()
    pack.write_bytes(whole.replace(b"run.json", b"fun.json", 1))
    assert broken(pack).what == "it does not lie in the file as Longhaul writes it"


def test_a_member_that_would_become_a_link_is_refused(pack: Path) -> None:
    whole = bytearray(pack.read_bytes())
    with ZipFile(pack) as archive:
        start = archive.start_dir
    struct.pack_into("<L", whole, start + 38, 0o120777 << 16)
    pack.write_bytes(whole)
    assert broken(pack).what == "it does not lie in the file as Longhaul writes it"


def test_a_member_twice_is_refused(pack: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"), ZipFile(pack, "a") as archive:
        archive.writestr("run.json", b"{}")
    assert broken(pack) == Broken("run.json", "it is in the file twice")


def test_the_key_may_be_named_by_its_fingerprint_or_its_public_half(
    settled: Settled, pack: Path, tmp_path: Path
) -> None:
    key = evidence_key(settled.rt.settings)
    pem = tmp_path / "key.pem"
    pem.write_bytes(key.public)
    for text in (key.fingerprint, key.fingerprint.upper(), f"SHA256:{key.fingerprint}", str(pem)):
        assert check_pack(pack, fingerprint=wanted_fingerprint(text)).trusted
    assert fingerprint_of(public_key(key.public)) == key.fingerprint
    for text in (key.fingerprint[:20], "nothing", str(pack)):
        with pytest.raises(BadInput, match="--key"):
            wanted_fingerprint(text)


def test_something_else_is_no_pack(tmp_path: Path) -> None:
    other = tmp_path / "other.zip"
    with ZipFile(other, "w") as archive:
        archive.writestr("manifest.json", "{}")
    assert broken(other).where
    other.write_text("no zip at all")
    assert broken(other).where == "the file"
