"""The same loss retyped under another claim number is found though no two files are the same, and stops at a person.

Real workers; the papers say the same and no byte of a whole file is shared, as when somebody prints and sends them anew.
"""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from app.core.errors import NotEntitled
from app.humans.complete import complete
from app.insurance.demo.staff import DEMO_ADJUSTER, DEMO_SUPERVISOR
from tests.support.claims import Office
from tests.support.stack import MakeStack

pytestmark = pytest.mark.guarantee

SECOND = "CLM-SECOND"


def retyped(folder: Path, into: Path) -> Path:
    """The papers of a claim under another number, each of them a file of other bytes."""
    shutil.copytree(folder, into)
    sheet = into / "claim.json"
    sheet.write_text(json.dumps(json.loads(sheet.read_text()) | {"claim": SECOND}))
    for paper in into.glob("*.pdf"):
        paper.write_bytes(paper.read_bytes() + b"\n% printed anew\n")
    return into


def test_the_same_loss_under_another_number_blocks_and_neither_one_person_nor_an_api_key_pays_it(
    make_stack: MakeStack, tmp_path: Path
) -> None:
    stack = make_stack()
    stack.workers(2)
    stack.beat()
    with closing(Office(stack)) as office:
        sample = office.sample("clean")
        first = office.submit(sample.folder)
        office.settle(first)
        stack.until_complete(first)
        amount = office.data(first)["settlement"]["amount"]

        second = office.submit(retyped(sample.folder, tmp_path / "second"))
        review, data = office.task(second), office.data(second)
        codes = {finding["code"]: finding for finding in data["findings"]}
        assert "DUPLICATE_CLAIM" not in codes, "no file is the same"
        assert codes["SAME_LOSS"]["severity"] == "blocking"
        assert sample.claim in codes["SAME_LOSS"]["summary"] and codes["SAME_LOSS"]["summary"] in review.note
        assert data["recommendation"]["outcome"] == "investigate"

        settle = {"comment": "looks right to me", "amount": amount}
        with pytest.raises(NotEntitled, match="key"):
            complete(office.rt, review.id, by=DEMO_ADJUSTER.username, outcome="settle", answer=settle, with_key=True)
        complete(office.rt, review.id, by=DEMO_ADJUSTER.username, outcome="settle", answer=settle)
        sign_off = office.task(second)
        assert sign_off.role == "supervisor" and codes["SAME_LOSS"]["summary"] in sign_off.note
        with pytest.raises(NotEntitled, match="key"):
            complete(
                office.rt,
                sign_off.id,
                by=DEMO_SUPERVISOR.username,
                outcome="settle",
                answer={"comment": "x"},
                with_key=True,
            )
        stack.until_swept("timers", times=2)
        assert stack.run(second)["state"] == "AWAITING_SIGN_OFF"
    assert [row[0] for row in stack.payments.rows("SELECT claim FROM payments")] == [sample.claim]
