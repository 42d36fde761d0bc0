"""Start runs over the broker, from any program, with a Celery of its own or without: see `app.sender`."""

from __future__ import annotations

from app.sender import Sender, sender

__all__ = ["Sender", "sender"]
