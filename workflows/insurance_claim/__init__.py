"""Insurance claims, from notice to closing letter. The graph is in `workflow`."""

from workflows.insurance_claim.workflow import INSURANCE_CLAIM

__all__ = ["INSURANCE_CLAIM"]
