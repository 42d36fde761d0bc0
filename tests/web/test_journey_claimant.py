"""A claimant's journey in a real browser: from the adjuster's link to the claim that goes on, with real workers."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Literal
from uuid import UUID

import pytest
from playwright.sync_api import Browser, FileChooser, Page, expect

from app.insurance.demo.staff import DEMO_ADJUSTER
from tests.support.browsing import serving, sign_in, tab_to
from tests.support.claimants import PDF, post_office
from tests.support.claims import Office
from tests.support.stack import MakeStack
from tests.support.waiting import wait_for

pytestmark = pytest.mark.browser


def visit(browser: Browser, site: str, **more: object) -> Page:
    """A page of a browser that was never here."""
    context = browser.new_context(base_url=site, **more)  # type: ignore[arg-type]
    context.set_default_timeout(15_000)
    return context.new_page()


def make_link(browser: Browser, site: str, run_id: UUID) -> tuple[Page, str]:
    """The adjuster, and the link they made on the run's page."""
    adjuster = sign_in(visit(browser, site), DEMO_ADJUSTER.display_name)
    adjuster.goto(f"/runs/{run_id}")
    adjuster.get_by_role("button", name="Make a link").click()
    url = adjuster.get_by_label("Send this to the claimant").input_value()
    adjuster.get_by_role("link", name="Back to the run").click()
    return adjuster, url


def test_a_claimant_sends_by_link_what_is_asked_and_the_claim_goes_on(
    browser: Browser, make_stack: MakeStack, tmp_path: Path
) -> None:
    stack = make_stack()
    stack.workers(1)
    stack.beat()
    with closing(Office(stack)) as office, serving(stack.database_url, stack.folder / "data") as site:
        run_id = office.submit(office.sample("missing_police_report").folder)
        stack.until_status(run_id, "WAITING_FOR_EVENT")
        adjuster, url = make_link(browser, site, run_id)
        expect(adjuster.get_by_text("waits for the claimant to send: police report").first).to_be_visible()

        claimant = visit(browser, site)
        complaints = list[str]()
        claimant.on("console", lambda message: complaints.append(message.text))
        claimant.goto(url)
        expect(claimant.get_by_role("heading", name="What we need from you")).to_be_visible()
        expect(claimant.get_by_text("police report", exact=True)).to_be_visible()
        claimant.get_by_label("Your files").set_input_files(office.sample("clean").folder / "Police Report.pdf")
        claimant.get_by_role("button", name="Send").click()
        expect(claimant.get_by_text("Thank you. We have received:")).to_be_visible()
        expect(claimant.get_by_role("heading", name="What we have received from you")).to_be_visible()
        assert claimant.evaluate("document.activeElement.id") == "said", "a screen reader is told what came of it"
        assert claimant.context.cookies() == []
        assert complaints == []

        stack.wait(lambda: stack.run(run_id)["state"] == "AWAITING_HUMAN_REVIEW", "the claim to be reviewed")
        adjuster.reload()
        expect(adjuster.get_by_text("AWAITING_HUMAN_REVIEW").first).to_be_visible()
        expect(adjuster.get_by_role("link", name="Police Report.pdf")).to_be_visible()
        claimant.reload()
        expect(claimant.get_by_role("heading", name="Nothing is needed from you at the moment")).to_be_visible()

        adjuster.get_by_role("button", name="Revoke").click()
        claimant.reload()
        expect(claimant.get_by_role("heading", name="This link cannot be used")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_what_cannot_be_taken_is_said_by_name_with_and_without_scripts(
    browser: Browser, database_url: str, tmp_path: Path, scripts: bool
) -> None:
    (tmp_path / "letter.doc").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"0" * 500)
    (tmp_path / "good.pdf").write_bytes(PDF)
    (tmp_path / "film.pdf").write_bytes(PDF + b"0" * 26 * 1024 * 1024)
    data = tmp_path / "data"
    with (
        post_office(database_url, data) as post,
        serving(database_url, data, workflows="tests.support.awaiting_documents:AWAITING_DOCUMENTS") as site,
    ):
        run_id = post.run()
        claimant, _ = post.link(run_id)
        page = visit(browser, site, java_script_enabled=scripts)
        page.goto(f"/c/{claimant.token}")
        page.get_by_label("Your files").set_input_files([tmp_path / n for n in ("letter.doc", "good.pdf", "film.pdf")])
        if scripts:
            expect(page.get_by_role("alert").filter(has_text="Larger than 25 MB")).to_contain_text("film.pdf")
            page.get_by_label("Your files").set_input_files([tmp_path / n for n in ("letter.doc", "good.pdf")])
        page.get_by_role("button", name="Send").click()
        refused = page.get_by_role("alert").filter(has_text="These could not be taken")
        expect(refused).to_contain_text("letter.doc: it is an old Word or Excel document")
        if not scripts:
            expect(refused).to_contain_text("film.pdf: it is larger than 25 MB")
        expect(page.get_by_role("status").filter(has_text="We have received")).to_contain_text("good.pdf")
        assert post.documents(run_id) == ["good.pdf"]

        page.get_by_label("Add files").set_input_files(tmp_path / "good.pdf")
        page.get_by_role("button", name="Send").press("Enter")
        expect(page.get_by_text("We have these already")).to_be_visible()
        assert post.documents(run_id) == ["good.pdf"]


def test_a_file_is_sent_by_keyboard_alone(browser: Browser, database_url: str, tmp_path: Path) -> None:
    (tmp_path / "good.pdf").write_bytes(PDF)
    data = tmp_path / "data"
    with (
        post_office(database_url, data) as post,
        serving(database_url, data, workflows="tests.support.awaiting_documents:AWAITING_DOCUMENTS") as site,
    ):
        run_id = post.run()
        claimant, _ = post.link(run_id)
        page = visit(browser, site)
        # Heard from the beginning: who asks to hear only while the key is pressed may be too late.
        choosers = list[FileChooser]()
        page.on("filechooser", lambda chooser: choosers.append(chooser))  # noqa: PLW0108 - a builtin cannot be marked as heard
        page.goto(f"/c/{claimant.token}")
        tab_to(page, "files")
        page.keyboard.press("Enter")
        wait_for(lambda: page.title() and choosers, "the browser to ask for files")
        choosers[0].set_files(tmp_path / "good.pdf")
        tab_to(page, "Send")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status").filter(has_text="We have received")).to_contain_text("good.pdf")
        assert post.documents(run_id) == ["good.pdf"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_claimants_page_fits_a_phone(
    browser: Browser, database_url: str, tmp_path: Path, scheme: Literal["light", "dark"]
) -> None:
    data = tmp_path / "data"
    with (
        post_office(database_url, data) as post,
        serving(database_url, data, workflows="tests.support.awaiting_documents:AWAITING_DOCUMENTS") as site,
    ):
        claimant, _ = post.link(post.run("CLM-" + "7" * 120, missing=["x" * 180, "police_report"]))
        page = visit(browser, site, color_scheme=scheme, viewport={"width": 360, "height": 740})
        for path in (f"/c/{claimant.token}", "/c/nothing"):
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
