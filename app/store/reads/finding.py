"""Which run somebody means: one way to look it up, whatever they have of it. Pages, API and commands all ask here.

The law: every look is by an index and bounded. A whole name comes before a beginning: a subject, another name of the run
(its policy's number, say) or a document's hash written out is never drowned by ids that happen to begin so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.core.canonical import canonical
from app.store import rows
from app.store.database import Connection

SHORTEST = 4  # characters of a beginning
_HEX = re.compile(r"[0-9a-f]+")
_SHA256 = 64

_RUN = "r.id AS run_id, r.workflow, r.subject, r.status"
_BY_ID = f"SELECT {_RUN} FROM runs r WHERE r.id = %(id)s"
_BY_SUBJECT = (
    f"SELECT {_RUN} FROM runs r WHERE r.subject = %(text)s AND r.parent_run_id IS NULL AND r.forked_from IS NULL"
)
_OTHER_SUBJECT = f"""
SELECT {_RUN} FROM runs r
WHERE r.subject = %(text)s AND (r.parent_run_id IS NOT NULL OR r.forked_from IS NOT NULL) ORDER BY r.id DESC LIMIT %(limit)s"""
_BY_NAME = f"""
SELECT {_RUN} FROM run_names n JOIN runs r ON r.id = n.run_id
WHERE n.name = %(text)s ORDER BY r.id DESC LIMIT %(limit)s"""
# OFFSET 0: the documents first, by their index, then their runs, each by its key.
_BY_DOCUMENT = f"""
SELECT {_RUN} FROM (
    SELECT DISTINCT run_id FROM documents WHERE sha256 >= %(low)s AND sha256 <= %(high)s ORDER BY run_id DESC LIMIT %(limit)s) d
CROSS JOIN LATERAL (SELECT * FROM runs WHERE runs.id = d.run_id OFFSET 0) r ORDER BY r.id DESC"""
_BY_PREFIX = f"""
SELECT {_RUN} FROM runs r WHERE r.id BETWEEN %(low)s AND %(high)s ORDER BY r.id DESC LIMIT %(limit)s"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A run that a text may mean; `by`: what of it the text is (id, subject, name, document, beginning)."""

    run_id: UUID
    workflow: str
    subject: str
    status: str
    by: str


def find_all(db: Connection, text: str, *, limit: int = 6) -> list[Found]:
    """The runs a text may mean, newest first, at most `limit`; empty if none.

    The text: a run's id, its 32 hexadecimal digits (its trace id) or a task id; a subject; another name of the run; a
    document's SHA-256; or the beginning, four characters or more, of an id or of such a hash. The first of these that
    finds anything counts; a subject means the run it was given to before a child or a fork that carries the same one.
    """
    text = text.strip()
    if exact := _as_id(text):
        return _asked(db, "id", _BY_ID, {"id": exact})
    params: dict[str, Any] = {"text": text, "limit": limit}
    found = (
        _asked(db, "subject", _BY_SUBJECT, params)
        or _asked(db, "name", _BY_NAME, params)
        or _asked(db, "subject", _OTHER_SUBJECT, params)
    )
    if found or not (digits := _digits(text)):
        return found
    hashes = {"low": digits, "high": digits.ljust(_SHA256, "f"), "limit": limit}
    if len(digits) > 32:
        return _asked(db, "document", _BY_DOCUMENT, hashes)
    ids = {"low": UUID(digits.ljust(32, "0")), "high": UUID(digits.ljust(32, "f")), "limit": limit}
    begun = _asked(db, "beginning", _BY_PREFIX, ids)
    known = {each.run_id for each in begun}
    documents = [each for each in _asked(db, "document", _BY_DOCUMENT, hashes) if each.run_id not in known]
    return [*begun, *documents][:limit]


def _asked(db: Connection, by: str, query: str, params: Mapping[str, Any]) -> list[Found]:
    return [Found(by=by, **row) for row in db.execute(query, params).fetchall()]


def _as_id(text: str) -> UUID | None:
    """A whole id, with or without its hyphens, or the id at the beginning of a task id (`<run_id>.<STATE>.<step_seq>`)."""
    try:
        return UUID(text.split(".", maxsplit=1)[0])
    except ValueError:
        return None


def is_id(text: str) -> bool:
    """Whether a text is a whole id, so that nothing else can be meant."""
    return _as_id(text.strip()) is not None


def _digits(text: str) -> str | None:
    """The hexadecimal digits of what may be the beginning of an id or of a hash."""
    digits = text.lower().replace("-", "")
    return digits if SHORTEST <= len(digits) <= _SHA256 and _HEX.fullmatch(digits) else None


def as_names(names: Iterable[tuple[str, str]]) -> str:
    """Names (kind, name) as the journal takes them beside a move; blank ones say nothing."""
    return canonical([{"kind": kind, "name": name.strip()} for kind, name in names if name.strip()])


def keep_names(db: Connection, run_id: UUID, names: Iterable[tuple[str, str]]) -> None:
    """Let a run be found by these names (kind, name) too. Kept once each, and never taken back: people have them on paper."""
    db.execute(
        """INSERT INTO run_names (name, run_id, kind, created_at)
           SELECT n.name, %(id)s, n.kind, app_now() FROM jsonb_to_recordset(%(names)s::jsonb) AS n(name text, kind text)
           ON CONFLICT DO NOTHING""",
        {"id": run_id, "names": as_names(names)},
    )


@dataclass(frozen=True, slots=True)
class OtherName:
    """Another name of a run, such as its policy's number."""

    kind: str
    name: str


def names_of(db: Connection, run_id: UUID) -> list[OtherName]:
    """The other names of a run."""
    query = "SELECT kind, name FROM run_names WHERE run_id = %s ORDER BY created_at, name"
    return rows.every(db, OtherName, query, [run_id])
