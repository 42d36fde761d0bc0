"""The work every side does: twelve steps, each given 1 KB and giving 1 KB back. Peers load it, so it imports nothing."""

from __future__ import annotations

STEPS = 12
TEXT = ("Water came through the kitchen ceiling during the night; the fitter found a split hose. " * 12)[:1000]
RESULT = TEXT[STEPS:] + TEXT[:STEPS]  # what twelve steps make of it


def work(text: str, steps: int) -> tuple[str, int]:
    """One step's work: another text of the same length."""
    return text[1:] + text[0], steps + 1
