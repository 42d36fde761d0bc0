"""What would be used up first on more cores: from the service times of one result, and from what pgbench says of its disk.

The law: nothing here is measured on more cores than the result's. Each resource has the steps per second at which it alone would be
used up if a step went on costing what it costs here; the least of them is an upper bound, not a promise.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.stack.servers.binaries import postgres_bin
from app.stack.servers.places import Owner
from app.stack.servers.postgres import SERVER_SETTINGS
from benchmarks.machine import machine

CORES = (2, 4, 8, 16, 32, 64, 128)
_MESSAGE = "SELECT pg_logical_emit_message(true, 'bench', repeat('x', {size}));\n"
_BIG = 1_000_000


def probe(seconds: int) -> dict[str, float]:
    """This disk and these cores by pgbench, on a server of its own: the flush of one small commit, the log's bytes per second, and
    pgbench's own transactions, by which machines can be compared.
    """
    with machine() as here:
        server = here.postgres()
        tool = postgres_bin(Owner.unprivileged()) / "pgbench"

        def tps(*arguments: str, size: int | None = None) -> float:
            script = []
            if size is not None:
                file = here.folder / f"message-{size}.sql"
                file.write_text(_MESSAGE.format(size=size))
                script = ["-n", "-f", str(file)]
            said = _run(tool, *script, "-T", str(seconds), *arguments, server.url())
            return float(re.findall(r"tps = ([\d.]+)", said)[0])

        _run(tool, "-i", "-q", "-s", "10", server.url())
        return {
            "flush_ms": round(1000 / tps("-c", "1", size=1), 2),
            "wal_mb_per_s": round(tps("-c", "4", size=_BIG) * _BIG / 1e6, 1),
            "tps": round(tps("-c", "8", "-j", str(os.cpu_count() or 1))),
        }


def _run(tool: Path, *arguments: str) -> str:
    return subprocess.run([str(tool), *arguments], check=True, capture_output=True, text=True, timeout=120).stdout


def limits(result: Mapping[str, Any], name: str = "longhaul") -> dict[str, float]:
    """Steps per second at which each resource but the cores would be used up, by the resource's name."""
    system, pgbench = result["systems"][name], result["pgbench"]
    found = {"the disk of the write-ahead log": pgbench["wal_mb_per_s"] * 1e6 / system["wal_bytes"]}
    if system["redis"]:
        found["Redis, one thread"] = 1000 / system["redis"]
    if system["connections"]:
        usable = int(SERVER_SETTINGS["max_connections"]) - 3  # three are the superuser's
        found[f"{SERVER_SETTINGS['max_connections']} connections (a setting)"] = (
            on_cores(result, result["cores"], name) * usable / system["connections"]
        )
    return found


def on_cores(result: Mapping[str, Any], cores: int, name: str = "longhaul") -> float:
    """Steps per second that so many cores would do, all busy with steps, if nothing else were used up."""
    return cores * 1000 / float(result["systems"][name]["cpu_s_per_1000"])


def first(result: Mapping[str, Any], cores: int, name: str = "longhaul") -> tuple[str, float]:
    """What is used up first on so many cores, and the steps per second there."""
    found = limits(result, name) | {"the cores": on_cores(result, cores, name)}
    least = min(found, key=lambda resource: found[resource])
    return least, found[least]
