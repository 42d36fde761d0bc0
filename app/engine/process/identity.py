"""Which process one is, so that another on its machine can be certain that it has ended.

The law: certain is only who saw it alive. A process id means another process on another machine, in another container,
and later on the same one; so the machine's boot, the namespace of process ids and the process's start belong to it, and
what cannot be found is not dead: it was never here. The end itself is told by the kernel, not inferred.
"""

from __future__ import annotations

import os
import select
import sys
from pathlib import Path

_STARTED = 19  # of the fields after the command's name, which may itself hold blanks and brackets


def own() -> str | None:
    """What this process is; None where the system does not say, as outside Linux."""
    try:
        # Of another namespace's /proc nothing may be believed.
        return of(os.getpid()) if str(Path("/proc/self").readlink()) == str(os.getpid()) else None
    except OSError:
        return None


def of(pid: int) -> str:
    """What process `pid` is now. Raises OSError if there is none, or the system does not say."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    namespace = Path("/proc/self/ns/pid").readlink()
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    return f"boot {boot} {namespace} started {fields[_STARTED]}"


def handle(pid: int, named: str) -> int | None:
    """A descriptor of the living process `pid` that is what was `named`; None if there is none here.

    It is readable as soon as the process has ended, and is for the caller to close.
    """
    if sys.platform != "linux" or not hasattr(os, "pidfd_open"):
        return None
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        return None
    # It lives after its name was read, so the descriptor and the name are of one process.
    if _is(pid, named) and not has_ended(descriptor):
        return descriptor
    os.close(descriptor)
    return None


def has_ended(descriptor: int) -> bool:
    """Whether the process of a handle has ended."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def _is(pid: int, named: str) -> bool:
    try:
        return of(pid) == named
    except OSError:
        return False
