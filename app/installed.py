"""What comes with Longhaul: the insurance claims. The law: this module alone, outside of them, imports `app.insurance`.

Named by the setting `application`; each function loads what it needs when it is called.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app.application import Application, Panel, StandIn
from app.insurance.roles import ROLES

if TYPE_CHECKING:
    import typer
    from fastapi import APIRouter

    from app.core.declarations.prompts import Rule
    from app.core.ports import ToolCode
    from app.core.workflow import Workflow
    from app.diagnosis.check import Check
    from app.documents.storage import DocumentStore
    from app.settings import Settings
    from app.store.database import Database


def _workflows() -> tuple[Workflow, ...]:
    import workflows

    return workflows.WORKFLOWS


def _tools(config: Settings, database: Database, store: DocumentStore) -> Mapping[str, ToolCode]:
    from app.insurance.tools import tools

    return tools(config, database, store)


def _rules() -> Mapping[str, Rule]:
    from app.insurance.reading.rules.by_prompt import OFFLINE_RULES

    return OFFLINE_RULES


def _pages() -> Sequence[APIRouter]:
    from app.insurance.claimant import links, page

    return links.router, page.router


def _panels() -> Sequence[Panel]:
    from app.insurance.claimant.links import links_of

    return (Panel("links", "Links for the claimant", "claimant/links.html", links_of),)


def _api() -> Sequence[APIRouter]:
    from app.insurance.api import claims

    return (claims.router,)


def _commands() -> Sequence[typer.Typer]:
    from app.insurance.commands import claims, demo, invite

    return claims.commands, invite.commands, demo.commands


def _migrate(database_url: str) -> None:
    from app.insurance.connectors import insurer

    insurer.install(database_url)


def _seed(database_url: str, data_dir: Path) -> None:
    from app.insurance.demo.seed import prepare

    prepare(database_url, data_dir)


def _checks(config: Settings, own: Collection[str]) -> Mapping[str, Callable[[], Check]]:
    from app.diagnosis.check import Check
    from app.insurance.connectors.access import Access
    from app.insurance.connectors.payments_standing import look

    def payments() -> Check:
        found = look(Access.to_payments(config), external="payments" not in own)
        return Check("payments", found.ok, found.said, found.remedy)

    return {"payments": payments}


INSURANCE = Application(
    workflows=_workflows,
    tools=_tools,
    rules=_rules,
    pages=_pages,
    panels=_panels,
    templates=("app.insurance.claimant",),
    api=_api,
    commands=_commands,
    roles=ROLES,
    migrate=_migrate,
    seed=_seed,
    stand_ins=(StandIn("payments", "payments_url", (sys.executable, "-m", "app.insurance.demo.payments")),),
    checks=_checks,
)
