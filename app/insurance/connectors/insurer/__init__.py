"""The insurer's policy database: its own schema beside ours, read through tools that have no effect. The only SQL outside the store.

Imported by `app.insurance.tools`, `app.insurance.demo` and `app.installed`.
"""

from app.insurance.connectors.insurer.earlier import ClaimHistory, CoverageWording, EarlierPayments
from app.insurance.connectors.insurer.lookup import PolicyLookup
from app.insurance.connectors.insurer.schema import EarlierClaim, InsuredPolicy, install, seed, seed_earlier

__all__ = [
    "ClaimHistory",
    "CoverageWording",
    "EarlierClaim",
    "EarlierPayments",
    "InsuredPolicy",
    "PolicyLookup",
    "install",
    "seed",
    "seed_earlier",
]
