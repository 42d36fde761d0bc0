"""How many files and connections a worker may have open at once: its descriptors.

The law: a limit that a worker's slots cannot live with is raised, or said, when the worker starts, not met in the
middle of its steps.
"""

from __future__ import annotations

import resource

OF_PROCESS = 128  # the broker, sessions of the database, logs, libraries; what sweeps read
PER_SLOT = 4  # a connection to a model or another service, a document, and the pipes of its reader
SLOTS = 16  # of a worker that nobody gave a number: `worker_concurrency` of celeryconfig
REMEDY = "raise the hard limit (`LimitNOFILE=` of systemd, `ulimit -Hn`), or start the worker with fewer slots (`-c`)"
_LIMIT = resource.RLIMIT_NOFILE


def needed(slots: int) -> int:
    """How many descriptors a worker with so many slots can need."""
    return OF_PROCESS + PER_SLOT * slots


def provide(slots: int) -> str | None:
    """Raise this process's soft limit to its hard one if only that suffices. What is wrong where it does not, else None."""
    soft, hard = resource.getrlimit(_LIMIT)
    if _at_least(soft, needed(slots)):
        return None
    if _at_least(hard, needed(slots)):
        resource.setrlimit(_LIMIT, (needed(slots) if hard == resource.RLIM_INFINITY else hard, hard))
        return None
    return missing(slots)


def missing(slots: int) -> str | None:
    """What is wrong with the hard limit of this process for so many slots, and for how many it would do; None if nothing is."""
    _, hard = resource.getrlimit(_LIMIT)
    if _at_least(hard, needed(slots)):
        return None
    enough = max(0, (hard - OF_PROCESS) // PER_SLOT)
    needs = f"{slots:,} slots can need {needed(slots):,} open files and connections"
    return f"{needs}; at most {hard:,} are allowed, enough for {enough:,} slots"


def _at_least(limit: int, wanted: int) -> bool:
    return limit == resource.RLIM_INFINITY or limit >= wanted
