"""The overview in a real browser: it refreshes itself in parts, leaves alone what has the focus, and greys what it lost."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from app.settings import Settings
from app.store.database import Database
from tests.support.browsing import serving, sign_in
from tests.support.waiting import wait_for
from tests.web.complaints import Desk

pytestmark = pytest.mark.browser
PATIENCE = 20_000  # milliseconds; the page asks every five seconds


def look(browser: Browser, site: str, *, scripts: bool = True) -> Page:
    """Ada, on the overview."""
    page = sign_in(browser.new_context(base_url=site, java_script_enabled=scripts).new_page(), "Ada Quillmore")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    return page


def test_the_overview_refreshes_itself_but_not_what_has_the_focus(
    browser: Browser, config: Settings, owner: Database, desk: Desk, tmp_path: Path
) -> None:
    desk.file("CMP-1")
    with owner.transaction() as db:
        db.execute("INSERT INTO sweeps VALUES ('retention', app_now(), app_now())")
    with serving(config.database_url, tmp_path / "web") as site:
        page = look(browser, site)
        complaints = list[str]()
        page.on("console", lambda message: complaints.append(message.text))
        tiles, people = page.locator("#part-tiles"), page.locator("#part-people")
        expect(tiles).to_contain_text("1 waits for a person")
        page.locator("#table-steps summary").click()
        oldest = people.get_by_role("link")
        oldest.focus()
        desk.file("CMP-2")
        expect(tiles).to_contain_text("2 wait for a person", timeout=PATIENCE)
        expect(oldest).to_be_focused()
        expect(people.locator("td").first).to_have_text("1")
        expect(page.locator("#table-steps")).to_have_attribute("open", "")
        page.get_by_role("button", name="Pause").focus()
        expect(people.locator("td").first).to_have_text("2", timeout=PATIENCE)
        expect(page.locator("#part-sweeps .done")).to_have_count(1)

        page.get_by_role("button", name="Pause").press("Enter")
        expect(page.get_by_role("status").first).to_contain_text("Paused")
        desk.file("CMP-3")
        page.get_by_role("button", name="Go on").press("Enter")
        expect(tiles).to_contain_text("3 wait for a person", timeout=PATIENCE)
        assert complaints == []
    # The server is gone: nothing on the page is green any more.
    expect(page.get_by_role("status").first).to_contain_text("Not refreshed since", timeout=PATIENCE)
    expect(page.locator("[data-overview]")).to_have_class(re.compile("outdated"))
    green, grey = (
        page.evaluate(f"getComputedStyle(document.querySelector('{what}')).color")
        for what in ("#part-sweeps .done", "#part-sweeps .ready")
    )
    assert green == grey


def test_the_overview_is_whole_without_scripts(
    browser: Browser, config: Settings, owner: Database, desk: Desk, tmp_path: Path
) -> None:
    desk.file("CMP-1")
    with serving(config.database_url, tmp_path / "web") as site:
        page = look(browser, site, scripts=False)
        expect(page.get_by_role("button", name="Pause")).to_have_count(0)
        page.get_by_text("As a table, by the hour").first.click()
        expect(page.locator("#table-steps tbody tr").first).to_be_visible()
        desk.file("CMP-2")

        def two_wait() -> bool:
            page.get_by_role("link", name="Look again").click()
            return "2 wait for a person" in page.locator("#part-tiles").inner_text()

        wait_for(two_wait, "the second task to be seen", every=0.5)  # one look serves all for two seconds
