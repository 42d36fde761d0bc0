"""A claim that was paid, once for all tests that only look at it; and a journey of a test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import fresh_database
from tests.support.doubting import ASK, POST, TELL, Registry
from tests.support.journey import Travel, travel
from tests.support.packs import Settled, pack_of, settled_claim


@pytest.fixture(scope="session")
def settled(admin_url: str, template_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settled]:
    """Nobody changes it."""
    with (
        fresh_database(admin_url, template_database) as url,
        settled_claim(url, tmp_path_factory.mktemp("claim")) as claim,
    ):
        yield claim


@pytest.fixture(scope="session")
def whole_pack(settled: Settled, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its evidence pack, which holds."""
    return pack_of(settled.rt, settled.run_id, tmp_path_factory.mktemp("pack") / "pack.zip")


@pytest.fixture
def pack(whole_pack: Path, tmp_path: Path) -> Path:
    """A copy of it, to be spoilt."""
    copy = tmp_path / "pack.zip"
    copy.write_bytes(whole_pack.read_bytes())
    return copy


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def doubting(database_url: str, registry: Registry) -> Iterator[Travel]:
    """A runtime for the workflow that acts on the registry and then doubts; Olga, an operator, answers."""
    tools = {ASK.name: registry, TELL.name: registry, POST.name: registry}
    with travel(database_url, workflows=(registry.workflow(),), tools=tools) as journey:
        journey.enrol("olga", "operator")
        yield journey
