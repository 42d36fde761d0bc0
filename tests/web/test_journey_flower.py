"""A step followed from its run's page into a real Flower and back, in a real browser: its own scripts run, and no other."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Response, expect

from app.stack.servers.ports import choose_port
from tests.support.browsing import serving, sign_in
from tests.support.programs import CELERY, Program
from tests.support.small_workflows import TWO
from tests.support.stack import MakeStack, Stack
from tests.web.axe import violations

pytestmark = [pytest.mark.browser, pytest.mark.stack]

LOGIN = "door:a-long-enough-word"


@pytest.fixture
def stack(make_stack: MakeStack) -> Stack:
    made = make_stack()
    made.enrol("opal", "operator")
    return made


@pytest.fixture
def flower(stack: Stack) -> str:
    """A Flower of the stack, as the README starts it; its address."""
    port = choose_port(0, named_by=None)
    command = [
        CELERY,
        "-A",
        "tasks",
        "flower",
        "--url-prefix=flower",
        "--read-only=true",
        "--address=127.0.0.1",
        f"--port={port}",
    ]
    env = stack.environment() | {"FLOWER_BASIC_AUTH": LOGIN}
    program = Program("flower", command, stack.folder / "flower.log", env)
    program.start()
    stack.programs.append(program)
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            return httpx.get(f"{url}/flower/healthcheck").is_success
        except httpx.TransportError:
            return False

    stack.wait(answers, "Flower to answer")
    return url


@pytest.fixture
def page(browser: Browser, stack: Stack, flower: str) -> Iterator[Page]:
    named = {"workflows": "tests.support.small_workflows:TWO", "flower_url": flower, "flower_login": LOGIN}
    with serving(stack.database_url, stack.folder / "web", **named) as site:
        context = browser.new_context(base_url=site, viewport={"width": 1280, "height": 900})
        context.set_default_timeout(15_000)
        yield sign_in(context.new_page(), "Opal")
        context.close()


def test_a_step_is_followed_into_flower_and_back(stack: Stack, page: Page, flower: str) -> None:
    complaints, failures = list[str](), list[str]()

    def heard(message: ConsoleMessage) -> None:
        complaints.append(f"{page.url}: {message.text}")

    def answered(response: Response) -> None:
        if response.status >= 400:
            failures.append(f"{response.status} {response.url}")

    worker = stack.workers(1)[0].name
    run = stack.start(TWO, "CMP-1")
    stack.until_complete(run)
    login = tuple(LOGIN.split(":"))
    stack.wait(
        lambda: httpx.get(f"{flower}/flower/api/task/info/{run}.SECOND.2", auth=(login[0], login[1])).is_success,
        "Flower to know the step",
    )
    page.on("console", heard)
    page.on("response", answered)

    for path in (f"/runs/{run}/events/call-2-0", f"/runs/{run}"):
        page.goto(path)
        assert violations(page) == []
        page.set_viewport_size({"width": 360, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
        page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_role("row", name="SECOND").get_by_role("link", name="Task").click()
    expect(page).to_have_url(f"{page.url.split('/flower')[0]}/flower/task/{run}.SECOND.2")
    expect(page.locator("#task-page")).to_contain_text("two.SECOND")
    ours = ("Longhaul", "The run of this step")  # what else is wrong with Flower's page is Flower's
    assert [each for each in violations(page) if any(words in each for words in ours)] == []
    page.get_by_role("navigation", name="Primary").get_by_role("link", name="Tasks").click()
    expect(page.get_by_role("link", name=f"{run}.SECOND.2")).to_be_visible()
    page.get_by_role("link", name=f"{run}.SECOND.2").click()
    page.get_by_role("link", name="The run of this step").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("CMP-1")

    page.get_by_role("navigation", name="Main").get_by_role("link", name="Flower").click()
    expect(page.locator("#workers-online")).to_have_text("1")
    page.get_by_role("link", name=f"{worker}@localhost").click()
    expect(page.get_by_role("heading", name=f"{worker}@localhost")).to_be_visible()
    page.get_by_role("navigation", name="Primary").get_by_role("link", name="Broker").click()
    expect(page).to_have_title("Broker · Flower")
    assert complaints == []
    assert failures == []
