"""A price that is not known is never taken for 0."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.agents.prices import Usage, price_of


def test_a_known_model_has_a_price_and_cached_tokens_are_cheaper() -> None:
    fresh = price_of("openai", "gpt-4o-mini", Usage(tokens_in=1000, tokens_out=100))
    cached = price_of("openai", "gpt-4o-mini", Usage(tokens_in=1000, tokens_out=100, cache_read_tokens=500))
    assert fresh is not None and cached is not None
    assert Decimal(0) < cached < fresh


@pytest.mark.parametrize(
    ("provider", "model"), [("openai", "no-such-model"), ("nobody", "gpt-4o-mini"), ("anthropic", "")]
)
def test_an_unknown_price_is_none_and_not_zero(provider: str, model: str) -> None:
    assert price_of(provider, model, Usage(tokens_in=1000, tokens_out=100)) is None


@pytest.mark.parametrize("provider", ["offline", "local"])
def test_what_runs_on_our_own_machine_is_billed_by_nobody(provider: str) -> None:
    assert price_of(provider, "any", Usage(tokens_in=1000, tokens_out=100)) == 0
