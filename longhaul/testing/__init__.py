"""Testing a workflow in memory, without a server: a `FakeStep` for a function of it, a `RunInMemory` for the whole.

    from longhaul.testing import FakeStep, RunInMemory

Imports `app.core` only; what it decides, it decides by the same table as the product.
"""

from __future__ import annotations

from longhaul.testing.fake_step import Asked, Called, FakeStep
from longhaul.testing.run_in_memory import RunInMemory

__all__ = ["Asked", "Called", "FakeStep", "RunInMemory"]
