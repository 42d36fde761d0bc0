"""The run summary is bounded, the same for the same run, and says what it leaves out."""

from __future__ import annotations

import pytest

from app.core.canonical import canonical
from app.core.declarations.summary import CAP, LAST_STEP_CAP, Known, RunSummary, given, summarised


def _many(name: str, count: int, length: int = 40) -> list[Known]:
    return [Known(f"{name} {n}", "v" * length, f"document {n}, page 1") for n in range(count)]


@pytest.mark.parametrize("count", [0, 3, 50, 1000])
@pytest.mark.parametrize("length", [1, 5000])
def test_however_long_the_run_the_summary_stays_under_its_cap(count: int, length: int) -> None:
    many = _many("name", count, length)

    def made() -> RunSummary:
        return summarised("claim " + "9" * length, amounts=many, open_questions=many, decisions=many, facts=many)

    summary = made()
    assert len(canonical(summary.model_dump())) <= CAP
    assert summary == made(), "the same for the same run"


def test_what_is_left_out_is_counted_and_what_matters_most_stays() -> None:
    summary = summarised("run", amounts=_many("amount", 2), facts=_many("fact", 500))
    left = 500 - len(summary.facts)
    assert len(summary.amounts) == 2 and 0 < left < 500
    assert summary.left_out == f"Left out, because they did not fit: {left} facts."
    assert [entry.id for entry in summary.facts] == [f"f{n}" for n in range(1, len(summary.facts) + 1)]
    assert summarised("run", facts=_many("fact", 5)).left_out == ""


def test_every_entry_can_be_cited_by_one_id() -> None:
    ids = [
        e.id
        for e in summarised("run", amounts=_many("a", 5), open_questions=_many("b", 5), facts=_many("c", 5)).entries()
    ]
    assert len(ids) == len(set(ids)) == 15


def test_a_last_step_without_bounds_is_a_mistake_not_something_to_cut() -> None:
    assert set(given(summarised("run"), {"state": "X"})) == {"summary", "last_step"}
    with pytest.raises(ValueError, match="bound it"):
        given(summarised("run"), {"text": "x" * LAST_STEP_CAP})
