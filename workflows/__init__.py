"""The workflows of this installation. Add one by adding its name here."""

from __future__ import annotations

import os
from importlib import import_module

from app.core.workflow import Workflow
from workflows.document_reading import DOCUMENT_READING
from workflows.insurance_claim import INSURANCE_CLAIM, INSURANCE_CLAIM_1

__all__ = ["WORKFLOWS"]


def _extra() -> tuple[Workflow, ...]:
    """Workflows of another package, named by LONGHAUL_WORKFLOWS="package.module:NAME,…"."""
    names = [name.strip() for name in os.environ.get("LONGHAUL_WORKFLOWS", "").split(",") if name.strip()]
    return tuple(
        getattr(import_module(module), attribute) for module, _, attribute in (n.partition(":") for n in names)
    )


WORKFLOWS: tuple[Workflow, ...] = (INSURANCE_CLAIM, INSURANCE_CLAIM_1, DOCUMENT_READING, *_extra())
