"""What is measured side by side: Longhaul, a plain Celery chain, and the durable engines that PyPI has.

Each system is one module here, a program that `driver.py` turns into lines of questions and answers. The peers' packages are
the dependency group `peers`, installed in an environment of their own (`.venv-peers`): none of them is a dependency of ours.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PEERS = str(PROJECT / ".venv-peers/bin/python")


@dataclass(frozen=True, slots=True)
class Side:
    """One system as it is measured. note: what a reader of its figures must know; missing: why it cannot be measured."""

    name: str
    title: str
    module: str
    python: str = sys.executable
    servers: tuple[str, ...] = ("postgres",)
    options: Mapping[str, int | str] = field(default_factory=dict)
    note: str = ""
    missing: str = ""


LONGHAUL = Side(
    "longhaul",
    "Longhaul",
    "longhaul",
    servers=("postgres", "redis"),
    options={"workers": 2, "threads": 16},
    note="as delivered: journal, chained transitions, JSON logs, task events for Flower, beat with its sweeps",
)
CHAIN = Side(
    "chain_threads",
    "plain Celery chain, threads",
    "chain",
    servers=("redis",),
    options={"workers": 2, "pool": "threads", "slots": 16},
    note="not durable",
)
CHAIN_PREFORK = Side(
    "chain_prefork",
    "plain Celery chain, prefork",
    "chain",
    servers=("redis",),
    options={"workers": 1, "pool": "prefork", "slots": 2},
    note="not durable",
)
ABSURD = Side(
    "absurd",
    "Absurd",
    "absurd",
    PEERS,
    options={"workers": 4},
    note="4 processes, which look for tasks every 5 ms (as delivered 250 ms)",
)
LANGGRAPH = Side(
    "langgraph",
    "LangGraph",
    "langgraph",
    PEERS,
    options={"workers": 4},
    note="4 processes, durability `sync`; what is submitted is not durable, nor does anybody go on with a run whose process died",
)
DBOS = Side(
    "dbos",
    "DBOS",
    "dbos",
    PEERS,
    options={"workers": 4, "slots": 8},
    note="4 processes, a queue looked at every 10 ms (as delivered 1 s); the idle run is started in its own process, without the queue",
)
RESTATE = Side("restate", "Restate", "", missing="its server is a program in Rust that PyPI does not have")

SIDES = (LONGHAUL, ABSURD, CHAIN, CHAIN_PREFORK, LANGGRAPH, DBOS, RESTATE)
