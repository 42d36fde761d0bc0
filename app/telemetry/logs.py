"""JSON logs. The law: one line per model call, tool call and transition, with the fields of the trace.

Inputs and outputs are masked unless `LONGHAUL_LOG_PAYLOADS=full`: `mask` keeps a payload's shape, its short codes and
its numbers' places, and replaces the text a person could be known by. The journal holds the content.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

from app.telemetry.masking import masked

LOGGER = logging.getLogger("longhaul")
_masking = True


class JsonLine(logging.Formatter):
    """One JSON object per record; what a record carries in `fields` stands beside its message."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=True, default=str)


def configure(level: str, payloads: str) -> None:
    """Log JSON lines to standard error; called once per process."""
    global _masking
    _masking = payloads != "full"
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLine())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # Celery's two tell of each message what the lines of the transitions tell of the step.
    for noisy in (
        "httpx", "httpcore", "alembic", "pypdf", "fontTools", "psycopg.pool", "celery.worker.strategy", "celery.app.trace",
    ):  # fmt: skip
        logging.getLogger(noisy).setLevel(logging.WARNING)


def mask(value: Any) -> Any:
    """A payload as logs may show it, by `app.telemetry.masking` unless the settings want it in full."""
    return masked(value) if _masking else value


def event(kind: str, **fields: Any) -> None:
    """One line of the trace. `input` and `output` are masked here."""
    for name in ("input", "output"):
        if name in fields:
            fields[name] = mask(fields[name])
    LOGGER.info(kind, extra={"fields": {"kind": kind, **fields}})


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
