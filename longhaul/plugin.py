"""What a company adds to the product, as one object named by the setting `application`: see `app.application`."""

from __future__ import annotations

from app.application import NONE, Application, Panel, StandIn
from app.core.declarations.roles import Right, Role
from app.core.ports import ToolCode

__all__ = ["NONE", "Application", "Panel", "Right", "Role", "StandIn", "ToolCode"]
