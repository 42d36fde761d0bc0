"""What every list is asked with."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from app.web.api.answers import LISTED, MOST
from app.web.http.cursors import pattern


def _cursor(*kinds: type) -> Any:
    return Query(pattern=pattern(*kinds), description="`next` of the page before.")


Limit = Annotated[int, Query(ge=1, le=MOST, description="Entries of one page.")]
Cursor = Annotated[str, _cursor(datetime, UUID)]
RunCursor = Annotated[str, _cursor(UUID)]
SeqCursor = Annotated[str, _cursor(int)]
TraceCursor = Annotated[str, _cursor(datetime, int, int)]
DEFAULT = LISTED
