"""A program for the tests: the real supervisor over the children named on its command line."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path

from app.stack.display import display
from app.stack.servers.errors import StackError
from app.stack.servers.postgres import EmbeddedPostgres
from app.stack.servers.services import Command, Server, Service
from app.stack.supervisor import Supervisor, sole_supervisor


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data_dir", type=Path)
    parser.add_argument(
        "children", type=json.loads, help="a JSON object: name -> command; each its own group, in order"
    )
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--grace", type=float, default=5.0)
    parser.add_argument("--settle", type=float, default=0.1)
    options = parser.parse_args()
    data_dir: Path = options.data_dir
    servers: list[Service] = []
    if options.postgres:
        servers.append(Server("postgres", EmbeddedPostgres(data_dir / "postgres", death_signal=signal.SIGINT)))
    groups: list[list[Service]] = [servers]
    for name, argv in options.children.items():
        groups.append([Command(name, argv, data_dir / f"{name}.log", grace=options.grace, settle=options.settle)])
    try:
        with sole_supervisor(data_dir, leftovers_grace=options.grace), display() as show:
            Supervisor(data_dir, groups, show=show).run()
    except StackError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
