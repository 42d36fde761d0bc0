"""What a message must be to be worked on, and what is left of it: what our dispatcher, beat and clients would send.

The law: nothing a message says reaches Celery's machinery unless it is named here. So no header can name a time
limit, a later time, a retry, a rate or another task to run, and none can be of a type that Celery trips over.
"""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime
from typing import Any

from app.telemetry import logs
from tasks import refusals

_LONGEST_ID = 255
_LONGEST_REPR = 1024
_DEEPEST = 100  # levels of nesting; payloads themselves may have 64


class Refused(Exception):
    """The message is none of ours; the text says why."""


def log_refused(reason: object, queue: object, headers: object = None) -> None:
    """The one line of a refused message, which is counted too. `queue` is where it lay, None if that cannot be known."""
    said = headers if isinstance(headers, dict) else {}
    task, name = _word(said.get("task")), _word(said.get("id"))
    refusals.count("bell", queue=queue, name=task, reason=reason, said={"task": task, "id": name})
    logs.event("bell_refused", reason=str(reason)[:300], queue=None if queue is None else str(queue)[:200])


def _word(given: Any) -> str | None:
    """What a header says; of one that is no text only its type, as it may be of any size."""
    return given if given is None or isinstance(given, str) else f"<{type(given).__name__}>"


def check(message: Any, tasks: Container[str]) -> None:
    """Make of a message one that can only ask for one of `tasks`; its headers are replaced. Raises Refused."""
    if malformed := getattr(message, "malformed", None):
        raise Refused(malformed)
    headers = message.headers
    task, name = headers.get("task"), headers.get("id")
    if not isinstance(task, str):
        raise Refused("it names no task")
    # Celery's own tasks run other tasks, or retry for ever.
    if task not in tasks or task.startswith("celery."):
        raise Refused(f"there is no task {task[:100]!r} here")
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_ID or not name.isprintable():
        raise Refused(f"its id is not 1 to {_LONGEST_ID} printable characters")
    if headers.get("eta") is not None:
        raise Refused("it asks to be kept for later; only timers in the database do that")
    _check_body(message)
    message.headers = headers_of(
        task,
        name,
        expires=_expires(headers.get("expires")),
        argsrepr=_text(headers.get("argsrepr")),
        kwargsrepr=_text(headers.get("kwargsrepr")),
        origin=_text(headers.get("origin")),
    )


def headers_of(
    task: str, name: str, *, argsrepr: str, kwargsrepr: str, origin: str, expires: str | None = None
) -> dict[str, Any]:
    """The headers of a message that asks for `task` under the id `name`, as Celery is given them."""
    return {
        "lang": "py",
        "task": task,
        "id": name,
        "root_id": name,
        "parent_id": None,
        "group": None,
        "shadow": None,
        "eta": None,
        "expires": expires,
        "retries": 0,
        "timelimit": [None, None],
        "argsrepr": argsrepr,
        "kwargsrepr": kwargsrepr,
        "origin": origin,
        "ignore_result": True,
    }


def _check_body(message: Any) -> None:
    try:
        body = message.decode()  # kept by the message, so Celery does not read it again
    except Exception as problem:
        raise Refused(f"its body cannot be read: {type(problem).__name__}: {problem}") from problem
    match body:
        case [list(), dict(), dict() as embedded]:
            if any(embedded.values()):
                raise Refused("it asks for other tasks to be run after it")
        case _:
            raise Refused("its body is not [arguments, named arguments, options]")
    # A short text cannot hold enough levels to matter, and a doorbell is short.
    if len(message.body) > 4 * _DEEPEST and _is_deep(body):
        raise Refused(f"its arguments are nested deeper than {_DEEPEST} levels")


def _is_deep(value: Any) -> bool:
    """Whether it has too many levels for whoever walks it by recursion, as the pickling for a prefork child does."""
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, list | dict)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True


def _expires(given: Any) -> str | None:
    if given is None:
        return None
    try:
        moment = datetime.fromisoformat(given)
    except (TypeError, ValueError) as problem:
        raise Refused(f"when it expires is no time: {problem}") from problem
    # At the ends of the calendar a change of time zone overflows.
    if moment.tzinfo is None or not 1 < moment.year < 9999:
        raise Refused("when it expires has no time zone, or lies at an end of the calendar")
    return str(given)


def _text(given: Any) -> str:
    return given[:_LONGEST_REPR] if isinstance(given, str) else ""
