"""What stopped, as an operator works it off in a browser: retried, redriven, triaged in bulk after a trial, given up after a second
thought; each with a reason that the run's history keeps.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Page, expect

from app.core.errors import Transient, Unrecoverable
from app.engine.step.step import run_step
from app.settings import Settings
from app.store.database import Database
from tests.support.browsing import serving, sign_in, tab_to
from tests.web.complaints import ARCHIVE, FETCH, Desk
from tests.web.test_operations import CARL, moved, status

pytestmark = pytest.mark.browser

LOCKED, GONE = Transient("the shelf is locked"), Unrecoverable("there is no such shelf")
WORKFLOWS = "tests.web.complaints:REVIEW,tests.web.complaints:FETCH"


@pytest.fixture
def carl(browser: Browser, config: Settings, owner: Database, tmp_path: Path) -> Iterator[Page]:
    """The operator, at a browser that runs no script: forms are all they need."""
    with serving(config.database_url, tmp_path / "web", workflows=WORKFLOWS) as site:
        context = browser.new_context(base_url=site, java_script_enabled=False)
        context.set_default_timeout(20_000)
        yield sign_in(context.new_page(), "Carl Vintergard")
        context.close()


@pytest.fixture
def stopped(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> dict[str, UUID]:
    """Runs that stopped, by the customer whose archive is to blame."""
    wrong = {"Ilse": LOCKED, "Jonas": LOCKED, "Karla": GONE, "Lena": GONE, "Mirko": GONE}
    for customer, problem in wrong.items():
        monkeypatch.setitem(ARCHIVE, customer, problem)
    return {customer: desk.file(f"CMP-{customer}", FETCH, customer=customer) for customer in wrong}


def operate(page: Page, run: UUID, verb: str, why: str) -> None:
    """Press one of the operations of a run, with a reason."""
    page.goto(f"/runs/{run}")
    page.get_by_label("Why").fill(why)
    page.get_by_role("button", name=verb).click()


def test_a_run_out_of_tries_is_retried_and_a_dead_letter_redriven(
    carl: Page, desk: Desk, owner: Database, stopped: dict[str, UUID]
) -> None:
    carl.get_by_role("link", name="Dead letters", exact=True).click()
    expect(carl.get_by_role("heading", name="Dead letters 3")).to_be_visible()
    expect(carl.get_by_role("heading", name="Out of tries 2")).to_be_visible()

    for customer, verb, event, other in (
        ("Ilse", "Retry", "retried", "Redrive"),
        ("Karla", "Redrive", "redriven", "Retry"),
    ):
        run = stopped[customer]
        carl.goto("/dead-letters")
        carl.get_by_role("link", name=f"CMP-{customer}").click()
        expect(carl.get_by_role("button", name=other)).to_have_count(0)
        carl.get_by_role("button", name=verb).click()
        expect(carl.get_by_label("Why")).to_be_focused()  # without a reason nothing is sent
        operate(carl, run, verb, f"the shelf of {customer} is back")
        expect(carl.locator("[data-live=head]")).to_contain_text("READY")
        assert moved(owner, run) == {
            "event": event,
            "actor": f"person:{CARL}",
            "reason": f"the shelf of {customer} is back",
        }
        del ARCHIVE[customer]
        run_step(desk.worker, run, 1, workflow=FETCH.name, state="FETCHING")  # the bell was rung in another process
        carl.reload()
        expect(carl.locator("[data-live=head]")).to_contain_text("ended as COMPLETE")
        expect(carl.get_by_role("table", name="Timeline")).to_contain_text(f"the shelf of {customer} is back")
    carl.goto("/dead-letters")
    expect(carl.get_by_role("heading", name="Out of tries 1")).to_be_visible()


def test_many_of_a_kind_are_triaged_after_a_trial(carl: Page, owner: Database, stopped: dict[str, UUID]) -> None:
    dead = [stopped[customer] for customer in ("Karla", "Lena", "Mirko")]
    carl.goto("/dead-letters")
    kind = carl.locator("form.kind").filter(has_text="no such shelf")
    for customer in ("Karla", "Lena"):
        kind.get_by_label(f"Choose CMP-{customer}").check()
    kind.get_by_label("Why").fill("the shelves are found")
    kind.get_by_role("button", name="Preview redrive").click()
    expect(carl.get_by_text("would be done")).to_have_count(2)
    assert [status(owner, run) for run in dead] == ["DEAD_LETTER"] * 3, "a trial does nothing"

    operate(carl.context.new_page(), stopped["Lena"], "Redrive", "I was faster")  # one of them moves on meanwhile
    carl.get_by_role("button", name="Redrive 2").click()
    became = carl.get_by_role("status").filter(has_text="What became of them")
    expect(became.get_by_role("listitem").filter(has_text="CMP-Karla")).to_contain_text("done")
    expect(became.get_by_role("listitem").filter(has_text="CMP-Lena")).to_contain_text("not possible")
    assert [status(owner, run) for run in dead] == ["READY", "READY", "DEAD_LETTER"]
    assert moved(owner, stopped["Lena"])["reason"] == "I was faster"


def test_giving_up_is_thought_over(carl: Page, owner: Database, stopped: dict[str, UUID]) -> None:
    run = stopped["Mirko"]
    for leaves in (True, False):
        operate(carl, run, "Give up", "nobody needs it any more")
        expect(carl.get_by_text("Nothing was done yet.")).to_be_visible()
        assert status(owner, run) == "DEAD_LETTER"
        if leaves:
            carl.get_by_role("link", name="Leave it as it is").click()
        else:
            carl.get_by_role("button", name="Give up for good").click()
        expect(carl.get_by_role("heading", name="CMP-Mirko", level=1)).to_be_visible()
    assert status(owner, run) == "FAILED"
    assert moved(owner, run)["reason"] == "nobody needs it any more"


def test_the_same_and_a_fork_by_keyboard_alone(
    browser: Browser, config: Settings, owner: Database, desk: Desk, stopped: dict[str, UUID], tmp_path: Path
) -> None:
    with serving(config.database_url, tmp_path / "keys", workflows=WORKFLOWS) as site:
        context = browser.new_context(base_url=site)
        context.set_default_timeout(20_000)
        page = sign_in(context.new_page(), "Carl Vintergard")
        keys = page.keyboard
        keys.press("g")
        keys.press("r")
        page.wait_for_url("**/runs")
        keys.press("/")
        keys.type("CMP-Ilse")
        keys.press("Enter")
        page.wait_for_url("**text=CMP-Ilse**")
        keys.press("j")
        keys.press("Enter")
        page.wait_for_url(f"**/runs/{stopped['Ilse']}")
        tab_to(page, "reason")
        keys.type("the shelf is back")
        tab_to(page, "Retry")
        keys.press("Enter")
        expect(page.locator("[data-live=head]")).to_contain_text("READY")
        assert moved(owner, stopped["Ilse"])["reason"] == "the shelf is back"

        tab_to(page, "1 · FETCHING")
        keys.press("Tab")
        keys.type("to see it from the start")
        tab_to(page, "Fork")
        keys.press("Enter")
        expect(page.get_by_text("forked from")).to_have_count(2)  # in its head and as the reason of its first move
        (fork,) = _forks(owner, stopped["Ilse"])
        assert page.url.endswith(f"/runs/{fork}")

        tab_to(page, "Dead letters")
        keys.press("Enter")
        page.wait_for_url("**/dead-letters")
        tab_to(page, f"run.{stopped['Karla']}")
        keys.press("Space")
        tab_to(page, "reason")
        keys.type("found")
        tab_to(page, "Preview redrive")
        keys.press("Enter")
        expect(page.get_by_text("would be done")).to_have_count(1)
        tab_to(page, "Redrive 1")
        keys.press("Enter")
        expect(page.get_by_role("status").filter(has_text="What became of them")).to_contain_text("done")
        assert moved(owner, stopped["Karla"])["reason"] == "found"
        context.close()


def _forks(owner: Database, run: UUID) -> list[UUID]:
    with owner.transaction() as db:
        return [row["id"] for row in db.execute("SELECT id FROM runs WHERE forked_from = %s", [run]).fetchall()]
