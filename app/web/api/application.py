"""The API put together, as an application of its own under /api/v1; and its reference, a page made from its description."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.application import named
from app.core.errors import LonghaulError
from app.engine.runtime import Runtime
from app.store.reads.pages import DATABASE_PROBLEM
from app.web.api import bodies, problems
from app.web.api.caller import CSRF_HEADER, Rates
from app.web.api.examples import example_of
from app.web.api.problems import Problem
from app.web.api.routes import actions, operations, packs, runs, standing, tasks
from app.web.http.render import render
from app.web.http.session import current, runtime_of

PREFIX = "/api/v1"
reference = APIRouter()
_ABOUT = (
    "Longhaul's runs, tasks, documents and actions for programs. A key (`longhaul keys create`) goes into the header "
    "Authorization; a browser's session counts too. Every POST takes an Idempotency-Key. Errors are problem documents."
)


def api(rt: Runtime) -> FastAPI:
    """The API over one runtime."""
    app = FastAPI(title="Longhaul", version="1", description=_ABOUT, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.rt, app.state.rates = rt, Rates()
    for router in _routers(rt.settings.application):
        app.include_router(router)
    app.add_api_route(
        "/openapi.json", lambda: description(rt.settings.application), include_in_schema=False, methods=["GET"]
    )
    app.add_exception_handler(HTTPException, problems.of_http)
    app.add_exception_handler(RequestValidationError, problems.of_request)
    app.add_exception_handler(LonghaulError, problems.of_ours)
    app.add_exception_handler(DATABASE_PROBLEM, problems.of_database)
    app.add_exception_handler(Exception, problems.of_nobody)
    return app


def _routers(application: str) -> list[APIRouter]:
    """What the application answers, then what we do."""
    ours = (runs, packs, tasks, actions, standing, operations)
    return [*named(application).api(), *(part.router for part in ours)]


@lru_cache(maxsize=4)
def description(application: str) -> Mapping[str, Any]:
    """The API's description (OpenAPI 3.1), with an example of everything that is sent or answered."""
    router = APIRouter()
    for part in _routers(application):
        router.include_router(part)
    told: dict[str, Any] = get_openapi(
        title="Longhaul", version="1", description=_ABOUT, routes=router.routes, servers=[{"url": PREFIX}]
    )
    schemas = told.setdefault("components", {}).setdefault("schemas", {})
    made = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(made.pop("$defs", {}))
    schemas["Problem"] = made
    told["components"]["securitySchemes"] = {
        "key": {
            "type": "http",
            "scheme": "bearer",
            "description": "lh_…; scopes read, submit, work, operate, export, admin",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "longhaul_session",
            "description": f"with {CSRF_HEADER} on what changes",
        },
    }
    told["security"] = [{"key": []}, {"session": []}]
    for operations_ in told["paths"].values():
        for one in operations_.values():
            for parameter in one.get("parameters", ()):
                if parameter["name"] == "if-match":  # optional only for the router, so that its absence is a 428
                    parameter |= {"required": True, "schema": {"type": "string", "pattern": '^"[0-9]{1,9}"$'}}
            sent = one.get("requestBody", {}).get("content", {}).get("application/json", {})
            if ref := sent.get("schema", {}).get("$ref"):
                sent["example"] = _asked(ref.rpartition("/")[2])
    return told


def _asked(name: str) -> dict[str, Any]:
    example = example_of(getattr(bodies, name))
    if "filter" in example:  # one of two ways to say which runs
        example["filter"] = None
    return example


@reference.get("/api")
def reference_page(request: Request) -> Response:
    """What there is to ask, made from the description. Open to all; who is signed in sees it among their pages."""
    if session := current(request):
        request.state.person = session.person
    told = description(runtime_of(request).settings.application)
    by_tag: dict[str, list[Mapping[str, Any]]] = {}
    for path, operations_ in told["paths"].items():
        for method, one in operations_.items():
            by_tag.setdefault(one["tags"][0], []).append({"method": method.upper(), "path": PREFIX + path, **one})
    return render(
        request, "api/api.html", groups=by_tag, problems=problems.SAYS, about=_ABOUT, title_of=problems.title_of
    )
