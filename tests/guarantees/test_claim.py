"""A claim, whole: through real workers, with real documents, from its folder to its letter.

Its process logs match its journal one to one; any past moment can be shown as it was; killed workers neither lose it
nor pay it twice; and whatever the folder holds, the claim ends read or with a person, with a reason.
"""

from __future__ import annotations

import json
import logging
import zlib
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pypdf import PdfReader, PdfWriter

from app.core.canonical import canonical, restore
from app.store.reads import history
from app.telemetry import logs
from tests.support.claims import Office
from tests.support.stack import MakeStack, Row, Stack

pytestmark = pytest.mark.guarantee

CALLS = {"tool": "tool_call", "model": "model_call", "local": "local_work"}


@pytest.fixture
def own_lines() -> Iterator[list[dict[str, Any]]]:
    """The JSON lines this process logs, which here stands for the web process."""
    lines: list[dict[str, Any]] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(json.loads(logs.JsonLine().format(record)))

    keep = Keep()
    logs.LOGGER.addHandler(keep)
    level, logs.LOGGER.level = logs.LOGGER.level, logging.INFO
    yield lines
    logs.LOGGER.removeHandler(keep)
    logs.LOGGER.setLevel(level)


def family(stack: Stack, run_id: UUID) -> list[UUID]:
    """A claim's run and those of its documents."""
    return [row["id"] for row in stack.all("SELECT id FROM runs WHERE id = %s OR parent_run_id = %s", run_id, run_id)]


def test_the_logs_of_a_claim_match_its_journal_one_to_one(
    make_stack: MakeStack, own_lines: list[dict[str, Any]]
) -> None:
    stack = make_stack()
    stack.workers(2)
    stack.beat()
    with closing(Office(stack)) as office:
        run_id = office.settled()
    runs = family(stack, run_id)
    moves = sum(len(stack.moves(one)) for one in runs)

    def told() -> list[dict[str, Any]] | None:
        """The lines, when the last move, which is logged after its commit, has its own."""
        lines = own_lines + [line for program in stack.programs for line in program.lines()]
        known = {str(one) for one in runs}
        mine = [line for line in lines if line.get("kind") == "transition" and line.get("run_id") in known]
        return lines if len(mine) >= moves else None

    logged = stack.wait(told, "every move to have its line")
    for one in runs:
        mine = [line for line in logged if line.get("run_id") == str(one)]
        assert_transitions_match(stack.moves(one), [line for line in mine if line["kind"] == "transition"])
        for kind, line_kind in CALLS.items():
            rows = [row for row in stack.checkpoints(one) if row["kind"] == kind]
            assert_calls_match(stack, rows, [line for line in mine if line["kind"] == line_kind])


def assert_transitions_match(moves: list[Row], lines: list[dict[str, Any]]) -> None:
    def told(m: Row) -> tuple[Any, ...]:
        return m["seq"], m["event"], m["from_status"] or "", m["to_status"], m["to_state"], m["actor"], m["created_at"]

    def said(line: dict[str, Any]) -> tuple[Any, ...]:
        at = datetime.fromisoformat(line["timestamp"])
        return line["seq"], line["event"], line["from_status"], line["to_status"], line["to_state"], line["actor"], at

    assert sorted(map(told, moves)) == sorted(map(said, lines))
    reasons = {m["seq"]: logs.mask(restore(m["reason"])) for m in moves}
    assert all(line["reason"] == reasons[line["seq"]] for line in lines)


def assert_calls_match(stack: Stack, rows: list[Row], lines: list[dict[str, Any]]) -> None:
    by_place = {(line["step_seq"], line["call_seq"]): line for line in lines}
    assert len(by_place) == len(lines) == len(rows)
    for row in rows:
        line = by_place[row["step_seq"], row["call_seq"]]
        assert (line["name"], line["status"], line["step"]) == (row["name"], row["status"], row["step_name"])
        assert datetime.fromisoformat(line["timestamp"]) == row["completed_at"]
        assert line["latency_ms"] == pytest.approx(row["latency_ms"])
        for side in ("input", "output"):
            assert canonical(line[side]) == canonical(logs.mask(whole(stack, row[side]))), (row["name"], side)


def whole(stack: Stack, payload: Any) -> Any:
    """A payload with its reference resolved."""
    if isinstance(payload, dict) and "$blob" in payload:
        content = stack.all("SELECT content FROM blobs WHERE sha256 = %s", payload["$blob"])[0]["content"]
        return restore(json.loads(bytes(content)))
    return restore(payload)


def test_any_past_moment_of_a_claim_is_shown_as_it_was(make_stack: MakeStack) -> None:
    stack = make_stack()
    stack.workers(1)
    stack.beat()
    columns = "r.updated_at AS at, r.state, r.status, r.transition_seq, d.data"
    query = f"SELECT {columns} FROM runs r JOIN run_data d ON d.run_id = r.id WHERE r.id = %s"
    with closing(Office(stack)) as office:
        sample = office.sample("clean")
        run_id = office.submit(sample.folder, sample.key)
        seen: dict[int, Row] = {}

        def snapshot(status: str) -> bool:
            row = stack.all(query, run_id)[0]
            seen.setdefault(row["transition_seq"], row)
            return str(row["status"]) == status

        stack.wait(lambda: snapshot("WAITING_FOR_HUMAN"), "the review")
        office.settle(run_id)
        stack.wait(lambda: snapshot("COMPLETE"), "the ending")
        assert len(seen) > 5
        with office.rt.database.transaction() as db:
            for row in seen.values():
                moment = history.stood_at(db, run_id, row["at"])
                assert moment is not None
                assert (moment.state, moment.status, moment.transition_seq) == (
                    row["state"],
                    row["status"],
                    row["transition_seq"],
                )
                assert moment.data == restore(row["data"])


