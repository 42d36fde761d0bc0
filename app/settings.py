"""Every setting of Longhaul, read once from the environment (prefix `LONGHAUL_`).

Durations are seconds. A table (`providers`, `downstreams`, `oidc_roles`) is written as JSON, a list (`pools`, `workflows`) with
commas. Tests set the intervals shorter.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.core.declarations.limits import EXAMPLE, Limit, limits
from app.core.errors import BadInput
from app.core.values.private import unsafe

_ROLES = '{"on-call": ["operator"], "it": ["admin", "operator"]}'
_PROVIDERS = '{"document_extraction": "local", "claim_assessment@CLM-1": "openai:gpt-4o-mini"}'


def _table(name: str, given: Any, example: str) -> Any:
    """A table as its variable spells it, in JSON; an empty variable is an empty table."""
    if not isinstance(given, str):
        return given
    try:
        found = json.loads(given) if given.strip() else {}
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise BadInput(f"LONGHAUL_{name}: {given!r} is no JSON table; write it like {example}")
    return found


class Settings(BaseSettings):
    """The settings of one process. Unknown `LONGHAUL_` variables are ignored, bad values refused at start."""

    model_config = SettingsConfigDict(env_prefix="LONGHAUL_", extra="ignore")

    # Where things are. Empty URLs mean the embedded stack, which writes its own into the environment.
    database_url: str = Field(default="", description="postgresql://…; empty: the embedded Postgres")
    broker_url: str = Field(
        default="", description="redis://…, redis+socket://… or amqp://…; empty: the embedded Redis"
    )
    documents_url: str = Field(
        default="", description="where documents lie, as fsspec URL (s3://bucket/documents); empty: in data_dir"
    )
    data_dir: Path = Field(default=Path(".longhaul"), description="embedded servers, documents, letters, logs")
    evidence_key: Path | None = Field(
        default=None, description="the Ed25519 key (PEM) that signs evidence packs; empty: made in data_dir"
    )
    payments_url: str = Field(default="http://127.0.0.1:8711", description="the external payments service")
    payments_token: SecretStr = Field(default=SecretStr(""), description="sent to it as a bearer token; over https")
    payments_client_cert: Path | None = Field(
        default=None, description="our certificate for it (PEM); the key may stand in it"
    )
    payments_client_key: Path | None = Field(default=None, description="the certificate's key (PEM)")
    payments_ca: Path | None = Field(
        default=None, description="who signs its certificate (PEM); empty: the authorities this machine trusts"
    )
    payments_http_host: str = Field(
        default="", description="the one host beyond this machine that may be asked by http: in a network of containers"
    )
    web_host: str = Field(
        default="127.0.0.1", description="where the pages listen; 0.0.0.0 for other machines, then set public_url too"
    )
    web_port: int = 8710
    public_url: str = Field(
        default="",
        description="how people outside reach the pages (https://claims.example.com); empty: as we are asked",
    )
    flower_port: int = 8712
    flower_url: str = Field(
        default="",
        description="where the web process finds Flower (http://127.0.0.1:8712); empty: the embedded stack's",
    )
    flower_login: SecretStr = Field(
        default=SecretStr(""), description="user:password, as Flower's --basic-auth has it; people sign in on the pages"
    )

    # The company's own sign-in (OpenID Connect; extra `oidc`). Empty issuer: names and passwords, and links.
    oidc_issuer: str = Field(default="", description="https://login.example.com/realms/claims, as it calls itself")
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_scopes: str = "openid profile email"
    oidc_username_claim: str = "preferred_username"
    oidc_groups_claim: str = "groups"
    oidc_roles: Annotated[dict[str, tuple[str, ...]], NoDecode] = Field(
        default={}, description=f"JSON: the roles that each group gives, {_ROLES}"
    )
    oidc_label: str = Field(default="your company", description="who signs people in, as the button says")

    # What this installation adds.
    application: str = Field(default="app.installed:INSURANCE", description="the application, as package.module:NAME")
    workflows: str = Field(default="", description="workflows besides its own: package.module:NAME,…")

    # What this worker process does.
    pools: str = Field(default="steps,documents,isolated,sweeps", description="comma-separated pools it consumes")
    dispatcher: str = "tasks.dispatch:CeleryDispatcher"
    journal: Literal["direct", "grouped"] = "grouped"
    local_delivery: bool = Field(
        default=True,
        description="a thread goes on with a run's next step itself; false: each step is rung over the broker",
    )

    # Models.
    provider: str = Field(default="offline", description="offline, openai:<model>, anthropic:<model> or local")
    providers: Annotated[dict[str, str], NoDecode] = Field(
        default={}, description=f"JSON: the provider of a prompt, or of one subject of it, {_PROVIDERS}"
    )
    openai_api_key: SecretStr = SecretStr("")
    openai_base_url: str = Field(
        default="", description="any server that speaks OpenAI's protocol; empty: OpenAI's own"
    )
    openai_prices: str = Field(default="", description="whose price list a server of your own goes by, such as openai")
    anthropic_api_key: SecretStr = SecretStr("")
    anthropic_base_url: str = ""
    local_model_url: str = Field(default="", description="the OpenAI-compatible API of the provider 'local'")
    local_model: str = Field(default="local", description="the model's name there")

    # What each downstream can bear, for all workers together. One that is not named here is called freely. Parked runs
    # are woken by the timers sweep, all of its period at once: a burst below rate x timers_seconds leaves some of the rate unused.
    # By default services of one's own get more than one host of workers asks of them, and with it a breaker; a provider of
    # models gets what the accounts that everybody begins with may ask.
    downstreams: Annotated[dict[str, Limit], NoDecode] = Field(
        default=limits(
            {
                "payments": {"rate": "200/s", "burst": 400, "concurrency": 32},
                "letters": {"rate": "200/s", "burst": 400, "concurrency": 32},
                "policy": {"rate": "500/s", "burst": 1000, "concurrency": 32},
                "model:openai": {"rate": "10/s", "burst": 20, "concurrency": 64},
                "model:anthropic": {"rate": "10/s", "burst": 20, "concurrency": 64},
                "model:local": {"concurrency": 1},
            }
        ),
        description=f"JSON, by name: {EXAMPLE}",
    )

    # Liveness (section "Liveness" of ARCHITECTURE.md).
    liveness: Literal["lock", "ping"] = Field(default="lock", description="'ping' behind a transaction pooler")
    ping_seconds: float = 30.0
    silent_seconds: float = Field(default=120.0, description="no ping for this long: SUSPECTED_DEAD")
    probe_seconds: float = Field(default=1.0, description="how often a worker probes its lock session")
    looks_apart_seconds: float = Field(
        default=1.25,
        description="a missing lock must be seen twice, this far apart, unless the process was seen to end",
    )
    observer_age_seconds: float = Field(
        default=15.0, description="how long a process has to be in touch to judge others"
    )

    # Sweeps.
    heartbeats_seconds: float = Field(default=2.0, description="twice as often, one process looks for missing locks")
    dispatch_seconds: float = 5.0
    timers_seconds: float = 2.0
    alerts_seconds: float = 30.0
    tasks_seconds: float = Field(default=60.0, description="human task SLA sweep")
    actions_seconds: float = Field(default=60.0, description="asking services about executed actions and open calls")
    retention_seconds: float = 3600.0

    # Limits.
    crashes_alone: int = Field(default=3, description="crashes alone in its process before DEAD_LETTER")
    late_retries: int = Field(default=3, description="times the timers sweep retries a FAILED_RETRIABLE run")
    late_retry_seconds: float = 900.0
    shutdown_grace_seconds: float = 20.0
    human_wait_alert_seconds: float = 48 * 3600.0
    publish_timeout_seconds: float = 2.0

    # Logs.
    log_payloads: Literal["masked", "full"] = "masked"
    log_level: str = "INFO"

    @field_validator("oidc_roles", mode="before")
    @classmethod
    def _roles(cls, given: Any) -> Any:
        return _table("OIDC_ROLES", given, _ROLES)

    @field_validator("providers", mode="before")
    @classmethod
    def _by_prompt(cls, given: Any) -> Any:
        return _table("PROVIDERS", given, _PROVIDERS)

    @field_validator("downstreams", mode="before")
    @classmethod
    def _by_downstream(cls, given: Any) -> Any:
        return limits(_table("DOWNSTREAMS", given, EXAMPLE))

    @model_validator(mode="after")
    def _payments_in_private(self) -> Settings:
        problem = unsafe(
            self.payments_url,
            http_host=self.payments_http_host,
            token=bool(self.payments_token.get_secret_value()),
            certificate=self.payments_client_cert is not None,
        )
        if self.payments_url and problem:
            raise ValueError(f"LONGHAUL_PAYMENTS_URL: {problem}")
        if self.payments_client_key is not None and self.payments_client_cert is None:
            raise ValueError("LONGHAUL_PAYMENTS_CLIENT_KEY: name the certificate too, in LONGHAUL_PAYMENTS_CLIENT_CERT")
        return self

    @field_validator("public_url", "flower_url")
    @classmethod
    def _no_path(cls, url: str) -> str:
        if url and not re.fullmatch(r"https?://[A-Za-z0-9.\-\[\]:]+/?", url):
            raise ValueError("write it like https://claims.example.com, without a path or a login")
        return url.rstrip("/")

    @property
    def pool_names(self) -> tuple[str, ...]:
        """The pools of this process, in the order given."""
        return tuple(p.strip() for p in self.pools.split(",") if p.strip())


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
