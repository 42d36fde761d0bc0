"""The page of an evidence pack that tells a run's story to people: one file, no script, nothing fetched from anywhere.

The law: it is made of the same snapshot as the records beside it, says nothing they do not, and neither when nor by whom the
pack was made: the manifest says that, so that the page of an unchanged run is the same. Every value is escaped; a character
that could hide or turn text shows as its code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from app.core.canonical import restore
from app.core.values.durations import spoken
from app.store.database import Connection
from app.store.human_tasks import task_list
from app.store.human_tasks.rows import AgedTask
from app.store.human_tasks.task_list import TaskFilter
from app.store.ledger import actions
from app.store.reads import alert_list, run_list, timeline
from app.store.reads.alert_list import AlertLine
from app.store.reads.run_list import ChildLine

TOLD = 3000  # entries of the story; the records hold all
_HIDING = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
_CHILDREN = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Story:
    """What of a run's records the page tells, read in the pack's snapshot."""

    entries: Sequence[timeline.EntryLine]
    more: bool
    tasks: Sequence[AgedTask]
    actions: Sequence[actions.Listed]
    alerts: Sequence[AlertLine]
    children: Sequence[ChildLine]


def story(db: Connection, run_id: UUID) -> Story:
    """Read it."""
    entries = timeline.page(db, run_id, timeline.EntryFilter(), limit=TOLD + 1)
    return Story(
        entries=entries[:TOLD],
        more=len(entries) > TOLD,
        tasks=task_list.whole(db, TaskFilter(status=None, run=run_id)),
        actions=actions.of_run(db, run_id),
        alerts=alert_list.of_run(db, run_id)[::-1],
        children=run_list.children(db, run_id, limit=_CHILDREN),
    )


def page(read: Story, **told: Any) -> bytes:
    """The page: the story, and by name `run`, `data`, `erased`, `findings`, `documents`, `diagram`, `up` (the way to the top)."""
    return _template().render(story=read, **told).encode("utf-8", "backslashreplace")


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(when=_when, spoken=spoken, pretty=_pretty, person=_person, typed=_typed)
    environment.tests["record"] = lambda value: isinstance(value, Mapping)
    return environment.get_template("page.html")


def _shown(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, str) and not isinstance(value, Markup):
        return _HIDING.sub(lambda m: f"\\u{ord(m[0]):04x}", restore(value))
    return value


def _when(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if at else "–"


def _person(actor: str | None) -> str:
    return (actor or "").replace(":", " ", 1)


def _typed(answer: Any) -> Mapping[str, Any]:
    """What a person filled in; who they were stands beside it."""
    values = answer.get("values", answer) if isinstance(answer, Mapping) else None
    return values if isinstance(values, Mapping) else {}


def _pretty(value: Any) -> str:
    return json.dumps(restore(value), indent=2, ensure_ascii=False, default=str)
