"""What was suggested before a person was asked: by which model, under which prompt, knowing what.

The law: a suggestion is shown as one, with its maker. What no model said is named as the rules' own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.core.canonical import parse_json
from app.core.declarations.prompts import RULES
from app.core.errors import NotCanonical
from app.store.database import Connection
from app.store.runs import conversations, forks
from app.store.runs.conversations import Seen

_LISTS = ("amounts", "open_questions", "decisions", "facts")


@dataclass(frozen=True, kw_only=True, slots=True)
class Suggestion:
    """`says` is the suggestion as the run keeps it (outcome, amount, currency, reasons, confidence), or the bare answer.

    `summary` is the run summary the model was given, list by list; `messages` is everything it was given.
    """

    says: Mapping[str, Any]
    model: str
    prompt: str
    place: tuple[int, int] | None
    tokens: int
    cost: Any
    summary: Mapping[str, Sequence[Mapping[str, str]]]
    left_out: str
    messages: Sequence[tuple[str, str]]

    @property
    def by_rules(self) -> bool:
        """Whether no model was asked."""
        return self.model == RULES


def suggested(db: Connection, run_id: UUID, step_seq: int, data: Any) -> Suggestion | None:
    """The suggestion that a task of this step was asked with; None where nothing was suggested and no model asked."""
    kept = data.get("recommendation") if isinstance(data, Mapping) else None
    # A model may have been asked for something else since, such as the words of a letter.
    suggests = isinstance(kept, Mapping)
    place = conversations.last_answer_before(db, run_id, step_seq, with_outcome=suggests)
    seen = conversations.seen_by_model(db, run_id, *place) if place else _before_the_fork(db, run_id, suggests)
    if seen is None and not isinstance(kept, Mapping):
        return None
    says = kept if isinstance(kept, Mapping) else seen.output if seen and isinstance(seen.output, Mapping) else {}
    summary, left_out = _summary(seen.messages if seen else ())
    return Suggestion(
        says=says,
        model=str(says.get("provider") or (seen.model if seen else "") or "not named"),
        prompt=(seen.prompt_version if seen else None) or "",
        place=place,
        tokens=_tokens(seen),
        cost=seen.cost if seen else None,
        summary=summary,
        left_out=left_out,
        messages=[_spoken(m) for m in seen.messages] if seen else [],
    )


def _before_the_fork(db: Connection, run_id: UUID, suggests: bool) -> Seen | None:
    """What a model was asked last before a fork was made: by the run it was made from."""
    origin = forks.origin(db, run_id)
    if origin is None:
        return None
    place = conversations.last_answer_before(db, origin.run_id, origin.step_seq, with_outcome=suggests)
    if place:
        return conversations.seen_by_model(db, origin.run_id, *place)
    return _before_the_fork(db, origin.run_id, suggests)


def _tokens(seen: conversations.Seen | None) -> int:
    return (seen.tokens_in or 0) + (seen.tokens_out or 0) if seen else 0


def _summary(messages: Sequence[Any]) -> tuple[dict[str, list[Mapping[str, str]]], str]:
    """The run summary among what a model was given (`app.core.declarations.summary.given`), and what did not fit in it."""
    for message in messages:
        text = message.get("text") if isinstance(message, Mapping) else None
        given = _parsed(text) if isinstance(text, str) and '"summary"' in text else None
        summary = given.get("summary") if isinstance(given, Mapping) else None
        if isinstance(summary, Mapping):
            lists = {name: [e for e in summary.get(name, ()) if isinstance(e, Mapping)] for name in _LISTS}
            return {name: entries for name, entries in lists.items() if entries}, str(summary.get("left_out") or "")
    return {}, ""


def _parsed(text: str) -> Any:
    """A JSON object that stands in a text, alone or at its end."""
    start = text.find("{")
    try:
        return parse_json(text[start:], what="the prompt") if start >= 0 else None
    except NotCanonical:
        return None


def _spoken(message: Any) -> tuple[str, str]:
    """(who, what) of one message."""
    if not isinstance(message, Mapping):
        return "", str(message)
    who = str(message.get("role") or "")
    text = message.get("text")
    if isinstance(text, str):
        return who, text
    return who, json.dumps({k: v for k, v in message.items() if k != "role"}, indent=2, ensure_ascii=False)
