"""The page of a human task, whatever was just done on it: shown, refused, or come second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from app.accounts.people import Person
from app.accounts.rights import Right, may
from app.core.canonical import canonical
from app.core.errors import BadInput, LonghaulError, NotEntitled
from app.core.statuses import TaskStatus
from app.engine.runtime import Runtime
from app.humans.entitled import refusal
from app.web.http import show
from app.web.http.form_fields import FormField, answers_of
from app.web.http.render import render
from app.web.http.session import session_of
from app.web.human_tasks import evidence, proof
from app.web.human_tasks.sight import Sight, see

_SHORT_NOTE, _LEAD = 900, 200  # characters
SNOOZES = {"2h": "for 2 hours", "1d": "until tomorrow", "3d": "for 3 days", "7d": "for a week", "14d": "for two weeks"}


@dataclass(frozen=True, slots=True)
class Compared:
    """One field of an answer that came second, beside the one that counts."""

    label: str
    theirs: str
    mine: str

    @property
    def differs(self) -> bool:
        """Whether the two say something else."""
        return self.theirs.strip() != self.mine.strip()


@dataclass(frozen=True, slots=True)
class Note:
    """The note of a task: its first paragraphs, which say what is asked, and the rest of a long one."""

    lead: str
    rest: str

    @classmethod
    def of(cls, text: str) -> Note:
        """A short note whole; of a long one as many paragraphs as say something."""
        lead, rest = "", text
        while rest and (len(text) <= _SHORT_NOTE or len(lead) < _LEAD):
            paragraph, _, rest = rest.partition("\n\n")
            lead = f"{lead}\n\n{paragraph}" if lead else paragraph
        return cls(lead, rest)


def task_page(
    request: Request,
    rt: Runtime,
    me: Person,
    sight: Sight,
    *,
    typed: Mapping[str, str] | None = None,
    wrong: Mapping[str, str] | None = None,
    message: str = "",
    status: int = 200,
) -> Response:
    """The page, with what the person had typed: now, else in their draft."""
    task = sight.task
    why_not = refusal(task, me)
    has_form = task.status == TaskStatus.OPEN and not why_not
    restored = sight.draft if has_form and sight.draft and not _answers(typed) else None
    fields = sight.fields(restored.draft if restored else typed)
    given = (task.answer or {}).get("values", {})
    return render(
        request,
        "human_tasks/task.html",
        status=status,
        sight=sight,
        task=task,
        now=sight.now,
        fields=fields,
        typed=typed or {},
        wrong=wrong or {},
        first_wrong=next((field.name for field in fields if field.name in (wrong or {})), None),
        message=message,
        refusal=why_not,
        restored=restored,
        given={field.label: given.get(field.name) for field in fields},
        compared=_compared(fields, given) if _answers(typed) and not has_form else (),
        changed=_changed(fields, task.defaults, given) if task.status == TaskStatus.COMPLETED else (),
        note=Note.of(task.note),
        page=evidence.page_of(rt, sight.documents, request.query_params),
        address=evidence.address,
        may_take_over=may(rt, me, Right.TAKE_OVER),
        may_comment=may(rt, me, Right.COMMENT),
        snoozes=SNOOZES,
        proof=proof.asked_for(task, session_of(request)) if has_form else None,
    )


def refused(
    request: Request, rt: Runtime, me: Person, task_id: UUID, problem: LonghaulError, typed: Mapping[str, str]
) -> Response:
    """The page as it stands now, with why something was refused and what was typed."""
    status = 403 if isinstance(problem, NotEntitled) else 400 if isinstance(problem, BadInput) else 409
    text = str(problem)
    message = f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"
    return task_page(request, rt, me, see(rt, task_id, me), typed=typed, message=message, status=status)


def _answers(typed: Mapping[str, str] | None) -> bool:
    return any(text.strip() for text in answers_of(typed or {}).values())


def _compared(fields: Sequence[FormField], given: Mapping[str, Any]) -> list[Compared]:
    """What somebody wrote beside the answer that counts; if none was given there is nothing beside it."""
    return [
        Compared(field.label, _told(field, given.get(field.name)), _chosen(field))
        for field in fields
        if field.value.strip() or given.get(field.name)
    ]


def _changed(fields: Sequence[FormField], suggested: Mapping[str, Any], given: Mapping[str, Any]) -> list[Compared]:
    """Where the answer is another one than was suggested in the form."""
    told = [(field, suggested.get(field.name), given.get(field.name)) for field in fields]
    both = [Compared(field.label, _told(field, before), _told(field, after)) for field, before, after in told]
    return [one for one in both if one.theirs and one.differs]


def _told(field: FormField, value: Any) -> str:
    if value is None or value == "":
        return ""
    named = next((label for _, label, known in field.choices if known == value), None)
    if isinstance(value, list):
        return "\n".join(map(str, value))
    return named or (value if isinstance(value, str) else canonical(value))


def _chosen(field: FormField) -> str:
    return next((label for text, label, _ in field.choices if text == field.value), show.plain(field.value))
