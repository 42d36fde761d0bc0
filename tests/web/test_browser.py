"""The pages in a real browser, scripts switched off as a careful company would have them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, Route

from app.settings import Settings
from app.store.database import Database
from app.store.human_tasks import human_tasks
from tests.support.browsing import serving, sign_in
from tests.web.complaints import Desk
from tests.web.conftest import task_of
from tests.web.test_markup import HOSTILE

pytestmark = pytest.mark.browser

PHONE, DESKTOP = (360, 740), (1280, 900)


@pytest.fixture
def site(config: Settings, owner: Database, tmp_path: Path) -> Iterator[str]:
    with serving(config.database_url, tmp_path / "web") as address:
        yield address


@pytest.fixture
def context(browser: Browser, site: str) -> Iterator[BrowserContext]:
    opened = browser.new_context(base_url=site, java_script_enabled=False)
    opened.set_default_timeout(15_000)
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return sign_in(context.new_page(), "Ada Quillmore")


def state_of(owner: Database, task: UUID) -> str:
    with owner.transaction() as db:
        row = human_tasks.read(db, task)
    assert row is not None
    return str(row.status)


def test_a_task_is_read_and_completed_without_scripts(page: Page, desk: Desk, owner: Database) -> None:
    task = task_of(owner, desk.file("CMP-1"))
    page.goto("/inbox")
    page.get_by_role("link", name="Review the complaint CMP-1").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Review the complaint CMP-1"
    assert page.get_by_text("invoice.pdf, page 2").first.is_visible()
    page.get_by_role("button", name="Claim task").click()
    assert page.get_by_role("button", name="Release task").is_visible()

    page.get_by_label("Amount to pay").fill("nine hundred")
    page.get_by_role("button", name="Pay", exact=True).click()
    assert page.get_by_role("alert").get_by_text("This is needed.").is_visible()
    assert page.get_by_label("Amount to pay").input_value() == "nine hundred"

    page.get_by_label("Amount to pay").fill("900")
    page.get_by_label("Why").fill("Seen.\nThe photographs agree.")
    page.get_by_label("I have seen the photographs").select_option("No")
    page.get_by_label("Sent on").fill("2026-03-31")
    page.get_by_role("button", name="Pay", exact=True).click()
    assert page.get_by_role("heading", name="Ada Quillmore, Adjuster answered “Pay”").is_visible()
    with owner.transaction() as db:
        row = human_tasks.read(db, task)
    assert row is not None
    assert row.answer is not None
    assert {n: row.answer["values"][n] for n in ("amount", "comment", "seen", "sent_on")} == {
        "amount": "900",
        "comment": "Seen.\nThe photographs agree.",
        "seen": False,
        "sent_on": "2026-03-31",
    }


def test_the_enter_key_decides_nothing(page: Page, desk: Desk, owner: Database) -> None:
    task = task_of(owner, desk.file("CMP-1"))
    page.goto(f"/tasks/{task}")
    page.get_by_label("Why").fill("Not meant to be sent yet.")
    page.get_by_label("Amount to pay").press("Enter")
    assert page.get_by_text("Choose one of the buttons below the form.").is_visible()
    assert page.get_by_label("Why").input_value() == "Not meant to be sent yet."
    assert state_of(owner, task) == "OPEN"


def test_everything_can_be_reached_by_keyboard(page: Page, desk: Desk, owner: Database) -> None:
    page.goto(f"/tasks/{task_of(owner, desk.file('CMP-1'))}")
    page.keyboard.press("Tab")
    skip = page.locator(":focus")
    assert skip.inner_text() == "Skip to the content"
    box = skip.bounding_box()
    assert box is not None
    assert box["x"] >= 0, "the skip link shows when it has the focus"
    reached = set[str]()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.name || document.activeElement.innerText"))
    assert {"outcome", "answer.comment", "answer.payee", "Claim task", "Sign out", "Runs", "1 entry"} <= reached
    page.get_by_label("Payee").focus()
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Pay", "the Enter key's own button is no stop on the way"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_no_page_is_wider_than_its_window(
    browser: Browser, site: str, desk: Desk, owner: Database, scheme: str, size: tuple[int, int]
) -> None:
    run = desk.file("CMP-" + "7" * 150, words="word " * 30 + "w" * 300)
    context = browser.new_context(
        base_url=site,
        java_script_enabled=False,
        color_scheme="dark" if scheme == "dark" else "light",
        viewport={"width": size[0], "height": size[1]},
    )
    page = sign_in(context.new_page(), "Ada Quillmore")
    backgrounds = set()
    for path in (
        "/",
        "/inbox",
        "/runs",
        f"/runs/{run}",
        f"/tasks/{task_of(owner, run)}",
        "/alerts",
        "/sign-in",
        "/nowhere",
    ):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0], path
        backgrounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert backgrounds == {"rgb(246, 247, 248)" if scheme == "light" else "rgb(18, 24, 28)"}
    context.close()


def test_hostile_text_runs_nothing_and_asks_for_nothing(
    browser: Browser, site: str, desk: Desk, owner: Database
) -> None:
    run = desk.file(HOSTILE[1], words=" ".join(HOSTILE), customer=HOSTILE[2])
    task = task_of(owner, run)
    context = browser.new_context(base_url=site)  # scripts on: nothing may want to run
    asked, dialogs, complaints = list[str](), list[str](), list[str]()
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    page.on("console", lambda message: complaints.append(message.text))
    sign_in(page, "Ada Quillmore")
    for path in ("/", "/inbox", f"/tasks/{task}", "/runs", f"/runs/{run}", f"/runs?text={HOSTILE[0]}"):
        page.goto(path)
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    page.goto(f"/tasks/{task}")
    page.get_by_label("Why").fill(HOSTILE[3])
    page.get_by_role("button", name="Do not pay").click()
    assert page.get_by_role("heading", name="answered “Do not pay”").is_visible()
    assert HOSTILE[3] in page.locator("main").inner_text()
    assert dialogs == []
    assert complaints == []
    assert [url for url in asked if not url.startswith(site + "/")] == []
    context.close()


def test_another_sites_form_changes_nothing(
    context: BrowserContext, page: Page, site: str, desk: Desk, owner: Database
) -> None:
    task = task_of(owner, desk.file("CMP-1"))
    sent = list[Request]()
    page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)

    def evil(route: Route) -> None:
        form = f'<form method="post" action="{site}/tasks/{task}/claim"><button>Win a prize</button></form>'
        route.fulfill(body=form, content_type="text/html")

    context.route("http://evil.example/**", evil)
    page.goto("http://evil.example/")
    page.get_by_role("button", name="Win a prize").click()
    assert page.get_by_role("heading", name="This is not open to you").is_visible()
    assert sent[0].url == f"{site}/tasks/{task}/claim"
    with owner.transaction() as db:
        assert [e.event for e in human_tasks.events_of(db, task)] == ["opened"]


def test_two_people_answer_at_once_and_one_is_told(
    browser: Browser, context: BrowserContext, page: Page, desk: Desk, owner: Database
) -> None:
    task = task_of(owner, desk.file("CMP-1"))
    other = sign_in(
        browser.new_context(base_url=page.url.rsplit("/", 1)[0], java_script_enabled=False).new_page(), "Bela Ostrander"
    )
    for each in (page, other):
        each.goto(f"/tasks/{task}")
        each.get_by_label("Why").fill("My reasons, at length.")
    page.get_by_role("button", name="Pay", exact=True).click()
    other.get_by_role("button", name="Do not pay").click()
    assert other.get_by_role("heading", name="Ada Quillmore, Adjuster answered “Pay”").is_visible()
    assert other.get_by_text("My reasons, at length.").last.is_visible()
    other.context.close()
