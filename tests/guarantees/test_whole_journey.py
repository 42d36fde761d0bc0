"""One claim from beginning to end as people see it: submitted, read, reviewed, signed off by a second person, paid, looked up.

On the way a worker is killed in the middle of a step, another in the middle of the payment, and Redis loses everything.
Nobody at the pages has to know. Real workers, beat and web process, a real browser.
"""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browsing import serving, sign_in
from tests.support.claims import Office
from tests.support.stack import MakeStack

pytestmark = [pytest.mark.guarantee, pytest.mark.browser]
PATIENCE_MS = 60_000  # a killed worker is noticed within seconds, its successor started, the step run again


def at_their_desk(browser: Browser, site: str, name: str) -> Page:
    page = browser.new_context(base_url=site, viewport={"width": 1440, "height": 900}).new_page()
    page.set_default_timeout(PATIENCE_MS)
    return sign_in(page, name)


def opened(page: Page, title: str) -> None:
    """Open the task of this title from the inbox, as soon as it is there."""
    expect(page.get_by_role("link", name=title)).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("link", name=title).click()


def test_a_claim_passes_from_folder_to_payment_while_workers_die_and_redis_forgets(
    make_stack: MakeStack, browser: Browser, tmp_path: Path
) -> None:
    stack = make_stack()
    stack.workers(2, kept=True)
    stack.beat()
    settings = {
        "workflows": "",
        "dispatcher": "tasks.dispatch:CeleryDispatcher",
        "broker_url": stack.settings["BROKER_URL"],
    }
    data = stack.folder / "data"
    with (
        closing(Office(stack)) as office,
        serving(stack.database_url, data, payments_url=stack.payments.url, **settings) as site,
    ):
        sample = office.sample("over_authority")
        stack.faults.arm("after_act", 1)  # whoever first has the answer of a call dies with it
        run_id = office.submit(sample.folder, sample.key)
        tomas = at_their_desk(browser, site, "Tomas Okunfield")
        tomas.goto("/inbox")
        opened(tomas, "Review claim")
        assert stack.faults.done_by("after_act", 1), "nobody died"
        expect(tomas.get_by_role("heading", level=1)).to_contain_text("Review claim")
        expect(tomas.get_by_text("suggestion, not a decision")).to_be_visible()
        expect(tomas.locator("svg.sheet-of-paper rect.mark").first).to_be_attached()
        amount = tomas.get_by_label("Amount to pay").input_value()
        stack.bells.flush()
        tomas.get_by_label("Why", exact=True).fill("Everything agrees with the policy.")
        tomas.get_by_role("button", name="Settle").click()
        expect(tomas.get_by_role("heading", name="answered “Settle”")).to_be_visible()
        assert stack.payments.rows("SELECT * FROM payments") == []

        samuel = at_their_desk(browser, site, "Samuel Brightmoor")
        samuel.goto("/inbox")
        opened(samuel, "Sign off claim")
        expect(samuel.get_by_text("Everything agrees with the policy.").first).to_be_visible()
        samuel.get_by_label("Why", exact=True).fill("Agreed.")
        stack.faults.arm("after_act", "payment")  # paid, and then dead before it could say so
        stack.bells.flush()
        samuel.get_by_role("button", name="Settle").click()
        expect(samuel.get_by_role("heading", name="answered “Settle”")).to_be_visible()

        stack.until_complete(run_id)
        assert stack.faults.done_by("after_act", "payment"), "nobody died at the payment"
        samuel.goto("/runs")
        samuel.get_by_label("Claim, policy").fill(sample.claim)
        samuel.get_by_role("button", name="Show").click()
        samuel.get_by_role("link", name=sample.claim, exact=True).click()
        expect(samuel.locator("[data-live=head]")).to_contain_text("COMPLETE")
        row = samuel.get_by_role("table", name="Actions and approvals").get_by_role("row", name="Payment")
        row = row.filter(has_text=re.compile("EXECUTED|CONFIRMED"))
        expect(row).to_contain_text("samuel.brightmoor")
        expect(samuel.get_by_text("SUSPECTED DEAD").first).to_be_attached()
    (paid,) = stack.payments.rows("SELECT payee, amount FROM payments")
    assert str(paid[1]) == amount, "paid otherwise, or more than once"
