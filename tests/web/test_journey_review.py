"""A claim from the inbox to its payment, as people do it in a browser: reviewed, signed off by another, raced for; and with
nothing but a keyboard.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from app.insurance import intake
from app.store.database import connect
from tests.documents.pdfs import pdf_of
from tests.support.browsing import focused, sign_in, tab_to
from tests.support.claims_desk import ClaimsDesk, claims_desk
from tests.web.axe import violations
from tests.web.looks import SCHEMES, Looker

pytestmark = pytest.mark.browser
expect.set_options(timeout=20_000)

TOMAS, GRETA, SAMUEL = "Tomas Okunfield", "Greta Marlowski", "Samuel Brightmoor"


@pytest.fixture
def claims(database_url: str, tmp_path: Path) -> Iterator[ClaimsDesk]:
    with claims_desk(database_url, tmp_path / "claims") as desk:
        yield desk


@pytest.fixture
def person(browser: Browser, claims: ClaimsDesk) -> Iterator[Callable[[str], Page]]:
    """Somebody at a browser of their own, signed in; whatever their pages complain of fails the test."""
    opened: list[BrowserContext] = []
    complaints: list[str] = []

    def arrive(name: str) -> Page:
        context = browser.new_context(base_url=claims.site, viewport={"width": 1440, "height": 900})
        context.set_default_timeout(20_000)
        opened.append(context)
        page = context.new_page()
        page.on("pageerror", lambda problem: complaints.append(str(problem)))
        page.on(
            "console", lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None
        )
        return sign_in(page, name)

    yield arrive
    for context in opened:
        context.close()
    assert complaints == []


def test_a_claim_is_reviewed_and_signed_off_by_two_people(claims: ClaimsDesk, person: Callable[[str], Page]) -> None:
    run = claims.submit("over_authority")
    tomas, samuel = person(TOMAS), person(SAMUEL)

    tomas.goto("/inbox")
    tomas.get_by_role("link", name="Review claim").click()
    assert tomas.get_by_text("rules, no model").is_visible()
    assert tomas.get_by_text("suggestion, not a decision").is_visible()
    assert tomas.get_by_text("below the").first.is_visible(), "the limit is told before one tries"
    assert tomas.locator("svg.sheet-of-paper rect.mark").count() > 2
    tomas.get_by_role("button", name="Claim task", exact=True).click()
    tomas.get_by_label("Why", exact=True).fill("Everything agrees with the policy.")
    amount = tomas.get_by_label("Amount to pay").input_value()
    expect(tomas.get_by_text("Draft saved at")).to_be_visible()
    tomas.get_by_role("button", name="Settle").click()
    expect(tomas.get_by_role("heading", name="answered “Settle”")).to_be_visible()
    claims.work()
    assert claims.paid() == [], "nothing is paid on one signature above its limit"

    tomas.goto(f"/tasks/{claims.task(run)}")
    assert tomas.get_by_text("This task is for the role supervisor").is_visible()
    samuel.goto("/inbox")
    samuel.get_by_role("link", name="Sign off claim").click()
    assert samuel.get_by_text("Tomas Okunfield, Adjuster II decided to settle").is_visible()
    assert samuel.get_by_text("Everything agrees with the policy.").first.is_visible()
    assert samuel.get_by_text("claim_assessment/1").is_visible(), "who suggested, not who drafted the letter since"
    sees_the_letter(samuel)
    samuel.get_by_label("Why", exact=True).fill("Agreed.")
    samuel.get_by_role("button", name="Settle").click()
    expect(samuel.get_by_role("heading", name="answered “Settle”")).to_be_visible()
    claims.work()
    assert claims.status(run) == "COMPLETE"
    (paid,) = claims.paid()
    assert str(paid[1]) == amount


def sees_the_letter(page: Page) -> None:
    """The letter itself, drawn, with whom it goes to and a way to its bytes."""
    letter = page.locator("figure.letter")
    assert letter.get_by_text("exactly this is sent, or nothing").is_visible()
    picture = letter.get_by_role("img", name="First page of the letter")
    picture.scroll_into_view_if_needed()
    picture.evaluate("image => image.decode()")  # raises if it cannot be drawn
    with page.expect_download() as saved:
        letter.get_by_role("link", name="Save the letter").click()
    sha256 = letter.locator("code").inner_text()
    assert hashlib.sha256(Path(saved.value.path()).read_bytes()).hexdigest() == sha256
    assert violations(page) == []


def test_the_same_by_keyboard_alone(claims: ClaimsDesk, person: Callable[[str], Page]) -> None:
    run = claims.submit("over_authority")
    tomas, samuel = person(TOMAS), person(SAMUEL)
    keys = tomas.keyboard

    keys.press("?")
    expect(tomas.get_by_role("dialog", name="Keys")).to_be_visible()
    keys.press("Escape")
    keys.press("g")
    keys.press("r")
    tomas.wait_for_url("**/runs")
    keys.press("g")
    keys.press("i")
    tomas.wait_for_url("**/inbox")
    keys.press("/")
    keys.type("CLM-")
    keys.press("Enter")
    tomas.wait_for_url("**text=CLM-**")
    keys.press("j")
    assert focused(tomas).startswith("Review claim")
    keys.press("k")
    assert focused(tomas).startswith("Review claim"), "the first row has nothing before it"
    keys.press("c")
    tomas.wait_for_url("**/tasks/**")
    expect(tomas.get_by_role("button", name="Release task")).to_be_visible()
    tab_to(tomas, "Show it")
    keys.press("Enter")
    tomas.wait_for_url(lambda address: "document=" in address)
    assert focused(tomas).startswith("Show it"), "the focus stays where it was when a page turns"
    tab_to(tomas, "answer.comment")
    keys.type("Everything agrees. jk?/c g i")
    tab_to(tomas, "Settle")
    keys.press("Enter")
    expect(tomas.get_by_role("heading", name="answered “Settle”")).to_be_visible()
    claims.work()

    for place, address in (("a", "**/alerts"), ("i", "**/inbox")):
        samuel.keyboard.press("g")
        samuel.keyboard.press(place)
        samuel.wait_for_url(address)
    samuel.keyboard.press("j")
    samuel.keyboard.press("Enter")
    samuel.wait_for_url("**/tasks/**")
    tab_to(samuel, "answer.comment")
    samuel.keyboard.type("Agreed.")
    tab_to(samuel, "Settle")
    samuel.keyboard.press("Space")
    expect(samuel.get_by_role("heading", name="answered “Settle”")).to_be_visible()
    claims.work()
    assert claims.status(run) == "COMPLETE"


def test_two_adjusters_race_and_the_second_sees_the_first(claims: ClaimsDesk, person: Callable[[str], Page]) -> None:
    run = claims.submit("over_authority")
    task = claims.task(run)
    tomas, greta = person(TOMAS), person(GRETA)
    for each, why in ((tomas, "It is all there."), (greta, "I would pay less.")):
        each.goto(f"/tasks/{task}")
        each.get_by_label("Why", exact=True).fill(why)
    greta.get_by_label("Amount to pay").fill("100.00")
    tomas.get_by_role("button", name="Settle").click()
    expect(tomas.get_by_role("heading", name="answered “Settle”")).to_be_visible()
    greta.get_by_role("button", name="Settle").click()
    expect(greta.get_by_role("alert")).to_contain_text("already answered")
    table = greta.get_by_role("table", name="What you wrote")
    expect(table.get_by_role("row", name="Why")).to_contain_text("It is all there.")
    expect(table.get_by_role("row", name="Why")).to_contain_text("I would pay less.")
    expect(table.get_by_role("row", name="Amount to pay")).to_contain_text("differs")
    with connect(claims.url, "owner") as db:
        events = db.execute("SELECT event FROM human_task_events WHERE task_id = %s", [task]).fetchall()
    assert [e["event"] for e in events].count("completed") == 1
    assert violations(greta) == []


def test_an_open_page_is_told_and_nothing_moves(claims: ClaimsDesk, person: Callable[[str], Page]) -> None:
    run = claims.submit("date_of_loss_conflict")
    tomas, greta = person(TOMAS), person(GRETA)
    task = claims.task(run)
    greta.goto("/inbox")
    greta.keyboard.press("j")
    claims.submit("vin_check_digit")
    pill = greta.get_by_text("1 new")
    expect(pill).to_be_visible()
    assert "date_of_loss" in focused(greta).lower(), "the focus stays"
    assert greta.locator("[data-row]").count() == 1, "nothing jumps in"
    greta.get_by_role("button", name="Show", exact=True).click()
    expect(greta.locator("[data-row]")).to_have_count(2)
    assert not pill.is_visible()

    tomas.goto(f"/tasks/{task}")
    tomas.get_by_label("Why", exact=True).fill("Half a thought")
    intake.upload(claims.worker, run, [("second_report.pdf", pdf_of("Date of accident: 2026-09-26"))], actor="claimant")
    expect(tomas.get_by_text("This task has changed.")).to_be_visible()
    assert tomas.get_by_label("Why", exact=True).input_value() == "Half a thought"
    assert tomas.evaluate("document.activeElement.name") == "answer.comment"
    tomas.get_by_role("button", name="Show it as it is now").click()
    expect(tomas.get_by_role("heading", name="New evidence came in")).to_be_visible()
    expect(tomas.get_by_label("Why", exact=True)).to_have_value("Half a thought")
    assert tomas.get_by_text("second_report.pdf").first.is_visible()


def test_axe_finds_nothing(browser: Browser, claims: ClaimsDesk) -> None:
    task = f"/tasks/{claims.task(claims.submit('date_of_loss_conflict'))}"
    looks = Looker(browser, claims.site)
    looks.visit(TOMAS, ("/inbox", "/inbox?tab=mine", "/inbox?tab=all", task))
    unfold = "document.querySelectorAll('details').forEach(each => each.open = true)"
    page = looks.after(TOMAS, task, lambda page: page.evaluate(unfold))
    page.get_by_role("button", name="Refer to siu").click()
    assert page.get_by_role("alert").is_visible()
    looks.look(page, "a task refused for what is not filled in")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("button", name="Keys").click()
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        looks.wrong += violations(page)
    looks.close()
    assert not looks.wrong, "\n".join(looks.wrong)
