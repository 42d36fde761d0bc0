"""An outside payments service and mail room, as another company would run it: a process of its own behind HTTP.

The contract: a POST carries `Idempotency-Key`. The first one with a key has the effect exactly once and answers 201;
the same key with the same body answers 200 with the first answer; with another body 422; without a key 400.
`GET …/by-key/{key}` tells a caller that lost its answer whether the effect stands. Keys of payments and of letters
are separate. Every POST is written to `requests`, every effect to `payments` or `letters`, for anybody to count.

    python -m app.insurance.demo.payments --port 8711 --db payments.sqlite

Test switches (`Switches`): `POST /_test` from the loopback, or the same JSON in LONGHAUL_PAYMENTS_TEST at start.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import ipaddress
import os
import re
import socket
import sys
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

import uvicorn
from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from app.core.errors import misfits
from app.insurance.demo.payments_store import LETTERS, PAYMENTS, KeyUsedForAnotherBody, Ledger, PaymentsStore
from app.settings import settings

SWITCHES_VARIABLE: Final = "LONGHAUL_PAYMENTS_TEST"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")

Text = Annotated[str, Field(min_length=1, max_length=200)]


class Body(BaseModel):
    """A request body: known fields only, strings only, so that the hash of what was meant is stable."""

    model_config = ConfigDict(strict=True, extra="forbid")

    @property
    def digest(self) -> str:
        """SHA-256 of the fields in a fixed order; white space and order of the JSON sent do not matter."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


class PaymentBody(Body):
    """What is to be paid: `amount` is a positive decimal string of at most two places, in `currency`."""

    claim: Text
    payee: Text
    amount: Annotated[str, Field(pattern=r"^[0-9]{1,12}(\.[0-9]{1,2})?$")]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    purpose: Text

    @field_validator("amount")
    @classmethod
    def _to_cents(cls, amount: str) -> str:
        # "10", "10.0" and "10.00" are one amount; a retry that spells it otherwise is the same payment.
        cents = Decimal(amount).quantize(Decimal("0.01"))
        if cents == 0:
            raise ValueError("must be more than zero")
        return str(cents)


class LetterBody(Body):
    """A letter handed to the mail room: `sha256` is the hex digest of the document that is sent."""

    claim: Text
    kind: Text
    recipient: Text
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    purpose: Text


class Switches(BaseModel):
    """How the service misbehaves, for tests: delays in seconds; refusals come before any effect, counted down."""

    model_config = ConfigDict(extra="forbid")

    delay_before: float = Field(default=0, ge=0, le=600, description="before acting")
    delay_after: float = Field(default=0, ge=0, le=600, description="after acting, before answering")
    refuse_status: Literal[429, 503] = 503
    refuse_times: int = Field(default=0, ge=0, description="how many POSTs are refused from now on")
    retry_after: int | None = Field(default=None, ge=0, description="seconds; a 429 says 1 if this is not set")

    def refusal(self) -> JSONResponse | None:
        """The refusal due now, counted; None if there is none."""
        if self.refuse_times == 0:
            return None
        self.refuse_times -= 1
        retry_after = 1 if self.retry_after is None and self.refuse_status == 429 else self.retry_after
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        return _error(self.refuse_status, "refused by a test switch; nothing was done", headers)


def create_app(store: PaymentsStore, switches: Switches) -> FastAPI:
    """The service over its books."""
    app = FastAPI(title="Payments and mail room (demo)", docs_url=None, redoc_url=None)
    app.state.switches = switches

    @app.get("/healthz")
    def healthz() -> JSONResponse:
        return JSONResponse({"status": "ok"})

    @app.post("/_test")
    async def set_switches(request: Request) -> JSONResponse:
        if not _from_loopback(request):
            return _error(403, "test switches can be set from the loopback only")
        try:
            app.state.switches = Switches.model_validate_json(await request.body())
        except ValidationError as error:
            return _error(400, misfits(error, what="body"))
        return JSONResponse(app.state.switches.model_dump())

    app.include_router(_effects(store, PAYMENTS, PaymentBody))
    app.include_router(_effects(store, LETTERS, LetterBody))
    return app


