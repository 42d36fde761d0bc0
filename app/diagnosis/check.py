"""What was seen when something was looked at: one line, with what to do if it is not well."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One line: what was looked at, whether it is well, what was seen, and what to do if it is not."""

    name: str
    ok: bool
    seen: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.seen}" + (f"; {self.remedy}" if self.remedy else "")
