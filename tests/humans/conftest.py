"""The desk of the pages' tests, without the pages."""

from __future__ import annotations

from tests.web.conftest import bells, config, desk, owner, web

__all__ = ["bells", "config", "desk", "owner", "web"]
