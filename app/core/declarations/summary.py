"""The run summary: the bounded account of a run that a model is given instead of its history.

The law: the same run data give the same summary, and it never grows past its cap. Every entry has an id to cite and a
source; what does not fit is left out from the end of its list, and a line says how much. With it a model is given the
last step in full, and nothing else: `given` is the only form of such a request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from app.core.canonical import canonical
from app.core.values.pages import Wire

CAP = 12_000  # characters as JSON, some 4,000 tokens
LAST_STEP_CAP = 12_000
_SHARES = {"amounts": 0.15, "open_questions": 0.25, "decisions": 0.2}  # of the cap; facts take what is left
_LONGEST = 300  # characters of one value


class Entry(Wire):
    """One thing known of a run. `id` is what an answer cites it by; `source` says where it comes from."""

    id: str
    name: str
    value: str
    source: str = ""


class RunSummary(Wire):
    """What is known of a run; `left_out` says what did not fit."""

    of: str
    amounts: list[Entry] = Field(default_factory=list)
    open_questions: list[Entry] = Field(default_factory=list)
    decisions: list[Entry] = Field(default_factory=list)
    facts: list[Entry] = Field(default_factory=list)
    left_out: str = ""

    def entries(self) -> list[Entry]:
        """All of them."""
        return [*self.amounts, *self.open_questions, *self.decisions, *self.facts]


@dataclass(frozen=True, slots=True)
class Known:
    """Something to be summarised: what it is called, what is known, and by whom or where."""

    name: str
    value: str
    source: str = ""


def summarised(
    of: str,
    *,
    amounts: Iterable[Known] = (),
    open_questions: Iterable[Known] = (),
    decisions: Iterable[Known] = (),
    facts: Iterable[Known] = (),
    cap: int = CAP,
) -> RunSummary:
    """The summary; each list with what matters most first, for it is cut from its end."""
    lists = {
        "amounts": _numbered("a", amounts),
        "open_questions": _numbered("q", open_questions),
        "decisions": _numbered("d", decisions),
        "facts": _numbered("f", facts),
    }
    left = cap - len(canonical({"of": of[:_LONGEST], "left_out": "", **{name: [] for name in lists}})) - 200
    kept: dict[str, list[Entry]] = {}
    for name, entries in lists.items():
        kept[name] = _fitting(entries, int(cap * _SHARES[name]) if name in _SHARES else left)
        left -= _size(kept[name])
    said = [
        f"{len(lists[name]) - len(kept[name])} {name.replace('_', ' ')}"
        for name in lists
        if len(kept[name]) < len(lists[name])
    ]
    left_out = f"Left out, because they did not fit: {', '.join(said)}." if said else ""
    return RunSummary(of=of[:_LONGEST], left_out=left_out, **kept)


def given(summary: RunSummary, last_step: Mapping[str, Any]) -> dict[str, Any]:
    """What a model is asked with: the run summary and the last step in full. Raises ValueError for a step past its cap.

    A workflow keeps its steps' results bounded; a result that large is a mistake in it, not something to cut in silence.
    """
    size = len(canonical(last_step))
    if size > LAST_STEP_CAP:
        raise ValueError(
            f"the last step has {size} characters, more than the {LAST_STEP_CAP} a model is given; bound it"
        )
    return {"summary": summary.model_dump(mode="json"), "last_step": dict(last_step)}


def _numbered(letter: str, known: Iterable[Known]) -> list[Entry]:
    return [
        Entry(id=f"{letter}{n}", name=k.name[:_LONGEST], value=_clipped(k.value), source=k.source[:_LONGEST])
        for n, k in enumerate(known, start=1)
    ]


def _clipped(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= _LONGEST else plain[: _LONGEST - 1] + "…"


def _fitting(entries: Sequence[Entry], room: int) -> list[Entry]:
    kept: list[Entry] = []
    for entry in entries:
        room -= _size([entry])
        if room < 0:
            break
        kept.append(entry)
    return kept


def _size(entries: Sequence[Entry]) -> int:
    return sum(len(canonical(entry.model_dump())) + 1 for entry in entries)
