"""The roles that people have in tests: an insurer's, and the product's."""

from __future__ import annotations

from typing import Final

from app.core.declarations.roles import Roles
from app.insurance.roles import ROLES

DECLARED: Final = Roles(ROLES)
