"""Whether an evidence pack is what was signed, and whether what was signed holds: offline, with no database and no settings.

The law: the signature comes first, then every file by its hash, then the records by the rules that a living run is checked by
(`app.store.records.verify`). The first thing that does not hold is named. A pack is signed by the key that lies in it: whether that is
the key of whom one trusts, only a fingerprint says that came by another way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from app.core.errors import BadInput, LonghaulError
from app.evidence import format as form
from app.evidence.archive import MOST_SEAL, Archive, Broken, PackBroken, opened, require_members
from app.evidence.key import fingerprint_of, is_signed, public_key
from app.evidence.records import Checked, check_run

_MOST_KEY = 10_000  # bytes
_SIGNATURE = 64
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True, slots=True)
class PackVerdict:
    """What was checked. `trusted`: the fingerprint was compared with one that was given. `broken` None: everything holds."""

    broken: Broken | None
    fingerprint: str | None = None
    trusted: bool = False
    run_id: UUID | None = None
    subject: str = ""
    made_at: str = ""
    made_by: str = ""
    checked: Checked | None = None
    documents: int = 0

    @property
    def holds(self) -> bool:
        return self.broken is None


def wanted_fingerprint(text: str) -> str:
    """The fingerprint a person means: written out, or that of a file with a public key. Raises BadInput."""
    plain = text.strip().lower().removeprefix("sha256:").replace(":", "")
    if _SHA256.fullmatch(plain):
        return plain
    path = Path(text)
    if not path.is_file():
        raise BadInput(
            f"--key: {text!r} is neither a fingerprint (64 hex digits) nor a file with a public key; `longhaul doctor` tells it"
        )
    if path.stat().st_size > _MOST_KEY:
        raise BadInput(f"--key: {text} is no public key in PEM")
    try:
        return fingerprint_of(public_key(path.read_bytes()))
    except BadInput as problem:
        raise BadInput(f"--key: {text}: {problem}") from problem


def check_pack(path: Path, *, fingerprint: str | None = None) -> PackVerdict:
    """Check a pack; with `fingerprint`, only one that this key signed holds. Raises OSError if the file cannot be read."""
    found: dict[str, Any] = {}
    try:
        with opened(path) as archive:
            _check(archive, fingerprint, found)
    except PackBroken as problem:
        return PackVerdict(broken=problem.broken, **found)
    return PackVerdict(broken=None, **found)


def _check(archive: Archive, fingerprint: str | None, found: dict[str, Any]) -> None:
    """Check; what becomes known on the way is left in `found`. Raises PackBroken."""
    manifest_bytes = archive.read(form.MANIFEST, most=MOST_SEAL)
    found["fingerprint"] = _signed_by(archive, manifest_bytes)
    if fingerprint is not None and found["fingerprint"] != fingerprint:
        raise PackBroken(form.SIGNATURE, f"the pack is signed by the key {found['fingerprint']}, not by {fingerprint}")
    found["trusted"] = fingerprint is not None
    try:
        manifest = _manifest(manifest_bytes)
        listed = {member["name"]: (member["sha256"], member["size"]) for member in manifest["members"]}
        require_members(
            archive, listed, seal=form.SEAL, trusted=found["trusted"], known=lambda name: _belongs(name, manifest)
        )
        found |= {"run_id": UUID(manifest["run_id"])}
        found |= {name: str(manifest[name]) for name in ("subject", "made_at", "made_by")}
        found["checked"] = _check_content(archive, manifest, listed)
        found["documents"] = sum(form.DOCUMENT.fullmatch(name) is not None for name in listed)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, LonghaulError) as problem:
        what = f"it does not hold what version {form.VERSION} of the format does: {type(problem).__name__} {problem}"
        raise PackBroken("the records", what) from problem


def _signed_by(archive: Archive, manifest: bytes) -> str:
    """The fingerprint of the key in the pack, which must have signed the manifest."""
    try:
        key = public_key(archive.read(form.PUBLIC_KEY, most=_MOST_KEY))
    except BadInput as problem:
        raise PackBroken(form.PUBLIC_KEY, str(problem)) from problem
    if not is_signed(key, archive.read(form.SIGNATURE, most=_SIGNATURE), manifest):
        raise PackBroken(form.SIGNATURE, "the manifest is not the one that was signed")
    return fingerprint_of(key)


def _manifest(content: bytes) -> Mapping[str, Any]:
    manifest: dict[str, Any] = json.loads(content)
    if manifest["format"] != form.FORMAT or manifest["format_version"] != form.VERSION:
        said = f"{manifest['format']} {manifest['format_version']}"
        raise PackBroken(form.MANIFEST, f"it is of the format {said}; this program reads {form.FORMAT} {form.VERSION}")
    names = [member["name"] for member in manifest["members"]]
    if len(set(names)) != len(names):
        raise PackBroken(form.MANIFEST, "it lists a file twice")
    ids = [run["run_id"] for run in manifest["runs"]]
    if len(set(ids)) != len(ids) or any(str(UUID(each)) != each for each in ids):
        raise PackBroken(form.MANIFEST, "it lists a run twice, or one whose id is none")
    return manifest


def _belongs(name: str, manifest: Mapping[str, Any]) -> bool:
    if form.DOCUMENT.fullmatch(name) or form.BLOB.fullmatch(name):
        return True
    folders = {form.folder(run["run_id"], manifest["run_id"]) for run in manifest["runs"]}
    folder, slash, last = name.rpartition("/")
    return folder + slash in folders and last in form.OF_A_RUN


def _check_content(archive: Archive, manifest: Mapping[str, Any], listed: Mapping[str, tuple[str, int]]) -> Checked:
    runs = manifest["runs"]
    if not runs or runs[0]["run_id"] != manifest["run_id"]:
        raise PackBroken(form.MANIFEST, "it does not begin with the run it is of")
    for name in ("subject", "transition_seq", "transition_hash"):
        if manifest[name] != runs[0][name]:
            raise PackBroken(form.MANIFEST, f"it gives two values of {name}")
    for name, (sha256, _) in listed.items():
        named = form.DOCUMENT.fullmatch(name) or form.BLOB.fullmatch(name)
        if named and named[1] != sha256:
            raise PackBroken(name, "its content is not what its name says")
    total = Checked()
    for run in runs:
        total += check_run(archive, run, form.folder(run["run_id"], manifest["run_id"]))
    return total
