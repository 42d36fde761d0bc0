"""docs/performance.md says what docs/performance/steps.json holds, and no other figure."""

from __future__ import annotations

import copy

import pytest

from benchmarks.performance import page
from benchmarks.performance.page import Result
from benchmarks.performance.saturation import CORES, first, limits, on_cores


@pytest.fixture
def kept() -> Result:
    result = page.kept()
    assert result is not None
    return result


def test_the_pages_figures_are_those_of_the_kept_result(kept: Result) -> None:
    text = page.PAGE.read_text()
    assert page.written(text, kept) == text, "write it anew: python -m benchmarks.performance.page"


def test_the_pictures_are_drawn_from_the_kept_result(kept: Result) -> None:
    for name, drawing in page.pictures(kept).items():
        assert (page.FOLDER / name).read_text() == drawing, "draw it anew: python -m benchmarks.performance.page"
        assert len(drawing) < 60_000


def test_another_figure_would_be_another_page(kept: Result) -> None:
    changed = copy.deepcopy(dict(kept))
    changed["systems"]["longhaul"]["steps_per_s"] += 1
    assert page.written(page.PAGE.read_text(), changed) != page.PAGE.read_text()
    assert page.pictures(changed) != page.pictures(kept)


def test_who_could_not_be_measured_is_in_the_table_with_the_reason(kept: Result) -> None:
    changed = copy.deepcopy(dict(kept))
    changed["systems"]["absurd"] = {"title": "Absurd", "missing": "not installed"}
    text = "\n".join(page.table(changed))
    assert "| Absurd | not measured: not installed |" in text
    assert "Longhaul over Absurd" not in text
    assert not any("Absurd" in line for line in page.compared(changed, kept))


def test_a_result_is_compared_figure_by_figure_with_the_kept_one(kept: Result) -> None:
    faster = copy.deepcopy(dict(kept))
    faster["systems"]["longhaul"]["steps_per_s"] *= 2
    (line,) = [line for line in page.compared(faster, kept) if line.startswith("  Longhaul")]
    assert "steps/s × 2.00" in line
    assert line.count("× 1.00") == len(page.COMPARED) - 1
    assert page.compared(kept, None) == ["No result is kept yet: --keep keeps this one."]


def test_what_is_used_up_first_is_the_least_of_all(kept: Result) -> None:
    for cores in CORES:
        resource, steps = first(kept, cores)
        assert steps == min(on_cores(kept, cores), *limits(kept).values())
        assert resource == "the cores" or steps < on_cores(kept, cores)
