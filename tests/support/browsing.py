"""A real web process and a real browser."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from app.accounts import links
from app.accounts.sessions import hashed
from app.stack.servers.ports import choose_port
from app.store.accounts import sessions, users
from app.store.database import Database
from tests.support.dispatchers import SILENT_DISPATCHER
from tests.support.nursery import PROJECT, start
from tests.support.waiting import wait_for

_DATABASES: dict[str, str] = {}  # of the sites that are served, by their address
# Without its own sandbox (a container's root has none) and without calling home.
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def chromium() -> str | None:
    """Where a Chromium is, if one is installed."""
    named = os.environ.get("LONGHAUL_CHROMIUM")
    return named or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def needed_chromium() -> str:
    """The Chromium that there is; skips without one. Under CI=true that is a failure: the journeys must be shown."""
    if (found := chromium()) is not None:
        return found
    how = "no Chromium: install one (apt-get install chromium), or name it by LONGHAUL_CHROMIUM"
    if os.environ.get("CI") == "true":
        pytest.fail(how, pytrace=False)
    pytest.skip(how)


@contextmanager
def launched() -> Iterator[Browser]:
    """A browser without a window."""
    executable = needed_chromium()
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable, args=_FLAGS, chromium_sandbox=False)
        yield running
        running.close()


@contextmanager
def serving(
    database_url: str, data_dir: Path, *, workflows: str = "tests.web.complaints:REVIEW", **settings: str
) -> Iterator[str]:
    """`python -m app.web` as it is started in earnest, over the tests' workflow or what `settings` name; its address."""
    port = choose_port(0, named_by=None)
    env = os.environ | {
        "LONGHAUL_DATABASE_URL": database_url,
        "LONGHAUL_DATA_DIR": str(data_dir),
        "LONGHAUL_WEB_PORT": str(port),
        "LONGHAUL_WORKFLOWS": workflows,
        "LONGHAUL_DISPATCHER": SILENT_DISPATCHER,
        "PYTHONPATH": str(PROJECT),
        **{f"LONGHAUL_{name.upper()}": value for name, value in settings.items()},
    }
    address = f"http://127.0.0.1:{port}"
    _DATABASES[address] = database_url
    data_dir.mkdir(parents=True, exist_ok=True)
    log = data_dir / "web.log"
    command = [sys.executable, "-m", "app.web"]
    process = start(command, log=log, env=env)
    try:
        wait_for(lambda: _answers(address) or not process.alive, "the web process to answer", evidence=log.read_text)
        assert process.alive, log.read_text()
        yield address
    finally:
        assert process.end(grace=30), f"the web process did not end\n{log.read_text()}"


def sign_in(page: Page, name: str) -> Page:
    """As the person whose name begins so, by a one-time link, on the site that `page` belongs to."""
    page.goto("/sign-in")
    address = "{0.scheme}://{0.netloc}".format(urlsplit(page.url))
    token = secrets.token_urlsafe(32)
    database = Database(_DATABASES[address], "web", size=1)
    with database.transaction() as db:
        username = next(row.username for row in users.everyone(db) if row.display_name.startswith(name))
        sessions.add_link(db, hashed(token), username=username, by="test", lasts_seconds=60)
    database.close()
    page.goto(f"{links.PATH}{token}")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda address: "/sign-in" not in address)
    return page


def focused(page: Page) -> str:
    """What has the focus, in words."""
    return str(page.evaluate("(document.activeElement.innerText || document.activeElement.name || '').trim()"))


def tab_to(page: Page, name: str, *, most: int = 120) -> None:
    """Press Tab until the element of this text or field name has the focus."""
    for _ in range(most):
        if focused(page).startswith(name):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"Tab never reached {name!r}; the focus is on {focused(page)!r}")


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/sign-in", timeout=2).status_code == 200
    except httpx.TransportError:
        return False
