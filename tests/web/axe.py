"""What a page keeps from people who do not see it, or use no mouse: asked of axe-core, in the browser."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

# WCAG 2.2 at levels A and AA, and what axe-core calls good practice.
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_SCRIPT = Axe().axe_script
_RUN = "rules => axe.run({runOnly: rules, resultTypes: ['violations']}).then(found => found.violations)"


def violations(page: Page, *, colours_only: bool = False) -> list[str]:
    """What axe-core finds wrong with a page as it stands, one sentence for each place; none for a good page."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_SCRIPT)
    rules = {"type": "rule", "values": ["color-contrast"]} if colours_only else {"type": "tag", "values": _RULES}
    return [
        f"{each['id']}: {each['help']} at {', '.join(map(str, node['target']))}: {node['html'][:200]}"
        for each in page.evaluate(_RUN, rules)
        for node in each["nodes"]
    ]
