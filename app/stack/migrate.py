"""`python -m app.stack.migrate`: bring the configured database to this version's schema, then end.

The application's own tables are brought along; the insurer's policies are made empty: a look-up finds nothing and does not fail.

It is the first thing a deploy does; any number of them at once is one migration. Run it too after a restore: it gives
the roles their rights again, which no dump carries.
"""

from __future__ import annotations

import argparse
import sys

from app.application import installed, roles
from app.settings import settings
from app.store.migrate import CannotMigrate, upgrade


def main(arguments: list[str] | None = None) -> int:
    """Migrate; 1 with one line of reason where no database is configured or it cannot be done."""
    argparse.ArgumentParser(prog="python -m app.stack.migrate", description=__doc__).parse_args(arguments)
    url = settings().database_url
    if not url:
        sys.stderr.write("longhaul: set LONGHAUL_DATABASE_URL to the database that is to be migrated.\n")
        return 1
    try:
        standing = upgrade(url, roles(settings()))
    except CannotMigrate as problem:
        sys.stderr.write(f"longhaul: {problem}.\n")
        return 1
    installed(settings()).migrate(url)
    sys.stdout.write(f"the database is at {standing}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
