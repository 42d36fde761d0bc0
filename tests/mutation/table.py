"""The figures, as the command writes them into the documentation between two markers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tests.mutation.points import PROJECT, Point

PAGE = PROJECT / "docs" / "reliability.md"
BEGINS, ENDS = "<!-- mutation: written by `make mutate` -->", "<!-- end of mutation -->"


def rows(verdicts: Mapping[str, list[tuple[Point, str | None, bool]]]) -> Iterable[str]:
    """One line a file. A verdict is (the point, who noticed or "" or None if it was not judged, whether it is equivalent)."""
    yield "| file | points | equivalent | judged | noticed | alive | of those judged |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    total = [0] * 5
    for file, found in verdicts.items():
        equivalent = sum(same for _, _, same in found)
        judged = [by for _, by, same in found if by is not None and not same]
        noticed = sum(bool(by) for by in judged)
        figures = [len(found), equivalent, len(judged), noticed, len(judged) - noticed]
        total = [a + b for a, b in zip(total, figures, strict=True)]
        yield _row(f"`{file}`", figures)
    yield _row("all", total)


def _row(name: str, figures: list[int]) -> str:
    share = f"{100 * figures[3] / figures[2]:.1f} %" if figures[2] else "–"
    return f"| {name} | {' | '.join(map(str, figures))} | {share} |"


def write(lines: Iterable[str]) -> None:
    """Put the table between its markers."""
    text = PAGE.read_text()
    before, rest = text.split(BEGINS, 1)
    after = rest.split(ENDS, 1)[1]
    PAGE.write_text(before + BEGINS + "\n" + "\n".join(lines) + "\n" + ENDS + after)
