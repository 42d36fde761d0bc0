"""How a provider is spelled in the settings, and what each spelling stands for. Light: every process reads it.

The law: a setting that cannot work is one clear BadInput that names its variable, at the start of the process.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from app.core.errors import BadInput
from app.settings import Settings

OFFLINE, LOCAL = "offline", "local"
KINDS = f"{OFFLINE}, openai:<model>, anthropic:<model>, {LOCAL}"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A provider and a model of it. `spec` is how the settings spell it; `kind` names the provider alone.

    native_output: it is asked for JSON by a schema, not by a tool. price_list: whose prices hold; None: found by address.
    """

    spec: str
    kind: str
    model_name: str
    key: str = field(default="", repr=False)
    base_url: str | None = None
    native_output: bool = False
    price_list: str | None = None


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
