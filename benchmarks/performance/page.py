"""A result of `benchmarks.steps` as it is read: the table, the comparison with the kept result, and docs/performance.md.

What stands in the page between the markers is written from docs/performance/steps.json, and the pictures are drawn from it
(`tests/benchmarks/test_performance_page.py` holds them to it): `python -m benchmarks.performance.page` writes them anew.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping
from typing import Any

from benchmarks.performance.drawing import drawn_cores, drawn_steps
from benchmarks.performance.saturation import CORES, first, limits, on_cores
from benchmarks.sides import PROJECT

FOLDER = PROJECT / "docs/performance"
KEPT, PAGE = FOLDER / "steps.json", PROJECT / "docs/performance.md"
COMPARED = {
    "steps_per_s": "steps/s",
    "cpu_s_per_1000": "CPU s per 1,000",
    "idle_p50_ms": "idle p50 ms",
    "idle_p99_ms": "idle p99 ms",
    "wal_bytes": "WAL bytes a step",
}
QUIET_CORES = 0.2  # what other programs may take of a machine that counts as quiet
_HEAD = [
    "| system | steps/s | CPU s per 1,000 | of it database / workers / submitter | idle run p50 ms | p99 ms | WAL bytes a step |",
    "|---|---:|---:|---|---:|---:|---:|",
]

Result = Mapping[str, Any]


def table(result: Result) -> list[str]:
    """The table, fastest first; below it the sides that could not be measured, and why."""
    measured = sorted(_measured(result), key=lambda system: -system["steps_per_s"])
    rows = [*_HEAD]
    for system in measured:
        name = f"{system['title']} {system['version']}"
        rows.append(
            f"| {f'**{name}**' if system['title'] == 'Longhaul' else name} | {system['steps_per_s']:,} | {system['cpu_s_per_1000']:.2f} "
            f"| {system['database']:.2f} / {system['workers']:.2f} / {system['submitter']:.2f} "
            f"| {system['idle_p50_ms']:.1f} | {system['idle_p99_ms']:.1f} | {system['wal_bytes']:,} |"
        )
    rows += [
        f"| {s['title']} | not measured: {s['missing']} | | | | | |"
        for s in result["systems"].values()
        if "missing" in s
    ]
    if "missing" not in (ours := result["systems"].get("longhaul", {"missing": ""})):
        others = [system for system in measured if system is not ours]
        rows += ["", *(f"- Longhaul over {other['title']}: {_ratios(ours, other)}" for other in others)]
    notes = [f"- {system['title']}: {system['note']}" for system in measured if system["note"]]
    return [f"{result['hardware']}. {_made(result)}", "", *rows, "", "How each was run:", "", *notes]


def _made(result: Result) -> str:
    others = statistics.median(system["others_cores"] for system in _measured(result))
    busy = " The machine was not quiet: compare CPU and ratios, not speeds and times." if others > QUIET_CORES else ""
    asked = f"--runs {result['runs']} --rounds {result['rounds']} --idle {result['idle_runs'] // result['rounds']}"
    return (
        f"`python -m benchmarks.steps {asked}` on {result['date']}: "
        f"{result['rounds']} rounds of {result['runs']} runs at once, {result['idle_runs']} runs alone; "
        f"meanwhile other programs took {others:.1f} cores (median).{busy} "
        f"pgbench in the same run: {result['pgbench']['tps']:,} transactions/s."
    )


def _measured(result: Result) -> list[dict[str, Any]]:
    return [system for system in result["systems"].values() if "missing" not in system]


def compared(result: Result, last: Result | None) -> list[str]:
    """Each figure over the kept result's, and pgbench's, which says how much of it is the machine."""
    if last is None:
        return ["No result is kept yet: --keep keeps this one."]
    machines = result["pgbench"]["tps"] / last["pgbench"]["tps"]
    lines = [f"Over the result of {last['date']} on {last['hardware']} (pgbench transactions/s: × {machines:.2f}):"]
    for name, system in result["systems"].items():
        before = last["systems"].get(name, {})
        if "missing" in system or before.get("steps_per_s") is None:
            continue
        lines.append(f"  {system['title']:28} {_ratios(system, before)}")
    return lines


def _ratios(system: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Each figure of a system over the other's."""
    return ", ".join(f"{title} × {system[key] / other[key]:.2f}" for key, title in COMPARED.items() if other[key])


def kept() -> Result | None:
    """The result of the repository."""
    return json.loads(KEPT.read_text()) if KEPT.exists() else None


def of_steps(result: Result) -> str:
    """What the page says of the steps."""
    return "\n".join(table(result)) + "\n"


def of_cores(result: Result) -> str:
    """What the page says of more cores."""
    rows = ["| cores | by the cores alone | used up first | steps/s there, at most |", "|---:|---:|---|---:|"]
    for cores in CORES:
        resource, steps = first(result, cores)
        rows.append(f"| {cores} | {_about(on_cores(result, cores))} | {resource} | {_about(steps)} |")
    each = "; ".join(f"{name}: {_about(steps)} steps/s" for name, steps in limits(result).items())
    pgbench = result["pgbench"]
    measured = (
        f"One flush of a small commit takes {pgbench['flush_ms']} ms, the log takes {pgbench['wal_mb_per_s']} MB/s."
    )
    return "\n".join([*rows, "", f"Each resource alone: {each}.", measured]) + "\n"


def _about(value: float) -> str:
    """Two digits that count: the rest would be pretence."""
    return f"{float(f'{value:.2g}'):,.0f}"


def written(page: str, result: Result) -> str:
    """The page with what stands between its markers written anew."""
    for name, text in (("steps", of_steps(result)), ("cores", of_cores(result))):
        begin, end = f"<!-- {name}: written by `python -m benchmarks.performance.page` -->\n", f"<!-- end of {name} -->"
        before, found, rest = page.partition(begin)
        _, closed, after = rest.partition(end)
        assert found and closed, f"the page has no place for {name}"
        page = before + begin + text + end + after
    return page


def pictures(result: Result) -> dict[str, str]:
    """The page's pictures, by their file names."""
    return {"steps.svg": drawn_steps(_measured(result)), "cores.svg": drawn_cores(result)}


def keep(result: Result) -> None:
    """Make it the repository's result."""
    text, drawn = written(PAGE.read_text(), result), pictures(result)
    FOLDER.mkdir(exist_ok=True)
    KEPT.write_text(json.dumps(result, indent=1) + "\n")
    for name, drawing in drawn.items():
        (FOLDER / name).write_text(drawing)
    PAGE.write_text(text)


if __name__ == "__main__" and (result := kept()):
    keep(result)
