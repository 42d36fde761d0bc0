"""Colours: every text stands out from what is behind it, in light and in dark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import app.web

STYLE = (Path(app.web.__file__ or "").parent / "static" / "style.css").read_text(encoding="utf-8")
STATUSES = ("ready", "running", "waiting", "stopped", "done", "failed")
TEXTS = [
    *((text, behind) for text in ("text", "soft", "link") for behind in ("page", "sheet", "code")),
    *((f"{status}-text", status) for status in STATUSES),
    ("failed-text", "sheet"),
    ("on-button", "button"),
]


def colours(scheme: str) -> dict[str, str]:
    """The colours of a scheme by name."""
    light, dark = (
        re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", part) for part in STYLE.split("prefers-color-scheme: dark")[:2]
    )
    return dict(light) if scheme == "light" else dict(light) | dict(dark)


def luminance(colour: str) -> float:
    """Relative luminance of an sRGB colour, 0 to 1."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_is_readable_in_both_schemes(scheme: str) -> None:
    named = colours(scheme)
    assert len(named) == 22
    weak = {
        pair: round(contrast(named[pair[0]], named[pair[1]]), 2)
        for pair in TEXTS
        if contrast(named[pair[0]], named[pair[1]]) < 4.5
    }
    assert weak == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_edges_of_fields_and_the_focus_are_visible(scheme: str) -> None:
    named = colours(scheme)
    for edge in ("edge", "link"):
        assert contrast(named[edge], named["sheet"]) >= 3, edge
        assert contrast(named[edge], named["page"]) >= 3, edge


def test_the_style_asks_for_nothing_from_elsewhere() -> None:
    assert "url(" not in STYLE
    assert "@import" not in STYLE
