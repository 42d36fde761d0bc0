"""How values look on a page: times, durations, amounts, JSON, and text that others wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from markupsafe import Markup, escape

from app.core.canonical import canonical, restore
from app.core.lifecycle import STOPPED, WAITING, Status
from app.core.statuses import ActionStatus, CheckpointStatus, TaskStatus
from app.core.values.durations import spoken
from app.store.reads.pages import SHOWN_CHARACTERS

# Controls, lone surrogates, and the marks that reorder text: what a person reads must be what is there.
_HIDING = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
_JOINTS = re.compile(r"(?<=[_.])(?=\w)")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ACTOR = re.compile(rf"\b((?:worker|run):{_UUID.pattern.replace('(-', '(?:-')})")


def plain(value: Any) -> Any:
    """A value on its way into a page; None is nothing. Given to Jinja as `finalize`."""
    if value is None:
        return ""
    if isinstance(value, str) and not isinstance(value, Markup):
        return _HIDING.sub(lambda m: f"\\u{ord(m[0]):04x}", restore(value))
    return value


def as_typed(text: str) -> Markup:
    """What a person typed, given back to their form unchanged (escaped, as everything)."""
    return escape(text)


def when(at: datetime | None) -> Markup:
    """A moment, readable by people and programs."""
    if at is None:
        return Markup("–")
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), at.strftime("%Y-%m-%d %H:%M:%S %Z"))


def brief(at: datetime | None) -> Markup:
    """A moment where many stand below each other: without its year and zone, which its title has."""
    if at is None:
        return Markup("–")
    full = at.strftime("%Y-%m-%d %H:%M:%S %Z")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(at.isoformat(), full, f"{at:%d %b %H:%M:%S}")


def duration(seconds: float | None) -> str:
    """Seconds as people say them: "3 d 4 h", "12 m 5 s", "1.4 s", "3 ms"."""
    if seconds is None:
        return "–"
    return f"{max(0.0, seconds) * 1000:.0f} ms" if seconds < 1 else spoken(seconds)


def amount(value: Any) -> str:
    """An amount of money with its thousands apart; what is no number as it stands."""
    try:
        number = Decimal(str(value))
        return f"{number:,.2f}" if number.is_finite() else str(value)
    except InvalidOperation:
        return str(value)


def words(name: Any) -> str:
    """A name of the program as a person would write it: "more_information" -> "More information"."""
    text = str(name).replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def pretty(value: Any) -> str:
    """JSON as a person reads it, cut at 64 KB with a note."""
    text = json.dumps(json.loads(canonical(value)), indent=2, ensure_ascii=False)
    return long_text(text, len(text))


def long_text(text: str, length: int) -> str:
    """A text that may have been cut, with a note if it was. `length`: how long it is uncut, in characters."""
    if length <= SHOWN_CHARACTERS:
        return text
    return f"{text[:SHOWN_CHARACTERS]}\n… cut here: {SHOWN_CHARACTERS:,} of {length:,} characters are shown"


def ordered(record: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """A record with its parts in the order of `names`, then whatever they do not name."""
    return {name: record[name] for name in [*names, *record] if name in record}


def who(actor: str | None) -> Markup:
    """An actor; of one named by a long id only the end of it, where ids of the same minute differ."""
    kind, _, name = (actor or "").partition(":")
    if not name:
        return Markup("{}").format(plain(actor) or "–")
    if not _UUID.fullmatch(name):
        return Markup("{}").format(plain(actor))
    return Markup('<span class="short" title="{}">{} …{}</span>').format(actor, plain(kind), name[-8:])


def short_ids(sentence: str) -> Markup:
    """A sentence with the long ids of workers and runs in it as `who` shows them."""
    pieces = _ACTOR.split(plain(sentence))
    return Markup("").join(who(piece) if n % 2 else escape(piece) for n, piece in enumerate(pieces))


def ticked(text: str) -> Markup:
    """A sentence of ours with its `code` as code."""
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if n % 2 else escape(piece) for n, piece in enumerate(text.split("`"))
    )


def address(path: str) -> Markup:
    """A path, which may be broken before its slashes."""
    return Markup("<wbr>/").join(path.split("/"))


def alarm(rule: str | None) -> Markup:
    """The rule of an open alert, as a badge."""
    return Markup('<span class="status stopped"><span aria-hidden="true">!</span> {}</span>').format(words(plain(rule)))


def name(text: str | None) -> Markup:
    """A name of the program, which may be broken behind its underscores and points."""
    return Markup("<wbr>").join(_JOINTS.split(plain(text or "")))


def is_record(value: Any) -> bool:
    """Whether a value has named parts. A Jinja test."""
    return isinstance(value, Mapping)


_LOOKS: Mapping[str, tuple[str, str]] = {
    Status.READY: ("ready", "○"),
    Status.RUNNING: ("running", "▶"),
    Status.SUSPECTED_DEAD: ("stopped", "!"),
    Status.PAUSED: ("waiting", "‖"),
    Status.COMPLETE: ("done", "✓"),
    Status.FAILED: ("failed", "✕"),
    Status.CANCELLED: ("failed", "✕"),
    **dict.fromkeys(WAITING, ("waiting", "…")),
    **dict.fromkeys(STOPPED, ("stopped", "!")),
    CheckpointStatus.INTENT: ("running", "▶"),
    CheckpointStatus.UNKNOWN: ("stopped", "!"),
    TaskStatus.OPEN: ("waiting", "…"),
    TaskStatus.COMPLETED: ("done", "✓"),
    TaskStatus.EXPIRED: ("stopped", "!"),
    "open": ("stopped", "!"),
    "resolved": ("done", "✓"),
    "pending": ("waiting", "…"),
    "consumed": ("done", "✓"),
    ActionStatus.EXECUTED: ("done", "✓"),
    ActionStatus.CONFIRMED: ("done", "✓"),
    ActionStatus.PROPOSED: ("waiting", "…"),
    ActionStatus.APPROVED: ("waiting", "…"),
    ActionStatus.EXECUTING: ("running", "▶"),
    ActionStatus.DISPUTED: ("failed", "✕"),
    ActionStatus.VOID: ("ready", "–"),
}


def look(status: str | None) -> Markup:
    """A status as a badge: sign, words and colour, none of them alone."""
    if not status:
        return Markup("")
    kind, sign = _LOOKS.get(status, ("ready", "○"))
    return Markup('<span class="status {}"><span aria-hidden="true">{}</span> {}</span>').format(
        kind, sign, plain(str(status).replace("_", " "))
    )
