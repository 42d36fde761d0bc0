"""What every list is asked with."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from app.web.api.answers import LISTED, MOST

Limit = Annotated[int, Query(ge=1, le=MOST, description="Entries of one page.")]
Cursor = Annotated[str, Query(max_length=400, description="`next` of the page before.")]
DEFAULT = LISTED
