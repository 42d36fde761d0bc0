"""JSON logs. The law: one line per model call, tool call and transition, with the fields of the trace; nobody waits for it.

A line of ours goes to the outlet without `logging` wherever that would bring it there and nowhere else. Whoever adds a
handler or a filter gets a record of each line.

Inputs and outputs are masked unless `LONGHAUL_LOG_PAYLOADS=full`: `mask` keeps a payload's shape, its short codes and
its numbers' places, and replaces the text a person could be known by. The journal holds the content.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from datetime import UTC, datetime
from typing import Any, NoReturn

from app.telemetry.masking import masked
from app.telemetry.outlet import Outlet

LOGGER = logging.getLogger("longhaul")
LAST_WORDS_SECONDS = 0.2
_masking = True
_outlet: Outlet | None = None


class JsonLine(logging.Formatter):
    """One JSON object per record; what a record carries in `fields` stands beside its message."""

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = getattr(record, "fields", {})
        if record.exc_info:
            fields = fields | {"error": self.formatException(record.exc_info)}
        return _line(record.created, record.levelname, record.name, record.getMessage(), fields)


_ENCODER = json.JSONEncoder(ensure_ascii=True, default=str)


def _line(at: float, level: str, logger: str, message: str, fields: dict[str, Any]) -> str:
    """`at` is in seconds since 1970; a `timestamp` among the fields, such as a transition's own, stands in its place."""
    timestamp = fields["timestamp"] if "timestamp" in fields else datetime.fromtimestamp(at, UTC).isoformat()
    line = {"timestamp": timestamp, "level": level, "logger": logger, "message": message}
    return _ENCODER.encode(line | fields)


def configure(level: str, payloads: str) -> None:
    """Log JSON lines to standard error."""
    global _masking
    _masking = payloads != "full"
    handler = _handler()
    handler.setFormatter(JsonLine())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # Celery's two tell of each message what the lines of the transitions tell of the step.
    for noisy in (
        "httpx",
        "httpcore",
        "alembic",
        "pypdf",
        "fontTools",
        "psycopg.pool",
        "celery.worker.strategy",
        "celery.app.trace",
    ):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _handler() -> logging.Handler:
    """The process's outlet, made once. What has no descriptor, such as a test's buffer, makes nobody wait."""
    global _outlet
    try:
        descriptor = sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):
        return logging.StreamHandler(sys.stderr)
    if _outlet is None:
        _outlet = Outlet(descriptor)
    return _outlet


def flush() -> None:
    """Wait for the last lines, but not for long: before an end that `logging` does not see."""
    if _outlet is not None:
        _outlet.flush()


def end_process(code: int) -> NoReturn:
    """End at once, whatever other threads do. The last lines get a moment, and no more."""
    if _outlet is not None:
        _outlet.drain(LAST_WORDS_SECONDS)
    os._exit(code)


def mask(value: Any) -> Any:
    """A payload as logs may show it, by `app.telemetry.masking` unless the settings want it in full."""
    return masked(value) if _masking else value


def event(kind: str, **fields: Any) -> None:
    """One line of the trace. `input` and `output` are masked here."""
    if not LOGGER.isEnabledFor(logging.INFO):
        return
    for name in ("input", "output"):
        if name in fields:
            fields[name] = mask(fields[name])
    said = {"kind": kind, **fields}
    if _outlet is not None and _leads_only_to(_outlet):
        _outlet.put(lambda: _line(time.time(), "INFO", LOGGER.name, kind, said))
    else:
        LOGGER.info(kind, extra={"fields": said})


def _leads_only_to(outlet: Outlet) -> bool:
    """Whether `logging` would hand our lines to this handler alone, and all of them."""
    more = LOGGER.handlers or LOGGER.filters or outlet.filters or logging.root.handlers != [outlet]
    return LOGGER.propagate and not more and outlet.level <= logging.INFO


def transition(
    run_id: Any,
    step: str,
    *,
    at: Any,
    seq: int,
    name: str,
    from_status: str,
    to_status: str,
    to_state: str,
    actor: str,
    reason: str | None,
    latency_ms: float | None = None,
    output: Any = None,
) -> None:
    """The line of a committed transition."""
    event(
        "transition",
        run_id=str(run_id),
        step=step,
        timestamp=at.isoformat(),
        seq=seq,
        event=name,
        from_status=from_status,
        to_status=to_status,
        to_state=to_state,
        actor=actor,
        reason=mask(reason),
        latency_ms=latency_ms,
        input=None,
        output=output,
    )


# What a run died of is told in these: an exception's text, which may hold anything.
_TELLING = frozenset({"failed_retriable", "dead_letter"})


def alert(what: str, *, rule: str, subject: str, run_id: Any, message: str) -> None:
    """The line of an alert: `what` is "opened" or "resolved"."""
    event(
        "alert",
        alert=what,
        rule=rule,
        subject=subject,
        run_id=str(run_id) if run_id else None,
        reason=mask(message) if rule in _TELLING else message,
    )
