"""The records of one run in an evidence pack, held against each other: the chain, the journal, conversations, documents, data.

The law: what is checked of a living run in the database is checked here by the same code, `app.store.records.verify`; what that reads
by SQL is read here from the files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any

from app.core.canonical import canonical, digest, restore
from app.core.statuses import CheckpointKind
from app.evidence import format as form
from app.evidence.archive import LONGEST_LINE, Archive, PackBroken
from app.store.records import verify
from app.store.records.erasure import is_erased
from app.store.records.evidence import RECORDS

Row = Mapping[str, Any]
_BYTES = ("hash", "transition_hash")


@dataclass(frozen=True, slots=True)
class Checked:
    """How much was checked. `gone`: entries of documents without their bytes; `erased`: runs."""

    runs: int = 0
    transitions: int = 0
    calls: int = 0
    gone: int = 0
    erased: int = 0

    def __add__(self, other: Checked) -> Checked:
        return Checked(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))


def check_run(archive: Archive, listed: Mapping[str, Any], folder: str) -> Checked:
    """Check one run. Raises PackBroken, or whatever records of another shape lead to."""
    for name in form.OF_A_RUN:
        if folder + name not in archive.names:
            raise PackBroken(folder + name, "it is missing")
    held = json.loads(archive.read(folder + form.RUN, most=LONGEST_LINE))
    run = _typed(held["run"]) | {"data": held["data"]}
    if run["id"] != listed["run_id"]:
        raise PackBroken(folder + form.RUN, f"it is of the run {run['id']}, and not of {listed['run_id']}")
    rows = {kind: _rows(archive, folder, kind, listed) for kind in RECORDS}
    moves, places, erased = rows["transitions"], rows["checkpoints"], is_erased(run["data"])
    if (run["workflow"], run["subject"]) != (listed["workflow"], listed["subject"]):
        raise PackBroken(folder + form.RUN, "the manifest calls the run something else")
    if (run["transition_seq"], run["transition_hash"].hex()) != (listed["transition_seq"], listed["transition_hash"]):
        raise PackBroken(folder + form.RUN, "its head is not the one in the manifest")
    if broken := verify.first_broken(run, moves, places, erased=erased):
        raise PackBroken(f"{folder}{broken.where}", broken.what)
    if not erased and canonical(restore(run["data"])) != canonical(restore(_left(places))):
        raise PackBroken(
            f"{folder}the run's data", "they are not those that its last step, or the last correction, left"
        )
    if bool(listed["erased"]) != erased:
        raise PackBroken(folder + form.RUN, "the manifest says otherwise whether the run was erased")
    _check_blobs(archive, folder, places)
    if run["forked_from"] is None:  # a fork holds calls whose conversations are another run's
        _check_messages(archive, folder, rows["messages"], places)
    documents = _rows(archive, folder, "documents", listed)
    _check_documents(archive, folder, documents)
    gone = sum(document["bytes"] != form.INCLUDED for document in documents)
    calls = sum(place["call_seq"] > 0 for place in places)
    return Checked(1, len(moves), calls, gone, int(erased))


def _rows(archive: Archive, folder: str, kind: str, listed: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of a kind, each of this run, as many as the manifest says."""
    name = f"{folder}{kind}.jsonl"
    found = [_typed(json.loads(line)) for line in archive.lines(name)]
    if len(found) != listed["records"][kind]:
        raise PackBroken(name, f"it has {len(found)} records, but the manifest says {listed['records'][kind]}")
    for n, row in enumerate(found, start=1):
        if row.get("run_id", listed["run_id"]) != listed["run_id"]:
            raise PackBroken(name, f"its record {n} is of another run, {row['run_id']}")
    return found


def _typed(row: dict[str, Any]) -> dict[str, Any]:
    """A row with its times and hashes as the database gives them."""
    for name, value in row.items():
        if isinstance(value, str) and name.endswith("_at"):
            row[name] = datetime.fromisoformat(value)
        elif name in _BYTES:
            row[name] = bytes.fromhex(value)
    return row


def _left(places: Sequence[Row]) -> Any:
    """The data the journal ends with: the latest written by the start, a step or a person's correction (`app.store.reads.history`)."""
    written = [
        *((row["step_seq"], 1, row["output"]["data"]) for row in places if _has_data(row, "output")),
        *((row["step_seq"], 0, row["input"]["cause"]["data"]) for row in places if _has_data(row, "input")),
    ]
    return max(written, key=lambda word: word[:2])[2] if written else None


def _has_data(row: Row, where: str) -> bool:
    if where == "output":
        of_kind = row["kind"] in (CheckpointKind.START, CheckpointKind.STEP) and row["completed_at"] is not None
        return of_kind and isinstance(row["output"], dict) and "data" in row["output"]
    cause = row["input"].get("cause") if row["kind"] == CheckpointKind.STEP and isinstance(row["input"], dict) else None
    return isinstance(cause, dict) and "data" in cause


def _check_messages(archive: Archive, folder: str, messages: Sequence[Row], places: Sequence[Row]) -> None:
    """Each message is named by the hash of itself and of all before it; what models were given is there to the first word."""
    name, after = f"{folder}messages.jsonl", dict[str, str | None]()
    for message in messages:
        content = message["content"]
        if "$blob" in content:
            named = content["$blob"]
            _require_blob(archive, name, named)
            content = json.loads(archive.read(form.blob_name(named), most=LONGEST_LINE))
        else:
            named = digest(canonical(restore(content)))
        if named != message["sha256"]:
            raise PackBroken(name, f"the message {message['sha256']} is not the one that was kept")
        after[named] = content["after"]
    walked: set[str] = set()
    for row in places:
        head = (
            row["input"].get("head") if row["kind"] == CheckpointKind.MODEL and isinstance(row["input"], dict) else None
        )
        while head is not None and head not in walked:
            if head not in after:
                raise PackBroken(name, f"the message {head}, which a model was given, is missing")
            walked.add(head)
            head = after[head]


def _check_blobs(archive: Archive, folder: str, places: Sequence[Row]) -> None:
    for row in places:
        for payload in (row["input"], row["output"]):
            if isinstance(payload, dict) and "$blob" in payload:
                _require_blob(archive, f"{folder}checkpoint {row['step_seq']}.{row['call_seq']}", payload["$blob"])


def _require_blob(archive: Archive, where: str, sha256: str) -> None:
    if form.blob_name(sha256) not in archive.names:
        raise PackBroken(where, f"the content {sha256} it refers to is missing")


def _check_documents(archive: Archive, folder: str, documents: Sequence[Row]) -> None:
    for document in documents:
        if document["bytes"] != form.INCLUDED:
            continue
        file = document["file"]
        match = form.DOCUMENT.fullmatch(file)
        if file not in archive.names or match is None or match[1] != document["sha256"]:
            raise PackBroken(f"{folder}{form.DOCUMENTS}", f"the bytes of {document['sha256']} are missing")
