"""The insurer's policy database: its own schema beside ours, read through one tool. The only SQL outside the store."""

from app.connectors.insurer.lookup import PolicyLookup
from app.connectors.insurer.schema import InsuredPolicy, install, seed

__all__ = ["InsuredPolicy", "PolicyLookup", "install", "seed"]
