"""A run found by its number, opened, and looked on at, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from app.settings import Settings
from app.store.database import Database
from tests.support.browsing import serving, sign_in
from tests.web.complaints import Desk
from tests.web.conftest import Visitor, task_of
from tests.web.test_run_page import model_call

pytestmark = pytest.mark.browser


def test_a_run_is_found_read_and_looked_on_at(
    browser: Browser, config: Settings, owner: Database, desk: Desk, ada: Visitor, tmp_path: Path
) -> None:
    run = desk.file("CMP-2026-17")
    desk.file("CMP-2026-18")
    model_call(owner, run, "some-model")
    with serving(config.database_url, tmp_path / "web") as site:
        page = browser.new_context(base_url=site).new_page()
        page.set_default_timeout(15_000)
        complaints = list[str]()
        page.on("console", lambda message: complaints.append(message.text))
        sign_in(page, "Ada Quillmore")
        page.goto("/runs")
        page.get_by_label("Claim, policy").fill("CMP-2026-17")
        page.get_by_role("button", name="Show").click()
        page.get_by_role("link", name="CMP-2026-17", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("CMP-2026-17")
        legend = page.get_by_text("in the queue running").bounding_box()
        assert legend, "what the colours of the bars mean"
        assert legend["width"] > legend["height"], "in lines, not a letter under the other"
        page.get_by_role("link", name="What it saw").click()
        expect(page.get_by_text("No wheels.")).to_be_visible()
        page.go_back()

        expect(page.locator("#news")).to_be_hidden()
        page.get_by_label("Text").focus()
        ada.answer(task_of(owner, run), "pay")
        expect(page.get_by_role("link", name="new event")).to_be_visible()
        desk.work()
        expect(page.locator("[data-live=head]")).to_contain_text("ended as COMPLETE")
        expect(page.get_by_label("Text")).to_be_focused()
        page.get_by_role("link", name="new event").click()
        expect(page.get_by_role("link", name="person answered")).to_be_visible()
        assert complaints == []
        page.context.close()
