"""A page looked at as people look at it: on a desk and on a phone, in light and in dark."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

from playwright.sync_api import Browser, BrowserContext, Page

from tests.support.browsing import sign_in
from tests.web.axe import violations

_WIDTHS = (1440, 390)
_BETWEEN = (1280, 1024, 768, 320)  # no page is wider than these either
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


class Looker:
    """Visits pages as one person after another, each with one browser; `wrong` says what is wrong where, `seen` how many it saw."""

    def __init__(self, browser: Browser, site: str) -> None:
        self._browser, self._site = browser, site
        self._people: dict[str, BrowserContext] = {}
        self.wrong: list[str] = []
        self.seen = 0

    def person(self, name: str) -> BrowserContext:
        """The browser of somebody; nobody's, who is not signed in, for no name."""
        if name not in self._people:
            self._people[name] = self._browser.new_context(base_url=self._site)
            self._people[name].set_default_timeout(15_000)
            if name:
                sign_in(self._people[name].new_page(), name).close()
        return self._people[name]

    def close(self) -> None:
        """Close everybody's browser."""
        for person in self._people.values():
            person.close()

    def visit(self, name: str, paths: Iterable[str], *, status: int = 200) -> None:
        """Look at pages by their addresses."""
        for path in paths:
            page = self.person(name).new_page()
            answer = page.goto(path)
            if answer is None or answer.status != status:
                self.wrong.append(f"{path} answers {answer and answer.status}, not {status}")
            self.look(page, path)
            page.close()

    def after(self, name: str, path: str, act: Callable[[Page], None]) -> Page:
        """Look at what comes of acting on a page. The page stays open."""
        page = self.person(name).new_page()
        page.goto(path)
        act(page)
        self.look(page, f"{path}, acted on")
        return page

    def look(self, page: Page, name: str) -> None:
        """What axe finds, and whether the page is wider than its window: in each scheme and width.

        All its rules are asked once a width; in the other scheme only colours differ.
        """
        self.seen += 1
        for width in _BETWEEN:
            self._fit(page, name, width)
        for width in _WIDTHS:
            self._fit(page, name, width)
            for scheme in SCHEMES:
                page.emulate_media(color_scheme=scheme)
                found = violations(page, colours_only=scheme == "dark")
                self.wrong += [f"{name}, {scheme} on {width}: {each}" for each in found]

    def _fit(self, page: Page, name: str, width: int) -> None:
        page.set_viewport_size({"width": width, "height": 900})
        if (wide := page.evaluate("document.documentElement.scrollWidth")) > width:
            self.wrong.append(f"{name} is {wide} wide on {width}")
