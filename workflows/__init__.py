"""The workflows of this installation. Add one by adding its name here.

Imported by `app.installed` and `app.insurance`, whose they are; by nothing else of the product.
"""

from __future__ import annotations

from app.core.workflow import Workflow
from workflows.document_reading import DOCUMENT_READING
from workflows.insurance_claim import INSURANCE_CLAIM, INSURANCE_CLAIM_1

__all__ = ["WORKFLOWS"]

WORKFLOWS: tuple[Workflow, ...] = (INSURANCE_CLAIM, INSURANCE_CLAIM_1, DOCUMENT_READING)
