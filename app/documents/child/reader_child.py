"""The sandboxed reader: one document on stdin, one JSON answer on stdout, then the process ends.

The law: hostile bytes are parsed only here, after the kernel was told what this process may spend, and it dies with
the process that started it. Whatever the document does, the answer is a status and a stable reason, or the process
dies and its parent reads the reason off the signal.

`app.documents.fork_server` forks it, with the libraries that most documents need already loaded.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys

from app.documents.child.answers import answer_to
from app.documents.child.asked import Asked
from app.documents.child.no_network import refuse_network

_PR_SET_PDEATHSIG = 1


def read(limits: Asked) -> None:
    """Read stdin within the limits and write what the task asks for to stdout. Never returns."""
    die_with_parent(limits["parent"])
    confine(limits)
    refuse_network()
    answer = answer_to(sys.stdin.buffer.read(), limits)
    sys.stdout.buffer.write(json.dumps(answer).encode("ascii"))
    sys.stdout.buffer.flush()
    # Native libraries may hang or crash while they are torn down; the answer is complete.
    os._exit(0)


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent thread dies; end at once if that has already happened."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def confine(limits: Asked) -> None:
    """Set the resource limits: bytes of address space, seconds of CPU, bytes of any file written, open files."""
    for kind, amount in (
        (resource.RLIMIT_AS, limits["memory_bytes"]),
        (resource.RLIMIT_FSIZE, limits["answer_bytes"]),
        (resource.RLIMIT_NOFILE, 32),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        allowed = amount if hard == resource.RLIM_INFINITY else min(amount, hard)
        resource.setrlimit(kind, (allowed, allowed))
    # A soft limit below the hard one: the end is SIGXCPU, which says why, and not a SIGKILL that could be anyone's.
    resource.setrlimit(resource.RLIMIT_CPU, (limits["cpu_seconds"], limits["cpu_seconds"] + 2))
