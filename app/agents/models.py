"""The models there are to ask: how a provider is spelled in the settings, reached, and priced.

The law: a provider's library tries nothing twice and inherits no proxy from the environment; a setting that cannot work
is one clear BadInput that names its variable, at the start of the process; an unknown price is None, never nothing.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

import httpx2
from anthropic import AsyncAnthropic
from genai_prices import calc_price
from openai import AsyncOpenAI
from pydantic_ai.messages import ModelResponse
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

from app.core.errors import BadInput
from app.settings import Settings

OFFLINE, LOCAL = "offline", "local"
KINDS = f"{OFFLINE}, openai:<model>, anthropic:<model>, {LOCAL}"
CONNECT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Chosen:
    """A provider and a model of it. `spec` is how the settings spell it; `kind` names the provider alone."""

    spec: str
    kind: str
    model_name: str
    key: str = ""
    base_url: str | None = None
    native_output: bool = False
    price_list: str | None = None

    @asynccontextmanager
    async def open(self, seconds: float) -> AsyncIterator[Any]:
        """The model with a client of its own, closed after use."""
        timeout = httpx2.Timeout(seconds, connect=CONNECT_SECONDS)
        async with httpx2.AsyncClient(timeout=timeout, trust_env=False, verify=_certificates()) as http:
            if self.kind == "anthropic":
                client = AsyncAnthropic(api_key=self.key, base_url=self.base_url, max_retries=0, http_client=http)
                yield AnthropicModel(self.model_name, provider=AnthropicProvider(anthropic_client=client))
            else:
                openai = AsyncOpenAI(api_key=self.key, base_url=self.base_url, max_retries=0, http_client=http)
                yield OpenAIChatModel(self.model_name, provider=OpenAIProvider(openai_client=openai))

    def cost(self, response: ModelResponse) -> Decimal | None:
        """What a response cost, in US dollars; None if nobody knows its price."""
        if self.kind == LOCAL:
            return Decimal(0)
        where = {"provider_id": self.price_list} if self.price_list else {"provider_api_url": self.base_url}
        try:
            return calc_price(response.usage, self.model_name, **where).total_price
        except (LookupError, ValueError):
            return None


def chosen(spec: str, config: Settings, variable: str = "LONGHAUL_PROVIDER") -> Chosen | None:
    """What a provider's spelling stands for; None for the offline rules. Raises BadInput."""
    kind, _, model = spec.partition(":")
    if spec == OFFLINE:
        return None
    if spec == LOCAL or (kind == LOCAL and model):
        if not config.local_model_url:
            raise BadInput(
                f"{variable}={spec} needs LONGHAUL_LOCAL_MODEL_URL, the address of its OpenAI-compatible API"
            )
        return Chosen(spec, LOCAL, model or config.local_model, "none", config.local_model_url, native_output=True)
    if kind == "openai" and model:
        key = config.openai_api_key.get_secret_value() or ("none" if config.openai_base_url else "")
        if not key:
            raise BadInput(
                f"{variable}={spec} needs LONGHAUL_OPENAI_API_KEY, or LONGHAUL_OPENAI_BASE_URL of a server without keys"
            )
        prices = config.openai_prices or (None if config.openai_base_url else "openai")
        return Chosen(spec, kind, model, key, config.openai_base_url or "https://api.openai.com/v1", price_list=prices)
    if kind == "anthropic" and model:
        if not (key := config.anthropic_api_key.get_secret_value()):
            raise BadInput(f"{variable}={spec} needs LONGHAUL_ANTHROPIC_API_KEY")
        base = config.anthropic_base_url or "https://api.anthropic.com"
        return Chosen(spec, kind, model, key, base, price_list=None if config.anthropic_base_url else "anthropic")
    raise BadInput(f"{variable}: {spec!r} is no provider; the choices are {KINDS}")


@lru_cache(maxsize=1)
def _certificates() -> ssl.SSLContext:
    """Read once: it takes longer than a request on loopback."""
    return ssl.create_default_context()
