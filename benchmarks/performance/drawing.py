"""The pictures of docs/performance.md, as SVG: bars of CPU time beside steps per second, and lines over cores."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from benchmarks.performance.saturation import CORES, limits, on_cores

PARTS = {"database": "#2f6690", "workers": "#e08e45", "submitter": "#9a9a9a"}
LINES = ("#2f6690", "#b5446e", "#3a7d44", "#e08e45")
WIDTH, ROW, LEFT, BAR = 900, 44, 230, 220


def _svg(height: float, marks: Sequence[str]) -> str:
    style = "font:13px sans-serif;background:#fff"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" style="{style}">\n'
        f'<rect width="{WIDTH}" height="{height:.0f}" fill="#fff"/>\n' + "\n".join(marks) + "\n</svg>\n"
    )


def _text(x: float, y: float, words: str, *, anchor: str = "start", weight: str = "normal") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" font-weight="{weight}" fill="#222">{escape(words)}</text>'


def _rect(x: float, y: float, width: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="20" fill="{colour}"/>'


def drawn_steps(systems: Sequence[Mapping[str, Any]]) -> str:
    """Two bars a system: steps per second, and the CPU seconds of 1,000 steps by who used them."""
    order = sorted(systems, key=lambda system: -system["steps_per_s"])
    most_steps, most_cpu = (max(s[key] for s in order) for key in ("steps_per_s", "cpu_s_per_1000"))
    right = LEFT + BAR + 80
    marks = [_text(LEFT, 20, "steps/s", weight="bold"), _text(right, 20, "CPU s per 1,000 steps:", weight="bold")]
    x = right + 155.0
    for part, colour in PARTS.items():
        marks += [_text(x, 20, part)]
        marks += [f'<rect x="{x:.0f}" y="25" width="{7 * len(part)}" height="4" fill="{colour}"/>']
        x += 7 * len(part) + 6
    for n, system in enumerate(order):
        y = 42 + n * ROW
        marks.append(
            _text(
                LEFT - 10,
                y + 15,
                system["title"],
                anchor="end",
                weight="bold" if system["title"] == "Longhaul" else "normal",
            )
        )
        width = BAR * system["steps_per_s"] / most_steps
        marks += [
            _rect(LEFT, y, width, PARTS["database"]),
            _text(LEFT + width + 5, y + 15, f"{system['steps_per_s']:,}"),
        ]
        x = right
        for part, colour in PARTS.items():
            width = (BAR - 20) * system[part] / most_cpu
            marks.append(_rect(x, y, width, colour))
            x += width
        marks.append(_text(x + 5, y + 15, f"{system['cpu_s_per_1000']:.2f}"))
    return _svg(48 + len(order) * ROW, marks)


def drawn_cores(result: Mapping[str, Any]) -> str:
    """Steps per second over cores, both by doublings: what the cores alone would do, and where each other resource ends it."""
    height, top, bottom, left, right = 380.0, 20.0, 330.0, 70.0, 560.0
    ends = limits(result)
    low = on_cores(result, CORES[0]) / 2
    high = max(on_cores(result, CORES[-1]), *ends.values()) * 1.5

    def place(cores: float, steps: float) -> tuple[float, float]:
        across = math.log(cores / CORES[0]) / math.log(CORES[-1] / CORES[0])
        up = math.log(steps / low) / math.log(high / low)
        return left + across * (right - left), bottom - up * (bottom - top)

    marks = [
        _text(left - 50, 14, "steps/s", weight="bold"),
        _text(right, bottom + 40, "cores", anchor="end", weight="bold"),
    ]
    for cores in CORES:
        x, _ = place(cores, low)
        marks += [
            f'<path d="M{x:.1f} {top}V{bottom}" stroke="#ddd"/>',
            _text(x, bottom + 20, str(cores), anchor="middle"),
        ]
    for tens in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1):
        _, y = place(CORES[0], 10**tens)
        marks += [
            f'<path d="M{left} {y:.1f}H{right}" stroke="#ddd"/>',
            _text(left - 8, y + 4, f"{10**tens:,}", anchor="end"),
        ]
    lines = {name: (steps, steps) for name, steps in ends.items()}
    lines["the cores"] = (on_cores(result, CORES[0]), on_cores(result, CORES[-1]))
    free = top  # where the next name may stand: two lines that end together have their names one below the other
    for colour, name in zip(LINES, sorted(lines, key=lambda line: -lines[line][1]), strict=False):
        (x, y), (to_x, to_y) = (
            place(cores, steps) for cores, steps in zip((CORES[0], CORES[-1]), lines[name], strict=True)
        )
        marks.append(
            f'<path d="M{x:.1f} {y:.1f}L{to_x:.1f} {to_y:.1f}" stroke="{colour}" stroke-width="2" fill="none"/>'
        )
        free = max(free, to_y + 4)
        marks.append(_text(to_x + 8, free, f"{name}: {lines[name][1]:,.0f}" if name != "the cores" else name))
        free += 16
    return _svg(height, marks)
