"""`python -m app.web`: the pages, on the host and port of the settings."""

from __future__ import annotations

import uvicorn

from app.application import workflows
from app.bootstrap import runtime
from app.settings import settings
from app.web.application import application


def main() -> None:
    """Serve until told to stop. Requests are not logged: their addresses hold subjects."""
    config = settings()
    uvicorn.run(
        application(runtime(workflows(config), role="web")),
        host=config.web_host,
        port=config.web_port,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=int(config.shutdown_grace_seconds),
    )


if __name__ == "__main__":
    main()
