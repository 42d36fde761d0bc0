"""What a model call costs. The law: a price that is not known is None, shown as "price unknown"; it is never taken for 0.

The prices are those that the package genai-prices carries; nothing is looked up on the network.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from genai_prices import Usage as _Usage
from genai_prices import calc_price

UNBILLED = frozenset({"offline", "local"})
"""Providers nobody sends a bill for: rules, and a model on our own machine."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What a response says it used. The cached tokens, where a provider tells them apart, are part of `tokens_in`."""

    tokens_in: int
    tokens_out: int
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0


def price_of(provider: str, model: str, usage: Usage) -> Decimal | None:
    """What `usage` of a provider's model costs in US dollars, or None if its price is not known."""
    if provider in UNBILLED:
        return Decimal(0)
    used = _Usage(
        input_tokens=usage.tokens_in, output_tokens=usage.tokens_out,
        cache_read_tokens=usage.cache_read_tokens or None, cache_write_tokens=usage.cache_write_tokens or None,
    )  # fmt: skip
    try:
        return calc_price(used, model, provider_id=provider).total_price
    except (LookupError, ValueError):
        return None  # no such model or provider in the list, or a usage it cannot read
