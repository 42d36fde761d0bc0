"""What needs somebody who may sign off: the database looks up which roles may, and only the owner says it."""

from __future__ import annotations

import psycopg
import pytest

from app.humans.complete import complete
from app.store.database import Role
from tests.actions.conftest import Bureau
from tests.actions.test_roles import attempt

STANDS = """SELECT approval_stands(p, a) AS payment, approval_stands(p, jsonb_populate_record(a, '{"purpose": "denial_letter"}')) AS denial
FROM approvals p JOIN actions a ON a.id = p.action_id"""


def test_a_denial_stands_by_who_may_sign_off_alone(bureau: Bureau) -> None:
    run_id = bureau.begin()
    complete(bureau.journey.rt, bureau.task(run_id)["id"], by="ada", outcome="pay", answer={})
    assert bureau.journey.one(STANDS) == {"payment": True, "denial": False}
    bureau.journey.tamper("INSERT INTO role_rights VALUES ('adjuster', 'sign off')")
    assert bureau.journey.one(STANDS) == {"payment": True, "denial": True}


@pytest.mark.parametrize("role", ["worker", "web"])
def test_no_process_can_give_a_role_a_right(bureau: Bureau, role: Role) -> None:
    for statement in (
        "INSERT INTO role_rights VALUES ('adjuster', 'sign off')",
        "UPDATE role_rights SET role = 'adjuster'",
        "DELETE FROM role_rights",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            attempt(bureau, role, statement)
