"""Start runs inside a database transaction of yours, then ring: see `app.client`."""

from __future__ import annotations

from app.client import NewRun, Started, ring, ring_many, start, start_many

__all__ = ["NewRun", "Started", "ring", "ring_many", "start", "start_many"]
