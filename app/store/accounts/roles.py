"""The roles there are and what each may, as the database knows them. The law: only the owner writes them, when it migrates."""

from __future__ import annotations

import sqlalchemy as sa

from app.core.declarations.roles import Roles

_WRITE = """
WITH declared AS (SELECT * FROM unnest(CAST(:roles AS text[]), CAST(:rights AS text[])) AS d(role, may)),
gone AS (DELETE FROM role_rights r WHERE NOT EXISTS (SELECT 1 FROM declared d WHERE (d.role, d.may) = (r.role, r.may)))
INSERT INTO role_rights (role, may) SELECT role, may FROM declared ON CONFLICT DO NOTHING"""


def write(connection: sa.Connection, roles: Roles) -> None:
    """Make the table say what is declared; what stands there already is not touched."""
    declared = [(role.name, right.value) for role in roles for right in sorted(role.rights)]
    connection.execute(sa.text(_WRITE), {"roles": [d[0] for d in declared], "rights": [d[1] for d in declared]})
