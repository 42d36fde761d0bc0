"""A letter goes to whom it was approved for, byte for byte as it was approved: the database compares both at the intent."""

from __future__ import annotations

import json

import psycopg
import pytest

from app.humans.complete import complete
from tests.actions.conftest import Bureau
from tests.actions.test_roles import FORGED_INTENT, attempt

APPROVED = {"recipient": "Ada Ferncastle", "sha256": "ab" * 32}


@pytest.mark.parametrize(
    "sent",
    [
        "'{}'",
        """'{"recipient": "Ada Ferncastle"}'""",
        f"""'{{"sha256": "{APPROVED["sha256"]}"}}'""",
        f"""'{{"recipient": "Eve", "sha256": "{APPROVED["sha256"]}"}}'""",
        """'{"recipient": "Ada Ferncastle", "sha256": "another"}'""",
    ],
)
def test_what_is_sent_is_what_was_approved(bureau: Bureau, sent: str) -> None:
    run_id = bureau.begin(content=APPROVED)
    complete(bureau.journey.rt, bureau.task(run_id)["id"], by="ada", outcome="pay", answer={})
    action = bureau.action(run_id)
    assert (action["status"], action["content"]) == ("APPROVED", APPROVED)
    with pytest.raises(psycopg.Error) as refused:
        attempt(bureau, "worker", FORGED_INTENT.replace("'claim', claim)", f"'claim', claim) || {sent}::jsonb"))
    assert refused.value.sqlstate == "LH001"
    attempt(bureau, "worker", FORGED_INTENT.replace("'claim', claim)", "'claim', claim) || content"))


@pytest.mark.parametrize("changed", [{"sha256": "another"}, {"recipient": "Eve"}])
def test_other_bytes_or_another_recipient_are_another_action(bureau: Bureau, changed: dict[str, str]) -> None:
    """The content is part of the digest: an approval is of this letter to this recipient and of no other."""
    run_id = bureau.begin(content=APPROVED)
    complete(bureau.journey.rt, bureau.task(run_id)["id"], by="ada", outcome="pay", answer={})
    bureau.journey.tamper(f"UPDATE actions SET content = content || '{json.dumps(changed)}'")
    with pytest.raises(psycopg.Error) as refused:
        attempt(bureau, "worker", FORGED_INTENT.replace("'claim', claim)", "'claim', claim) || content"))
    assert refused.value.sqlstate == "LH001"
