"""24 sample motor claims with the papers people send, and what should become of each.

Invented from a seed: nobody and nothing in them exists. The extractor is written without sight of this package and
shares no code, label or layout with it, so that reading these papers proves something. Imported by the demo alone.
"""

from __future__ import annotations

from app.insurance.demo.samples.model import Coverage, Policy, SampleClaim, Vehicle
from app.insurance.demo.samples.writer import as_read_here, generate, policies

__all__ = ["Coverage", "Policy", "SampleClaim", "Vehicle", "as_read_here", "generate", "policies"]
