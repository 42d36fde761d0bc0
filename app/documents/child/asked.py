"""What the sandboxed child is asked, as it stands in its arguments: a task, and what looking at the document may cost.

The parent writes it in `app.documents.confined`; what each limit means is said in `ReadLimits` there.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


class Task(TypedDict):
    """page: of "scan" and "show", counted from 1."""

    name: Literal["text", "scan", "parts", "show"]
    page: NotRequired[int]


class Asked(TypedDict):
    """answer_bytes: the most the answer may have. parent: the process that asks; the child dies with it."""

    task: Task
    answer_bytes: int
    parent: int
    pages: int
    page_text_bytes: int
    text_bytes: int
    content_bytes: int
    pixels: int
    picture_pixels: int
    attachments: int
    attachment_bytes: int
    memory_bytes: int
    cpu_seconds: int
    wall_seconds: float
