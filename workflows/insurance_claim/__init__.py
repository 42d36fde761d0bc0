"""Insurance claims, from notice to closing letter. The graph is in `workflow`; `version_1` serves the runs that began with it."""

from workflows.insurance_claim.version_1 import INSURANCE_CLAIM_1
from workflows.insurance_claim.workflow import INSURANCE_CLAIM

__all__ = ["INSURANCE_CLAIM", "INSURANCE_CLAIM_1"]
