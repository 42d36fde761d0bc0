"""Ids, keys, and the names by which a message reaches our workers.

The law: an idempotency key is a function of (run, step_seq, call_seq, key_epoch) and never of the attempt or the
lease, so every attempt of a call, on any worker, sends the same key. What is random is drawn from the system's generator and
given out once: drawn ahead, because each drawing gives the interpreter to another thread, and drawn anew after a fork.

Every key of ours in Redis begins with KEY_PREFIX, so that other programs may use the same database of it; a queue without
it is another queue, which nobody of ours reads. RabbitMQ knows no prefix.
"""

from __future__ import annotations

import os
import threading
import uuid
from functools import lru_cache
from uuid import UUID

import uuid_utils

from app.core.errors import BadInput

KEY_PREFIX = "longhaul:"
INTAKE = "intake"  # the queue of START
START = "longhaul.start"


def new_id() -> UUID:
    """A UUIDv7: unique, and ascending with time so that indexes grow at their end."""
    return UUID(int=uuid_utils.uuid7().int)


def new_token() -> UUID:
    """A random lease token: never derived, so a lost lease is never confused with a new one."""
    return UUID(bytes=_drawn.take(), version=4)


def new_salt() -> str:
    """What is hashed with a payload, so that nobody finds the payload by trying digests: 64 bits, in hex."""
    return _drawn.take()[:8].hex()


class _Drawn(threading.local):
    """Random bytes of one thread in one process, by 16."""

    def __init__(self) -> None:
        self._pid, self._ahead = os.getpid(), list[bytes]()

    def take(self) -> bytes:
        if not self._ahead or self._pid != os.getpid():
            drawn = os.urandom(_DRAWN_AT_ONCE)
            self._pid, self._ahead = os.getpid(), [drawn[at : at + 16] for at in range(0, _DRAWN_AT_ONCE, 16)]
        return self._ahead.pop()  # in one step: a signal's handler may take, too


_DRAWN_AT_ONCE = 2048
_drawn = _Drawn()


def child_id(parent: UUID, step_seq: int, n: int) -> UUID:
    """The id of the n-th child run started by a step: the same in every attempt."""
    return uuid.uuid5(parent, f"{step_seq}.{n}")


def idempotency_key(run_id: UUID, step_seq: int, call_seq: int, key_epoch: int) -> str:
    """The key a tool sends downstream. `key_epoch` rises only when a person decides that the call did not happen."""
    return f"lh-{run_id}-{step_seq}-{call_seq}-{key_epoch}"


def queue_name(pool: str, workflow: str, version: int) -> str:
    """`<pool>.<workflow>.v<version>`: a worker subscribes to the versions it has."""
    return f"{pool}.{workflow}.v{version}"


def task_name(workflow: str, state: str) -> str:
    """The Celery task of a state: `insurance_claim.EXTRACTING_DATA`."""
    return f"{workflow}.{state}"


def task_id(run_id: UUID, state: str, step_seq: int) -> str:
    """The deterministic id under which Flower and the run page know a step."""
    return f"{run_id}.{state}.{step_seq}"


def run_of_task(text: str) -> UUID | None:
    """The run of a step's task id; None for any other text, such as the id of a sweep's task."""
    run_id, _, step = text.partition(".")
    state, _, step_seq = step.rpartition(".")
    try:
        return UUID(run_id) if state and step_seq.isdecimal() else None
    except ValueError:
        return None


@lru_cache(maxsize=64)
def worker_of(actor: str) -> UUID | None:
    """The worker that an actor of transitions is; None of any other."""
    kind, _, name = actor.partition(":")
    try:
        found = UUID(name) if kind == "worker" else None
    except ValueError:
        return None
    return found if str(found) == name else None


def parse_run_id(text: str) -> UUID:
    """A run id as people paste it. Raises BadInput with the expected form."""
    try:
        return UUID(text.strip().split(".")[0])
    except ValueError:
        raise BadInput(f"{text!r} is no run id; one looks like 01934f7e-8c1a-7d2e-9b1f-3a5c7e9d1f20") from None
