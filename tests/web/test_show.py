"""How values look."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.core.canonical import canonical, restore
from app.core.lifecycle import Status
from app.store.reads.pages import SHOWN_CHARACTERS
from app.web.http import show


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "–"), (-0.001, "0 ms"), (0.0034, "3 ms"), (1.44, "1.4 s"), (75, "1 m 15 s"), (273_700, "3 d 4 h")],
)
def test_durations(seconds: float | None, said: str) -> None:
    assert show.duration(seconds) == said


@pytest.mark.parametrize(
    ("value", "said"), [("1234567.5", "1,234,567.50"), (0, "0.00"), ("NaN", "NaN"), ("a lot", "a lot"), (None, "None")]
)
def test_amounts(value: object, said: str) -> None:
    assert show.amount(value) == said


def test_what_hides_or_reorders_text_is_shown_as_its_code() -> None:
    assert show.plain("a\u202eb\x00c\ud800d\te\nf é 🚲") == "a\\u202eb\\u0000c\\ud800d\te\nf é 🚲"
    stored = canonical("\x00\ud800")
    assert show.plain(stored) == '"\\u0000\\ud800"', "as the store escapes it"
    assert show.plain(restore(stored)) == '"\\u0000\\ud800"'
    assert show.plain(None) == ""
    assert show.plain(7) == 7


def test_a_moment_is_readable_by_people_and_programs() -> None:
    at = datetime(2026, 3, 31, 12, 5, 9, 250_000, tzinfo=UTC)
    assert show.when(at) == '<time datetime="2026-03-31T12:05:09.250000+00:00">2026-03-31 12:05:09 UTC</time>'
    assert show.when(None) == "–"


def test_actors_and_names_are_escaped_and_short() -> None:
    worker = "worker:01934f7e-8c1a-7d2e-9b1f-3a5c7e9d1f20"
    assert show.who(worker) == f'<span class="short" title="{worker}">worker …7e9d1f20</span>'
    assert show.who("person:<b>ada</b>") == "person:&lt;b&gt;ada&lt;/b&gt;"
    assert show.who("cli") == "cli"
    assert show.who(None) == "–"
    assert show.name("a_b.<i>") == "a_<wbr>b.&lt;i&gt;"


def test_every_status_has_a_look_and_an_unknown_one_is_text() -> None:
    assert all(f"{status.replace('_', ' ')}</span>" in show.look(status.value) for status in Status)
    assert show.look("READY") != show.look("RUNNING")
    assert "&lt;b&gt;" in show.look("<b>")
    assert show.look(None) == ""


def test_json_is_cut_with_a_note() -> None:
    assert show.pretty({"a": [1, "é"]}) == '{\n  "a": [\n    1,\n    "é"\n  ]\n}'
    long = show.pretty("x" * 100_000)
    assert long.endswith("65,536 of 100,002 characters are shown")
    assert len(long) < SHOWN_CHARACTERS + 100


def test_a_record_is_shown_in_the_order_it_was_written() -> None:
    assert list(show.ordered({"b": 1, "c": 2, "a": 3}, ["a", "b", "gone"])) == ["a", "b", "c"]
