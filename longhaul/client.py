"""Start a run inside a database transaction of yours, then ring: see `app.client`."""

from __future__ import annotations

from app.client import Started, ring, start

__all__ = ["Started", "ring", "start"]
