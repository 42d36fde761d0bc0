"""Roles and rights: the product's own, an application's beside them, and none of an application's trade in the product."""

from __future__ import annotations

import re

import pytest

from app.application import NONE, installed, roles
from app.core.declarations.roles import ADMIN, AUDITOR, OPERATOR, Right, Role, Roles
from app.core.errors import BadInput
from app.settings import Settings
from tests.support.programs import PROJECT
from tests.web.rights_table import ALLOWED, ROLES

OF_INSURANCE = re.compile(r"""["'](adjuster|supervisor|siu)["']|\b(ADJUSTER|SUPERVISOR|SIU)\b""")
OF_THE_TRADE = ("app/insurance", "app/store/migrations")  # a migration is of its day


def test_with_insurance_each_role_may_what_the_literal_table_says() -> None:
    there = roles(Settings())
    assert there.names == ROLES
    assert {right: frozenset(there.having(right)) for right in Right} == ALLOWED


def test_without_an_application_there_are_the_products_roles_alone() -> None:
    there = roles(Settings(application="app.application:NONE"))
    assert there.names == (OPERATOR, AUDITOR, ADMIN)
    assert installed(Settings(application="app.application:NONE")) is NONE
    assert there.may([OPERATOR], Right.OPERATE) and not there.may([AUDITOR, ADMIN], Right.OPERATE)
    assert not there.may(["supervisor"], Right.READ), "a role that is not declared gives nothing"


def test_a_role_declared_twice_is_refused() -> None:
    with pytest.raises(BadInput, match="operator is declared twice"):
        Roles((Role(OPERATOR, frozenset(Right)),))


def test_the_product_names_no_role_of_insurance() -> None:
    files = [f for folder in ("app", "tasks", "longhaul") for f in (PROJECT / folder).rglob("*.*")]
    sources = [f for f in files if f.suffix in (".py", ".sql", ".html", ".js")]
    product = [f for f in sources if not str(f.relative_to(PROJECT)).startswith(OF_THE_TRADE)]
    assert len(product) > 300
    assert [f"{f}: {m[0]}" for f in product for m in OF_INSURANCE.finditer(f.read_text())] == []
