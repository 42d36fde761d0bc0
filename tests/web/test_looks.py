"""Every page is one that anybody can use: on a desk and on a phone, in light and in dark, empty, full, and with what strangers wrote."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from app.core.errors import Transient, Unrecoverable
from app.engine.process.refusals import refused
from app.settings import Settings
from app.store.database import connect
from app.store.records import refused as refused_messages
from tests.support.claims_desk import ClaimsDesk, claims_desk
from tests.support.dispatchers import SilentDispatcher
from tests.web.complaints import ARCHIVE, FETCH, Desk, runtime
from tests.web.looks import Looker

pytestmark = pytest.mark.browser

INES, TOMAS, SAMUEL, NOOR, ELISE, AVERY = "Ines", "Tomas", "Samuel", "Noor", "Elise", "Avery"
NOBODY = ""
LONG = "W" * 190  # one word that fits on no screen


@contextmanager
def stopping(claims: ClaimsDesk) -> Iterator[Desk]:
    """A desk beside the claims, whose runs fail as they are told to."""
    config = Settings(database_url=claims.url, data_dir=claims.folder / "data")
    bells = SilentDispatcher()
    worker = runtime(config, "worker", bells)
    try:
        yield Desk(worker, bells)
    finally:
        worker.database.close()


def settle(page: Page) -> None:
    """Answer a task with what it proposes."""
    page.get_by_label("Why", exact=True).fill("It is all there.")
    page.get_by_role("button", name="Settle").click()


def ask_to_cancel(page: Page) -> None:
    """Ask for what ends a run; a page asks once more."""
    page.get_by_label("Why").fill("sent twice")
    page.get_by_role("button", name="Cancel").click()


def try_a_retry(page: Page) -> None:
    """Ask for a trial of what stopped."""
    form = page.get_by_role("form").filter(has_text="Out of tries").or_(page.locator("form.kind").last)
    form.get_by_role("checkbox").first.check()
    form.get_by_label("Why").fill("unlocked")
    form.get_by_role("button", name="Preview retry").click()


@pytest.mark.timeout(900)  # fifty pages, each at six widths and in two schemes
def test_every_page_is_usable_on_desk_and_phone_in_light_and_dark(
    browser: Browser, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        claims_desk(
            database_url, tmp_path / "claims", workflows="tests.web.complaints:REVIEW,tests.web.complaints:FETCH"
        ) as claims,
        stopping(claims) as desk,
    ):
        looks = Looker(browser, claims.site)
        empty = (
            "/",
            "/runs",
            "/inbox",
            "/inbox?tab=mine",
            "/inbox?tab=snoozed",
            "/alerts",
            "/dead-letters",
            "/refused",
            "/account",
            "/keys",
            "/api",
        )
        looks.visit(NOOR, empty)
        looks.visit(NOBODY, ("/sign-in",))

        done, waits, opened = (
            claims.submit(s) for s in ("over_authority", "missing_police_report", "date_of_loss_conflict")
        )
        task = claims.task(done)
        late = looks.person(INES).new_page()
        late.goto(f"/tasks/{task}")
        looks.after(TOMAS, f"/tasks/{task}", settle)
        settle(late)
        looks.look(late, "a task somebody else answered first")
        claims.work()
        signs_off = claims.task(done)
        with connect(claims.url, "owner") as db:
            looks.person(SAMUEL)
            db.execute(
                "UPDATE sessions SET stepped_up_at = stepped_up_at - interval '1 hour' WHERE username LIKE 'samuel%'"
            )
        looks.visit(SAMUEL, (f"/tasks/{signs_off}",))
        looks.visit(ELISE, (f"/tasks/{claims.task(opened)}", f"/runs/{waits}"))

        for name, wrong in (
            ("Ilse", Transient("locked")),
            ("Jonas", Unrecoverable("gone")),
            (LONG, Unrecoverable(LONG)),
        ):
            monkeypatch.setitem(ARCHIVE, name, wrong)
        tired, dead, wide = (desk.file(f"CMP-{name}", FETCH, customer=name) for name in ("Ilse", "Jonas", LONG))
        worded = desk.file(f"CMP-2-{LONG}", customer=LONG, words=LONG, compare=[LONG])
        runs = [f"/runs/{each}" for each in (done, waits, tired, dead, wide, worded)]
        model = _one(
            claims, "SELECT step_seq || '-' || call_seq FROM checkpoints WHERE run_id = %s AND kind = 'model'", done
        )
        events = (f"{runs[0]}?at=3", f"{runs[0]}/events/call-{model}", f"{runs[0]}/events/transition-3")
        with connect(claims.url, "owner") as db, db.transaction():
            what: dict[str, Any] = {
                "queue": LONG,
                "name": LONG,
                "reason": LONG * 3,
                "said": {"task": LONG, "id": "x y"},
            }
            refused_messages.note(db, [refused("bell", **what), refused("start", **what | {"queue": "intake"})])
        looks.visit(
            NOOR,
            (
                "/",
                "/runs",
                "/runs?text=none&late=1",
                "/alerts",
                "/dead-letters",
                "/refused",
                "/inbox?tab=all",
                *runs,
                *events,
            ),
        )
        looks.after(NOOR, runs[1], ask_to_cancel)
        looks.after(NOOR, "/dead-letters", try_a_retry)
        looks.visit(INES, ("/inbox", f"/tasks/{claims.task(opened)}", f"/tasks/{claims.task(worded)}"))
        looks.visit(AVERY, ("/people",))

        made = looks.after(INES, runs[1], lambda page: page.get_by_role("button", name="Make a link").click())
        link = made.get_by_label("Send this to the claimant").input_value()
        looks.visit(NOBODY, (link,))
        report = claims.sample("clean").folder / "Police Report.pdf"
        sent = looks.after(NOBODY, link, lambda page: page.get_by_label("Your files").set_input_files(report))
        sent.get_by_role("button", name="Send").click()
        sent.get_by_text("Thank you").wait_for()
        looks.look(sent, "the claimant's page, after a file was sent")
        with connect(claims.url, "owner") as db:
            db.execute("UPDATE upload_links SET expires_at = app_now()")
        looks.visit(NOBODY, (link, "/c/none"), status=404)

        looks.visit(NOOR, ("/nowhere",), status=404)
        looks.visit(INES, ("/people",), status=403)
        looks.visit(NOOR, (f"{runs[0]}?at=never",), status=400)
        looks.visit(NOOR, ("/sign-out",), status=405)
        looks.close()
    assert looks.seen > 40
    assert not looks.wrong, "\n".join(looks.wrong)


def _one(claims: ClaimsDesk, query: str, run_id: object) -> str:
    with connect(claims.url, "owner") as db:
        row = db.execute(f"SELECT ({query} LIMIT 1) AS found", [run_id]).fetchone()
    assert row is not None
    return str(row["found"])
