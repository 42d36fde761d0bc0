"""What was typed is not lost, in a real browser: the server away, the session over, two tabs, and the way back after an error."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from app.settings import Settings
from app.store.database import Database
from tests.support.browsing import serving, sign_in
from tests.support.waiting import wait_for
from tests.web.axe import violations
from tests.web.complaints import Desk
from tests.web.conftest import task_of

pytestmark = pytest.mark.browser
expect.set_options(timeout=30_000)
ADA = "Ada Quillmore"

KEPT = "Object.keys(localStorage).filter(key => key.startsWith('longhaul.typed.'))"


@pytest.fixture
def context(browser: Browser, config: Settings, owner: Database, tmp_path: Path) -> Iterator[BrowserContext]:
    with serving(config.database_url, tmp_path / "web") as site:
        opened = browser.new_context(base_url=site)
        opened.set_default_timeout(30_000)
        yield opened
        opened.close()


@pytest.fixture
def run(desk: Desk) -> UUID:
    return desk.file("CMP-1")


@pytest.fixture
def page(context: BrowserContext, owner: Database, run: UUID) -> Page:
    opened = sign_in(context.new_page(), ADA)
    opened.goto(f"/tasks/{task_of(owner, run)}")
    return opened


def test_what_is_typed_while_the_server_is_away_is_sent_when_it_is_back(page: Page, context: BrowserContext) -> None:
    context.set_offline(True)
    page.get_by_label("Why").fill("Written without a server.")
    expect(page.get_by_text("Not saved: the server does not answer.")).to_be_visible()
    context.set_offline(False)
    expect(page.get_by_text("Draft saved at")).to_be_visible()
    context.set_offline(True)
    page.get_by_label("Why").fill("The newest text.")
    expect(page.get_by_text("Not saved: the server does not answer.")).to_be_visible()
    page.goto("about:blank")
    context.set_offline(False)
    page.go_back()
    expect(page.get_by_label("Why")).to_have_value("The newest text.")
    # The browser keeps it until the server has it: sent by the page that was left, or now by this one.
    wait_for(lambda: page.evaluate(KEPT) == [], "the server to have what was typed")
    page.reload()
    expect(page.get_by_label("Why")).to_have_value("The newest text.")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    assert page.evaluate(KEPT) == []


def test_a_session_that_ended_leads_to_sign_in_and_back_to_the_text(page: Page, context: BrowserContext) -> None:
    where = page.url
    context.clear_cookies()
    page.get_by_label("Why").fill("Written after the session.")
    expect(page.get_by_text("the session of this page has ended")).to_be_visible()
    page.get_by_role("link", name="Sign in and go on").click()
    page.wait_for_url("**/sign-in?next=%2Ftasks%2F**")
    sign_in(page, ADA)
    page.goto(where)
    expect(page.get_by_label("Why")).to_have_value("Written after the session.")
    expect(page.get_by_text("Draft saved at")).to_be_visible()


def test_two_tabs_warn_instead_of_writing_over_each_other(page: Page, context: BrowserContext) -> None:
    other = context.new_page()
    other.goto(page.url)
    page.get_by_label("Why").fill("Tab one.")
    expect(page.get_by_text("Draft saved at")).to_be_visible()
    other.get_by_label("Why").fill("Tab two.")
    expect(other.get_by_text("in another tab or window")).to_be_visible()
    assert violations(other) == []
    other.get_by_role("button", name="Keep this text").click()
    expect(other.get_by_text("Draft saved at")).to_be_visible()
    page.get_by_label("Why").fill("Tab one again.")
    page.get_by_role("button", name="Show the other one").click()
    expect(page.get_by_label("Why")).to_have_value("Tab two.")


def test_back_after_an_error_leads_to_the_form_with_its_text(page: Page) -> None:
    where = page.url
    page.get_by_label("Why").fill("Kept through the error.")
    page.get_by_label("Amount to pay").fill("12,50")
    page.get_by_role("button", name="Pay", exact=True).click()
    expect(page.get_by_label("Amount to pay")).to_be_focused()
    assert violations(page) == []
    page.goto("/inbox")
    page.go_back()
    assert page.url == where
    expect(page.get_by_label("Why")).to_have_value("Kept through the error.")
    page.get_by_label("Amount to pay").fill("EUR 1,240.00")
    page.get_by_role("button", name="Pay", exact=True).click()
    expect(page.get_by_role("heading", name="answered “Pay”")).to_be_visible()
    assert page.evaluate(KEPT) == []


def test_a_runs_page_says_since_when_it_is_stale(page: Page, context: BrowserContext, run: UUID) -> None:
    page.goto(f"/runs/{run}")
    expect(page.locator("#stale")).to_be_hidden()
    context.route("**/events*", lambda route: route.abort())
    page.reload()
    expect(page.get_by_role("link", name="Not up to date since")).to_be_visible()
    context.unroute("**/events*")
    expect(page.locator("#stale")).to_be_hidden()
