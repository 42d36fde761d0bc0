"""`python -m app.stack`: the supervisor in the foreground, with the settings of the environment."""

from __future__ import annotations

import sys

from app.settings import settings
from app.stack.run import run_stack
from app.stack.servers.errors import StackError


def main() -> int:
    """Run until told to stop; 1 with one line of reason where it cannot start."""
    try:
        run_stack(settings())
    except StackError as error:
        sys.stderr.write(f"longhaul: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