def test_claims_whose_workers_are_killed_again_and_again_are_each_paid_and_answered_once(make_stack: MakeStack) -> None:
    stack = make_stack()
    workers = stack.workers(2, kept=True)
    stack.beat()
    with closing(Office(stack)) as office:
        samples = [office.sample("clean", nth) for nth in (1, 2)]
        run_ids = [office.submit(sample.folder, sample.key) for sample in samples]
        for moves in (4, 9, 14):
            stack.wait(partial(moved_on, stack, run_ids[0], moves), "some progress")
            stack.until_the_dead_are_known()
            workers[moves % 2].kill()
            stack.tend()
        for run_id in run_ids:
            office.settle(run_id)
        stack.wait(
            lambda: (
                stack.run(run_ids[0])["state"] in ("SETTLING", "DRAFTING_LETTER", "SENDING_CORRESPONDENCE", "COMPLETE")
            ),
            "the payment",
        )
        stack.until_the_dead_are_known()
        workers[0].kill()
        stack.until_complete(*run_ids)
        for run_id in run_ids:
            claim = office.data(run_id)["claim_number"]
            paid = stack.payments.rows(f"SELECT amount FROM payments WHERE claim = '{claim}'")
            sent = stack.payments.rows(f"SELECT 1 FROM letters WHERE claim = '{claim}' AND kind = 'settlement'")
            assert (len(paid), len(sent)) == (1, 1)
            assert stack.run(run_id)["crash_attempts"] == 0


def moved_on(stack: Stack, run_id: UUID, moves: int) -> bool:
    return len(stack.moves(run_id)) >= moves or str(stack.run(run_id)["status"]) == "WAITING_FOR_HUMAN"


def hostile_papers(folder: Path, real: Path) -> None:
    """An empty file, an encrypted PDF, a cut-off one, a bomb, a file that only says it is a PDF."""
    folder.mkdir()
    (folder / "empty.pdf").write_bytes(b"")
    (folder / "not really.pdf").write_bytes(b"\x00\xff\xfe no PDF at all \x00")
    (folder / "cut off.pdf").write_bytes(real.read_bytes()[:700])
    writer = PdfWriter()
    writer.append(PdfReader(real))
    writer.encrypt("secret", algorithm="RC4-128")
    writer.write(folder / "locked.pdf")
    bomb = zlib.compress(zlib.compress(b"\x00" * 300_000_000))
    stream = b"<< /Length %d /Filter [/FlateDecode /FlateDecode] >>\nstream\n%b\nendstream" % (len(bomb), bomb)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R >>",
        stream,
    ]
    body = b"".join(b"%d 0 obj\n%b\nendobj\n" % (n, o) for n, o in enumerate(objects, 1))
    (folder / "bomb.pdf").write_bytes(b"%PDF-1.7\n" + body + b"trailer\n<< /Root 1 0 R >>\n%%EOF\n")


def test_a_folder_of_hostile_documents_ends_with_a_reason_and_never_in_a_crash_loop(
    make_stack: MakeStack, tmp_path: Path
) -> None:
    stack = make_stack()
    (worker,) = stack.workers(1)
    stack.beat()
    with closing(Office(stack)) as office:
        real = next(office.sample("clean").folder.glob("*.pdf"))
        hostile_papers(tmp_path / "claim", real)
        run_id = office.submit(tmp_path / "claim")
        row = stack.until_status(run_id, "WAITING_FOR_EVENT", "WAITING_FOR_HUMAN")
        data = office.data(run_id)
    assert row["waiting_reason"]
    unreadable = {ref["filename"]: ref["sentence"] for ref in data["documents"] if ref["status"] == "unreadable"}
    assert len(unreadable) == 5
    assert all(unreadable.values())
    assert "UNREADABLE_DOCUMENT" in {finding["code"] for finding in data["findings"]}
    assert worker.alive
    assert all(stack.run(one)["crash_attempts"] == 0 for one in family(stack, run_id))


def test_a_claim_sent_as_one_e_mail_is_the_claim_of_its_attachments(make_stack: MakeStack, tmp_path: Path) -> None:
    stack = make_stack()
    stack.workers(1)
    stack.beat()
    with closing(Office(stack)) as office:
        sample = office.sample("clean")
        message = EmailMessage()
        message["From"], message["Message-ID"] = "claimant@example.org", "<1@example.org>"
        message.set_content("Please find my papers attached.")
        for paper in sorted(sample.folder.glob("*.pdf")):
            message.add_attachment(paper.read_bytes(), maintype="application", subtype="pdf", filename=paper.name)
        (tmp_path / "claim").mkdir()
        (tmp_path / "claim" / "my papers.eml").write_bytes(message.as_bytes())
        run_id = office.submit(tmp_path / "claim")
        stack.until_status(run_id, "WAITING_FOR_HUMAN")
        data = office.data(run_id)
    kinds = {ref["filename"]: ref["kind"] for ref in data["documents"]}
    assert set(kinds) == {"my papers.eml", *(paper.name for paper in sample.folder.glob("*.pdf"))}
    assert {"claim_form", "police_report", "repair_estimate"} <= set(kinds.values())
    assert (data["missing"], [f["code"] for f in data["findings"] if f["severity"] != "info"]) == ([], [])
    listed = {row["sha256"] for row in stack.all("SELECT sha256 FROM documents WHERE run_id = %s", run_id)}
    assert listed == {ref["sha256"] for ref in data["documents"]}
