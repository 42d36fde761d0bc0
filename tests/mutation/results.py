"""What became of each point, kept by what it depends on: the function's text and the tests that were asked."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from tests.mutation.points import Point
from tests.mutation.reach import Reach, Test, fingerprint

EQUIVALENTS = Path(__file__).parent / "equivalents.txt"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`by`: the test that turned red; empty: none did, the point is alive. `asked`: a fingerprint of the tests asked."""

    unit: str
    by: str
    asked: str


class Results:
    """The verdicts of earlier runs, and of this one."""

    def __init__(self, kept: Path, reach: Reach) -> None:
        self._kept, self._reach = kept, reach
        told = json.loads(kept.read_text()) if kept.exists() else {}
        self._verdicts = {name: Verdict(**verdict) for name, verdict in told.items()}

    def knows(self, point: Point) -> bool:
        """Whether a point was ever judged."""
        return point.id in self._verdicts

    def standing(self, point: Point, asked: list[Test]) -> Verdict | None:
        """The verdict that still holds: same function, and the same test that noticed, or the same that did not."""
        found = self._verdicts.get(point.id)
        if found is None or found.unit != fingerprint(point.unit.source.encode()):
            return None
        return found if found.asked == self._asked(found.by, asked) else None

    def add(self, point: Point, by: str, asked: list[Test]) -> None:
        """Keep a verdict."""
        self._verdicts[point.id] = Verdict(fingerprint(point.unit.source.encode()), by, self._asked(by, asked))
        self._kept.write_text(json.dumps({name: asdict(verdict) for name, verdict in self._verdicts.items()}, indent=0))

    def killers(self, unit: str) -> Counter[str]:
        """The tests that noticed something in a file's function, and how often."""
        return Counter(v.by for name, v in self._verdicts.items() if v.by and name.startswith(f"{unit}::"))

    def _asked(self, by: str, asked: list[Test]) -> str:
        if by.startswith("("):
            return by
        names = [by] if by else sorted(test.nodeid for test in asked)
        return fingerprint("\n".join(f"{name} {self._reach.text_of(name)}" for name in names).encode())


@cache
def equivalents() -> dict[str, str]:
    """Points that change nothing anybody could notice: id -> reason. In the file a line `# reason` stands above its ids."""
    found, reason = dict[str, str](), ""
    for line in EQUIVALENTS.read_text().splitlines():
        if line.startswith("#"):
            reason = line[1:].strip()
        elif line.strip():
            found[line.strip()] = reason
    return found
