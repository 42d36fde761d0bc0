"""The clients of model providers. Heavy: read only by a process that asks a model, and of the providers' libraries only
the one that is asked.

The law: a provider's library tries nothing twice and inherits no proxy from the environment; what one run's server sets
(a cookie) is sent for no other; an unknown price is None, never nothing.
"""

from __future__ import annotations

import gc
import importlib
import logging
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import lru_cache, partial
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import httpx2
from genai_prices import calc_price
from pydantic_ai.messages import ModelResponse
from pydantic_ai.models import Model

from app.agents.choices import LOCAL, Chosen
from app.agents.connections import KEPT_SECONDS, Connections

CONNECT_SECONDS = 10.0
_ONE = httpx2.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEPT_SECONDS)
logging.getLogger("httpx2").setLevel(logging.WARNING)  # a line per request: ours says more


def load(chosen: Chosen) -> None:
    """Read the library of a model's provider, once a process, in the caller's thread: on the loop everybody would wait for it."""
    library = f"pydantic_ai.models.{'anthropic' if chosen.kind == 'anthropic' else 'openai'}"
    first = library not in sys.modules
    importlib.import_module(library)  # who comes while another reads it waits here
    if first:
        gc.collect()
        gc.freeze()  # what is loaded stays: while a thousand steps wait, to look through it, too, would take a second


class Clients:
    """The models of this process, each made once; all of them ask through one HTTP client. `agents` of them are kept, too."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http, self._models = http, dict[Chosen, Model]()
        self.agents = dict[Any, Any]()  # what `app.agents.agents` made

    def model(self, chosen: Chosen) -> Model:
        """The model that a setting names."""
        if chosen not in self._models:
            self._models[chosen] = (_anthropic if chosen.kind == "anthropic" else _openai)(chosen, self._http)
        return self._models[chosen]


@asynccontextmanager
async def opened() -> AsyncIterator[Clients]:
    """One HTTP client for all models, closed after use. How long a request may take is said by the request."""
    lines = Connections(partial(httpx2.AsyncHTTPTransport, verify=_certificates(), trust_env=False, limits=_ONE))
    timeout = httpx2.Timeout(None, connect=CONNECT_SECONDS)
    async with httpx2.AsyncClient(transport=lines, timeout=timeout, trust_env=False) as http:
        http.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))  # nothing of one run goes with another's
        yield Clients(http)


def _anthropic(chosen: Chosen, http: httpx2.AsyncClient) -> Model:
    # Late: over 3,000 modules, 40 MB and a second of processor time.
    from anthropic import AsyncAnthropic
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    client = AsyncAnthropic(api_key=chosen.key, base_url=chosen.base_url, max_retries=0, http_client=http)
    return AnthropicModel(chosen.model_name, provider=AnthropicProvider(anthropic_client=client))


def _openai(chosen: Chosen, http: httpx2.AsyncClient) -> Model:
    # Late: 550 modules, 15 MB and a third of a second.
    from openai import AsyncOpenAI
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.profiles.openai import OpenAIModelProfile
    from pydantic_ai.providers.openai import OpenAIProvider

    client = AsyncOpenAI(api_key=chosen.key, base_url=chosen.base_url, max_retries=0, http_client=http)
    # What servers of open models know: the older name of a limit, and no system message but the first.
    plain = OpenAIModelProfile(openai_chat_supports_max_completion_tokens=False, supports_inline_system_prompts=False)
    profile = plain if chosen.kind == LOCAL else None
    return OpenAIChatModel(chosen.model_name, provider=OpenAIProvider(openai_client=client), profile=profile)


def cost(chosen: Chosen, response: ModelResponse) -> Decimal | None:
    """What a response cost, in US dollars; None if nobody knows its price."""
    if chosen.kind == LOCAL:
        return Decimal(0)
    where = {"provider_id": chosen.price_list} if chosen.price_list else {"provider_api_url": chosen.base_url}
    try:
        return calc_price(response.usage, chosen.model_name, **where).total_price
    except (LookupError, ValueError):
        return None


@lru_cache(maxsize=1)
def _certificates() -> ssl.SSLContext:
    """Read once: it takes longer than a request on loopback."""
    return ssl.create_default_context()
