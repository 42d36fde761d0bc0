"""The application put together: who guards, who answers which path, what an error looks like."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from app.accounts import oidc as company_sign_in
from app.application import installed
from app.core.errors import LonghaulError
from app.engine.runtime import Runtime
from app.store.reads.pages import DATABASE_PROBLEM
from app.web import flower
from app.web.accounts import account, keys, oidc, people, sign_in
from app.web.api import problems as api_problems
from app.web.api.application import PREFIX, api, reference
from app.web.http import problems, session
from app.web.http.guard import Guard
from app.web.human_tasks import desk, downloads, evidence, inbox, tasks
from app.web.overview import alerts, health, overview, refused
from app.web.runs import forking, live, operations, packs, run_event, run_list, run_page

_STATIC = Path(__file__).parent / "static"


def application(rt: Runtime) -> FastAPI:
    """The pages over one runtime (role "web"). Connects to nothing yet."""
    company_sign_in.configured(
        rt.settings, rt.roles
    )  # what cannot work is said at the start, not to the first who signs in
    app = FastAPI(title="Longhaul", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.rt = rt
    public = urlsplit(rt.settings.public_url).hostname or ""
    app.add_middleware(Guard, named_host=rt.settings.web_host, public_host=public)
    for page in (
        sign_in,
        oidc,
        account,
        keys,
        people,
        overview,
        inbox,
        tasks,
        desk,
        evidence,
        downloads,
        operations,
        forking,
        live,
        packs,
        run_event,
        run_page,
        run_list,
        alerts,
        refused,
        health,
        flower,
    ):
        app.include_router(page.router)
    adds = installed(rt.settings)
    for router in adds.pages():
        app.include_router(router)
    app.include_router(reference)
    app.mount(PREFIX, api(rt), name="api")
    app.mount(
        "/static", StaticFiles(directory=_STATIC, packages=[(name, "static") for name in adds.templates]), name="static"
    )
    app.add_exception_handler(session.SignInNeeded, problems.to_sign_in)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(LonghaulError, problems.of_ours)
    app.add_exception_handler(DATABASE_PROBLEM, problems.of_database)
    app.add_exception_handler(Exception, problems.of_nobody)
    return app


def _of_http(request: Request, wrong: Exception) -> Response:
    """What no route takes. An address with a line break in it misses the mounted API, and a program is still told in JSON."""
    if request.url.path.startswith(f"{PREFIX}/"):
        return api_problems.of_http(request, wrong)
    return problems.of_http(request, wrong)
