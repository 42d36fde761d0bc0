"""The one place where real things are chosen: database, journal, tools, provider, dispatcher.

Entry points call `runtime(...)` once per process; after a fork, in the child. Nothing below this file chooses.
"""

from __future__ import annotations

from app.agents.provider import Models
from app.application import installed, roles
from app.core.errors import BadInput
from app.core.workflow import Workflow
from app.documents.storage import DocumentStore
from app.engine.dispatching import load_dispatcher
from app.engine.runtime import Registry, Runtime
from app.settings import Settings, settings
from app.store.database import Database, Role
from app.store.journal.grouped import GroupedJournal
from app.store.journal.journal import DirectJournal, Journal
from app.telemetry import logs


def runtime(workflows: tuple[Workflow, ...], *, role: Role = "worker", config: Settings | None = None) -> Runtime:
    """Everything one process works with. Connects to nothing yet. Raises BadInput naming a setting that cannot work."""
    config = config or settings()
    if not config.database_url:
        raise BadInput(
            "LONGHAUL_DATABASE_URL is not set; start the embedded stack with `longhaul up`, or name your Postgres"
        )
    logs.configure(config.log_level, config.log_payloads)
    database, adds = Database(config.database_url, role), installed(config)
    return Runtime(
        settings=config,
        database=database,
        journal=make_journal(config, database),
        workflows=Registry(workflows),
        tools=adds.tools(config, database, DocumentStore.of(config)),
        dispatcher=load_dispatcher(config.dispatcher),
        roles=roles(config),
        # Only a worker asks a model, and only a worker needs its key.
        provider=Models(config, adds.rules()) if role == "worker" else None,
    )


def make_journal(config: Settings, database: Database) -> Journal:
    """The journal the settings name."""
    return GroupedJournal(database) if config.journal == "grouped" else DirectJournal(database)
