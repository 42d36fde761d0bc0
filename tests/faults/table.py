"""The table of `docs/reliability.md`: one line per fault, from the last run that was to be written down."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
_HEAD = "| fault | outcome | runs | steps/s before, during, after | full rate after | leases bounced |\n|---|---|---|---|---|---|\n"
_TABLE = re.compile(rf"{re.escape(_HEAD)}((?:\|.*\n)*)")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one fault came to. full_after: seconds after healing, None: never."""

    name: str
    verdict: str
    runs: int = 0
    rates: tuple[float, float, float] = (0.0, 0.0, 0.0)
    full_after: float | None = None
    bounced: int = 0

    @property
    def line(self) -> str:
        """As a row of the table."""
        rates = ", ".join(f"{rate:.1f}" for rate in self.rates)
        full = f"{self.full_after:.1f} s" if self.full_after is not None else "never"
        return f"| {self.name} | {self.verdict} | {self.runs} | {rates} | {full} | {self.bounced} |\n"


def write(outcome: Outcome, order: list[str], page: Path = PAGE) -> None:
    """Put an outcome into the table; the rows of other faults stay, those of unknown ones go."""
    text = page.read_text()
    table = _TABLE.search(text)
    assert table is not None, f"{page} has lost the head of its table of faults"
    rows = {row.split("|")[1].strip(): row for row in table[1].splitlines(keepends=True)}
    rows[outcome.name] = outcome.line
    body = "".join(rows[name] for name in order if name in rows)
    page.write_text(text[: table.start(1)] + body + text[table.end(1) :])
