"""The application put together: who guards, who answers which path, what an error looks like."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware.sessions import SessionMiddleware
from starlette.staticfiles import StaticFiles

from app.core.errors import LonghaulError
from app.engine.runtime import Runtime
from app.store.pages import DATABASE_PROBLEM
from app.web import alerts, desk, documents, evidence, health, inbox, problems, runs, session, sign_in, tasks
from app.web.guard import Guard

_STATIC = Path(__file__).parent / "static"


def application(rt: Runtime) -> FastAPI:
    """The pages over one runtime (role "web"). Connects to nothing yet; makes the session secret if there is none."""
    app = FastAPI(title="Longhaul", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.rt = rt
    app.add_middleware(
        SessionMiddleware,
        secret_key=session.secret(rt.settings),
        session_cookie="longhaul_session",
        max_age=session.LASTS_SECONDS,
        same_site="lax",
    )
    app.add_middleware(Guard, named_host=rt.settings.web_host)
    for page in (sign_in, inbox, tasks, desk, evidence, documents, runs, alerts, health):
        app.include_router(page.router)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    app.add_exception_handler(session.SignInNeeded, problems.to_sign_in)
    app.add_exception_handler(HTTPException, problems.of_http)
    app.add_exception_handler(LonghaulError, problems.of_ours)
    app.add_exception_handler(DATABASE_PROBLEM, problems.of_database)
    app.add_exception_handler(Exception, problems.of_nobody)
    return app
