"""Refused messages are shown to whoever may look at the machinery: what, where, why, how many, and what they said."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from app.accounts import people
from app.accounts.people import Person
from app.engine.process.refusals import refused
from app.store.database import Database
from app.store.records import refused as store
from tests.web.conftest import Visitor
from tests.web.markup import Page

HOSTILE = "<script>alert(1)</script>\u202egnp"


def refuse(owner: Database) -> None:
    found = [
        refused(
            "start", queue="intake", name="clam", reason="there is no workflow 'clam'", said={"subject": f"CLM-{n}"}
        )
        for n in range(4)
    ]
    found += [refused("bell", queue="steps.paying.v1", name=None, reason="it names no task", said={})]
    found += [refused("bell", queue=HOSTILE, name=HOSTILE, reason=HOSTILE, said={"task": HOSTILE})]
    with owner.transaction() as db:
        store.note(db, found)
        db.execute(
            """INSERT INTO alerts (id, rule, subject, message, opened_at)
               VALUES (gen_random_uuid(), 'messages_refused', 'intake', '4 messages were refused', app_now())"""
        )


def test_refused_messages_stand_by_queue_with_their_reason_number_and_what_they_said(
    owner: Database, carl: Visitor
) -> None:
    refuse(owner)
    page = Page(carl.get("/refused").text)
    assert page.problems == []
    for told in (
        "In intake",
        "clam",
        "there is no workflow 'clam'",
        "subject CLM-3",
        "In steps",
        "it names no task",
        "In an unknown queue",
    ):
        assert told in page.text
    html = carl.get("/refused").text
    assert "<script>alert" not in html and "\u202e" not in html
    alerts = carl.get("/alerts").text
    assert Page(alerts).problems == []
    assert 'href="/refused#intake"' in alerts and 'href="/refused"' in alerts
    assert 'id="intake"' in html, "the alert leads to the queue it is about"


def test_without_any_the_page_says_what_they_are(carl: Visitor) -> None:
    page = Page(carl.get("/refused").text)
    assert page.problems == [] and "No message was refused." in page.text


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("operator", True),
        ("auditor", True),
        ("admin", True),
        ("adjuster", False),
        ("supervisor", False),
        ("siu", False),
    ],
)
def test_operators_auditors_and_administrators_see_refused_messages_and_nobody_else(
    owner: Database, visitor: Callable[[str], Visitor], role: str, may: bool
) -> None:
    refuse(owner)
    with owner.transaction() as db:
        people.enrol(db, Person(f"one.{role}", "One", (role,), Decimal(0)))
    one = visitor(f"one.{role}")
    page = one.get("/refused")
    assert page.status_code == (200 if may else 403)
    assert ("CLM-3" in page.text) is may
    assert ("/refused" in one.get("/alerts").text) is may
