"""Each broken copy of the product is noticed by the test of the guarantee it breaks (`make mutants`)."""

from __future__ import annotations

import pytest

from tests.mutants.run import Mutant, mutants, require_red


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: mutant.name)
def test_a_broken_guarantee_is_noticed(mutant: Mutant) -> None:
    require_red(mutant)
