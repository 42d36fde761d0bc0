"""Each broken copy of the product is noticed by the test of the guarantee it breaks (`make mutants`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from tests.mutants.run import Mutant, mutants, require_red, shared_server


@pytest.fixture(scope="module")
def shared() -> Iterator[Mapping[str, str]]:
    with shared_server() as told:
        yield told


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: mutant.name)
def test_a_broken_guarantee_is_noticed(mutant: Mutant, shared: Mapping[str, str]) -> None:
    require_red(mutant, shared)
