"""`python -m app.stack.clean`: stop the stack, remove its data folder and everything it has put outside of it."""

from __future__ import annotations

import contextlib
import shutil
import sys
from pathlib import Path

from app.settings import settings
from app.stack.run import stop_stack
from app.stack.servers.binaries import copied_postgres, packaged_postgres
from app.stack.servers.errors import StackError, StackNotRunning
from app.stack.servers.places import Owner, can_reach, remove_bare_bases, remove_outside


def clean(data_dir: Path) -> list[Path]:
    """Remove all traces of the stack on `data_dir`; returns the folders removed.

    Raises StackError where the folder does not look like ours: a mistyped LONGHAUL_DATA_DIR must not cost a home.
    """
    if data_dir.exists() and not (data_dir.name == ".longhaul" or (data_dir / "stack.lock").exists()):
        raise StackError(f"{data_dir} does not look like a data folder of Longhaul. Remove it by hand if it is one.")
    with contextlib.suppress(StackNotRunning):
        stop_stack(data_dir)
    removed = remove_outside(data_dir) if data_dir.exists() else []
    for folder in (data_dir, *_copies()):
        if folder.is_dir():
            shutil.rmtree(folder)
            removed.append(folder)
    remove_bare_bases()
    return removed


def _copies() -> list[Path]:
    """The copy of this installation's Postgres that was made for a user who could not reach it."""
    installed = packaged_postgres()
    if installed is None or can_reach(installed / "postgres", Owner.unprivileged()):
        return []
    return [copied_postgres(installed)]


def main() -> int:
    """Clean up after the settings' data folder and say what went."""
    try:
        removed = clean(settings().data_dir.absolute())
    except StackError as error:
        sys.stderr.write(f"longhaul: {error}\n")
        return 1
    sys.stdout.write("".join(f"removed {folder}\n" for folder in removed) or "nothing to remove\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
