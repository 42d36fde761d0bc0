"""`longhaul demo` ends with sign-in links; from two of them a claim is settled, knowing only what the pages say."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.waiting import wait_for

pytestmark = [pytest.mark.browser, pytest.mark.stack]
MOST_ACTIONS = 25
_LINK = re.compile(
    r"│ +(?P<name>[\w .]+), (?P<role>Adjuster|Supervisor)[\w ]* +(?P<address>http://\S+/sign-in/link/\S+)"
)
PATIENCE_MS = 30_000


@pytest.fixture
def printed(tmp_path: Path) -> Iterator[str]:
    """What the demo prints until it stands there, to be looked at."""
    told = tmp_path / "demo.log"
    env = os.environ | {"LONGHAUL_DATA_DIR": str(tmp_path / "data")}
    with told.open("w") as out:
        demo = subprocess.Popen([sys.executable, "-m", "app.cli", "demo"], env=env, stdout=out, stderr=out)
    try:
        wait_for(
            lambda: "Ctrl-C stops the stack" in told.read_text() or demo.poll() is not None,
            "the demo to be there to be looked at",
            seconds=400,
            evidence=told.read_text,
        )
        assert demo.poll() is None, told.read_text()
        yield told.read_text()
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(timeout=60)


class Hand:
    """A person's hand: everything it does is counted."""

    def __init__(self, page: Page, done: list[str]) -> None:
        self.page, self._done = page, done
        page.set_default_timeout(PATIENCE_MS)

    def open(self, address: str) -> None:
        self._done.append(f"open {address}")
        self.page.goto(address)

    def click(self, what: Locator) -> None:
        self._done.append(f"click {what}")
        what.click()

    def write(self, label: str, text: str) -> None:
        self._done.append(f"write {label}")
        self.page.get_by_label(label, exact=True).fill(text)

    def sign_in(self, address: str) -> None:
        self.open(address)
        self.click(self.page.get_by_role("button", name="Sign in"))
        self.click(self.page.get_by_role("navigation").get_by_role("link", name="Inbox"))


def number(page: Page, what: str) -> float:
    """A figure of the run summary."""
    row = page.get_by_role("row", name=what).first
    return float(row.get_by_role("cell").first.inner_text().replace(",", ""))


@pytest.mark.timeout(600)  # two dozen claims are worked on before its links are printed
def test_from_the_printed_links_a_claim_is_settled_by_two_people_in_few_actions(printed: str, browser: Browser) -> None:
    links = {found["role"]: found["address"] for found in _LINK.finditer(printed)}
    done: list[str] = []
    ines = Hand(browser.new_context(viewport={"width": 1440, "height": 900}).new_page(), done)
    ines.sign_in(links["Adjuster"])
    ines.click(ines.page.get_by_role("link", name="DATE_OF_LOSS_CONFLICT").first)
    claim = str(re.search(r"CLM-[\w-]+", ines.page.get_by_role("heading", level=1).inner_text())[0])  # type: ignore[index]
    expect(ines.page.get_by_text("above your limit somebody with the authority signs after you")).to_be_visible()
    due = number(ines.page, "Billed total") - number(ines.page, "Deductible")
    ines.write("Amount to pay (optional)", f"{due:.2f}")
    ines.write("Why", "The police report was written three days before; the claimant's own date stands.")
    ines.click(ines.page.get_by_role("button", name="Settle"))
    expect(ines.page.get_by_role("heading", name="answered “Settle”")).to_be_visible()

    samuel = Hand(browser.new_context(viewport={"width": 1440, "height": 900}).new_page(), done)
    samuel.sign_in(links["Supervisor"])
    sign = samuel.page.get_by_role("link", name=f"Sign off claim {claim}")
    expect(sign).to_be_visible(timeout=PATIENCE_MS)  # the list is looked at again by itself
    samuel.click(sign)
    expect(samuel.page.get_by_text("the claimant's own date stands").first).to_be_visible()
    samuel.write("Why", "Agreed.")
    samuel.click(samuel.page.get_by_role("button", name="Settle"))
    expect(samuel.page.get_by_role("heading", name="answered “Settle”")).to_be_visible()
    samuel.click(samuel.page.get_by_role("main").get_by_role("link", name=claim).first)
    expect(samuel.page.locator("[data-live=head]")).to_contain_text("COMPLETE", timeout=PATIENCE_MS)
    paid = samuel.page.get_by_role("row", name="Payment").filter(has_text=re.compile("EXECUTED|CONFIRMED")).first
    expect(paid).to_contain_text(f"{due:,.2f}")
    assert len(done) <= MOST_ACTIONS, done
