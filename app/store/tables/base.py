"""The one MetaData, how its constraints are named, and the two types that come back in most tables.

The law: a constraint has the name that Postgres itself would give it. A check's is written beside it, because Postgres
takes it from the column that the check is of.
"""

from __future__ import annotations

from sqlalchemy import DateTime, MetaData, Text
from sqlalchemy.dialects.postgresql import ARRAY

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
    }
)

# All moments are the database's: see `app_now()`.
Moment = DateTime(timezone=True)
Texts = ARRAY(Text)
