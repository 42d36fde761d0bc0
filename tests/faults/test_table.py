"""The table of the faults keeps what was not inflicted again, in the order of the faults."""

from __future__ import annotations

from pathlib import Path

from tests.faults.table import _HEAD, PAGE, Outcome, write


def test_an_outcome_replaces_its_own_row_and_no_other(tmp_path: Path) -> None:
    page, order = tmp_path / "page.md", ["first", "second", "third"]
    page.write_text(f"Before.\n\n{_HEAD}\nAfter.\n")
    for name in ("third", "first"):
        write(Outcome(name, "OK", 10, (1.0, 0.0, 1.0), 2.5, 3), order, page)
    write(Outcome("third", "LOST"), order, page)
    assert page.read_text() == (
        f"Before.\n\n{_HEAD}| first | OK | 10 | 1.0, 0.0, 1.0 | 2.5 s | 3 |\n| third | LOST | 0 | 0.0, 0.0, 0.0 | never | 0 |\n\nAfter.\n"
    )


def test_the_page_has_the_table() -> None:
    assert _HEAD in PAGE.read_text()