def _effects(store: PaymentsStore, ledger: Ledger, model: type[Body]) -> APIRouter:
    """The routes of one kind of effect: the two kinds keep one contract."""
    routes = APIRouter(prefix=f"/{ledger.table}")

    @routes.post("")
    async def have_effect(request: Request) -> JSONResponse:
        return await _post(request, store, ledger, model, request.app.state.switches)

    # Keys may hold slashes, hence `path`.
    @routes.get("/by-key/{key:path}")
    def by_key(key: str) -> JSONResponse:
        found = store.by_key(ledger, key)
        return JSONResponse(found) if found else _error(404, f"no {ledger.table} under the key {key!r}")

    @routes.get("")
    def listed(claim: str | None = None, limit: Annotated[int, Query(ge=1, le=10_000)] = 1000) -> JSONResponse:
        return JSONResponse({ledger.table: store.listed(ledger, claim, limit)})

    return routes


async def _post(
    request: Request,
    store: PaymentsStore,
    ledger: Ledger,
    model: type[Body],
    switches: Switches,
) -> JSONResponse:
    """One POST: note it, act on it, note the answer. Nothing is undone if the caller hangs up."""
    key, raw = request.headers.get("Idempotency-Key"), await request.body()
    body: Body | None
    try:
        body, refusal = model.model_validate_json(raw), None
    except ValidationError as error:
        body, refusal = None, _error(400, misfits(error, what="body"))
    if key is None or not _KEY.fullmatch(key):
        refusal = _error(
            400,
            "the header Idempotency-Key is required: 1 to 255 visible ASCII characters",
        )
    digest = hashlib.sha256(raw).hexdigest() if body is None else body.digest
    noted = await run_in_threadpool(store.received, request.url.path, key, digest)
    answer = refusal or switches.refusal()
    if answer is None:
        assert key is not None
        assert body is not None
        answer = await _act(store, ledger, key, body, switches)
    await run_in_threadpool(store.answered, noted, answer.status_code)
    return answer


async def _act(store: PaymentsStore, ledger: Ledger, key: str, body: Body, switches: Switches) -> JSONResponse:
    await asyncio.sleep(switches.delay_before)
    try:
        answer, first = await run_in_threadpool(store.act, ledger, key, body.digest, body.model_dump())
    except KeyUsedForAnotherBody:
        return _error(
            422,
            f"the key {key!r} stands for another body; send that body again, or a new key",
        )
    await asyncio.sleep(switches.delay_after)
    return JSONResponse(answer, status_code=201 if first else 200)


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": message}, status_code=status, headers=headers)


def _from_loopback(request: Request) -> bool:
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


class _Announcing(uvicorn.Server):
    """Says where it listens once it does; binding is left to asyncio, which then switches Nagle's delay off."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for server in self.servers:
            for listening in server.sockets:
                host, port = listening.getsockname()[:2]
                sys.stdout.write(f"payments service on http://{host}:{port}\n")
        sys.stdout.flush()


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65_535:
        raise argparse.ArgumentTypeError(f"{port} is no port; give one from 1 to 65535, or 0 for a free one")
    return port


def main(arguments: list[str] | None = None) -> None:
    """Serve until stopped. Prints the address once it listens; port 0 takes a free one."""
    parser = argparse.ArgumentParser(
        prog="python -m app.insurance.demo.payments", description="The outside payments service."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=_port, default=urlsplit(settings().payments_url).port or 8711)
    parser.add_argument("--db", type=Path, default=settings().data_dir / "payments.sqlite")
    options = parser.parse_args(arguments)

    try:
        switches = Switches.model_validate_json(os.environ.get(SWITCHES_VARIABLE) or "{}")
    except ValidationError as error:
        parser.error(f"{SWITCHES_VARIABLE}: {misfits(error, what='body')}")
    store = PaymentsStore(options.db)
    app = create_app(store, switches)
    config = uvicorn.Config(app, host=options.host, port=options.port, log_level="warning", timeout_graceful_shutdown=5)
    try:
        _Announcing(config).run()
    finally:
        store.close()


if __name__ == "__main__":
    main()
