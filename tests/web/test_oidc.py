"""Signing in by the company's identity provider: who its token says, with the roles its groups give, and nobody by anything less."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from joserfc.jwk import RSAKey
from pydantic import SecretStr
from starlette.testclient import TestClient

from app.accounts import oidc, passwords
from app.core.errors import BadInput
from app.engine.runtime import Runtime
from app.settings import Settings
from app.store.accounts import users
from app.store.database import Database
from app.web.application import application
from tests.support.dispatchers import SilentDispatcher
from tests.support.identity_provider import CLIENT, SECRET, IdentityProvider
from tests.support.roles import DECLARED
from tests.web.complaints import runtime
from tests.web.conftest import Visitor

Browser = Callable[[], TestClient]
NAME = "mira.tollervane"


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    made = IdentityProvider()
    yield made
    made.close()


@pytest.fixture
def company(config: Settings, owner: Database, provider: IdentityProvider) -> Iterator[Runtime]:
    settings = config.model_copy(
        update={
            "oidc_issuer": provider.issuer,
            "oidc_client_id": CLIENT,
            "oidc_client_secret": SecretStr(SECRET),
            "oidc_label": "Harrowgate",
            "oidc_roles": {
                "claims-adjusters": ("adjuster",),
                "leads": ("supervisor", "adjuster"),
                "ops": ("operator",),
            },
        }
    )
    rt = runtime(settings, "web", SilentDispatcher())
    yield rt
    rt.database.close()


@pytest.fixture
def browser(company: Runtime) -> Browser:
    app = application(company)
    return lambda: TestClient(app, base_url="http://127.0.0.1:8710", raise_server_exceptions=False)


def sign_in(browser: TestClient, where: str = "/account", **more: str) -> Any:
    """To the provider and back, as a browser goes."""
    there = browser.get("/sign-in/oidc", params={"next": where, **more}, follow_redirects=False)
    assert there.status_code == 303, there.text
    back = httpx.get(there.headers["location"], trust_env=False).headers["location"]
    return browser.get(back.removeprefix("http://127.0.0.1:8710"))


def row(owner: Database, username: str = NAME) -> users.User | None:
    with owner.transaction() as db:
        return users.find(db, username)


def test_whoever_the_company_lets_in_is_enrolled_with_the_roles_of_their_groups(
    browser: Browser, owner: Database, provider: IdentityProvider
) -> None:
    visitor = browser()
    assert "Sign in by Harrowgate" in visitor.get("/sign-in").text
    page = sign_in(visitor, "/account")
    assert (page.status_code, page.url.path) == (200, "/account") and "Mira Tollervane" in page.text
    known = row(owner)
    assert known is not None and known.roles == ["adjuster"] and known.authority == 0
    assert known.oidc_subject == f"{provider.issuer} u-1"
    provider.claims["groups"] = ["leads"]
    provider.claims["preferred_username"] = "mira.married"
    assert sign_in(browser()).status_code == 200
    known = row(owner)
    assert known is not None and known.roles == ["adjuster", "supervisor"], (
        "known by subject, roles as the groups are now"
    )


def test_a_role_that_no_group_gives_is_the_administrators_matter(
    browser: Browser, owner: Database, provider: IdentityProvider
) -> None:
    sign_in(browser())
    with owner.transaction() as db:
        db.execute("UPDATE users SET roles = '{adjuster,siu,operator}' WHERE username = %s", [NAME])
    sign_in(browser())
    known = row(owner)
    assert known is not None and sorted(known.roles) == ["adjuster", "siu"], "operator is the provider's to give"


def test_without_a_group_that_gives_a_role_nobody_is_let_in(
    browser: Browser, owner: Database, provider: IdentityProvider
) -> None:
    provider.claims["groups"] = ["everybody"]
    page = sign_in(browser())
    assert page.status_code == 403 and "None of your groups gives" in page.text and row(owner) is None


WRONG: dict[str, dict[str, Any]] = {
    "another nonce": {"claims": {"nonce": "x"}},
    "for another client": {"claims": {"aud": "elsewhere"}},
    "for several, let in to another": {"claims": {"aud": [CLIENT, "elsewhere"], "azp": "elsewhere"}},
    "by another issuer": {"claims": {"iss": "https://evil.example"}},
    "with groups that are none": {"claims": {"groups": 7}},
    "expired": {"claims": {"exp": int(time.time()) - 3600}},
    "signed by another key": {"key": RSAKey.generate_key(2048, {"kid": "one"})},
    "not signed": {"unsigned": True},
    "for another attempt": {"back": {"state": "x"}},
    "a code it does not know": {"back": {"code": "c-2"}},
    "an error": {"back": {"error": "access_denied"}},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_a_token_that_is_not_the_providers_for_us_and_for_this_sign_in_lets_nobody_in(
    browser: Browser, owner: Database, provider: IdentityProvider, wrong: dict[str, Any]
) -> None:
    provider.wrong = wrong
    visitor = browser()
    page = sign_in(visitor)
    assert page.status_code == 403, page.text
    assert row(owner) is None
    assert visitor.get("/runs", follow_redirects=False).status_code == 303


def test_the_way_back_is_for_the_browser_that_set_out_and_once(browser: Browser, provider: IdentityProvider) -> None:
    visitor = browser()
    there = visitor.get("/sign-in/oidc", follow_redirects=False).headers["location"]
    back = httpx.get(there, trust_env=False).headers["location"].removeprefix("http://127.0.0.1:8710")
    stranger = browser().get(back)
    assert stranger.status_code == 403 and provider.exchanged == 0, "somebody else's link signs nobody in"
    assert visitor.get(back).status_code == 200
    assert visitor.get(back).status_code == 403, "used twice"


def test_a_name_that_is_somebody_elses_here_is_not_taken_over(
    browser: Browser, company: Runtime, owner: Database, provider: IdentityProvider
) -> None:
    passwords.change(company, "ada.quillmore", "a few words in a row")
    provider.claims["preferred_username"] = "ada.quillmore"
    page = sign_in(browser())
    assert page.status_code == 403 and "somebody here already" in page.text
    provider.claims["preferred_username"] = "bela.ostrander"
    assert sign_in(browser()).status_code == 200, "without a password of her own she signs in by the company"
    provider.claims["sub"] = "u-2"
    assert sign_in(browser()).status_code == 403, "the company gave her name to another"


def test_who_is_shut_out_stays_out(browser: Browser, owner: Database) -> None:
    sign_in(browser())
    with owner.transaction() as db:
        users.set_disabled(db, NAME, disabled=True)
    page = sign_in(browser())
    assert page.status_code == 403 and "shut out" in page.text


def test_a_session_the_provider_already_had_proves_nobody_is_there(
    browser: Browser, provider: IdentityProvider
) -> None:
    visitor = browser()
    sign_in(visitor)
    form = {"name": "x", "scope.read": "yes", "days": "1"}

    def made() -> int:
        csrf = visitor.get("/keys").text.split('name="csrf" value="')[1].split('"')[0]
        return int(
            visitor.post("/keys", data={"csrf": csrf, **form}, headers={"Sec-Fetch-Site": "same-origin"}).status_code
        )

    assert made() == 403
    provider.claims["auth_time"] = "just now"
    sign_in(visitor)
    assert made() == 403
    provider.claims["auth_time"] = int(time.time())
    sign_in(visitor, anew="yes")
    assert provider.asked["prompt"] == "login" and made() == 200


def test_a_provider_that_is_away_or_another_is_told_and_passwords_still_let_in(
    browser: Browser, provider: IdentityProvider
) -> None:
    provider.wrong = {"name": "https://another.example"}
    page = browser().get("/sign-in/oidc", follow_redirects=False)
    assert page.status_code == 503 and "calls itself" in page.text and 'name="password"' in page.text
    provider.close()
    page = browser().get("/sign-in/oidc", follow_redirects=False)
    assert page.status_code == 503 and "does not answer" in page.text


def test_one_is_led_to_no_other_site(browser: Browser) -> None:
    assert sign_in(browser(), "https://evil.example/").url.host == "127.0.0.1"


def test_without_a_provider_there_is_no_such_door(ada: Visitor) -> None:
    assert "Sign in by" not in ada.get("/sign-in").text
    assert ada.get("/sign-in/oidc").status_code == 404


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"oidc_issuer": "login.example.com"}, "LONGHAUL_OIDC_ISSUER"),
        ({"oidc_issuer": "http://login.example.com"}, "LONGHAUL_OIDC_ISSUER"),
        ({"oidc_client_id": ""}, "LONGHAUL_OIDC_CLIENT_ID"),
        ({"oidc_roles": {}}, "LONGHAUL_OIDC_ROLES"),
        ({"oidc_roles": {"a": ["king"]}}, "LONGHAUL_OIDC_ROLES"),
        ({"oidc_roles": "a=adjuster"}, "LONGHAUL_OIDC_ROLES"),
    ],
)
def test_a_setting_that_cannot_work_is_named_at_the_start(wrong: dict[str, Any], named: str) -> None:
    good: dict[str, Any] = {
        "oidc_issuer": "https://login.example.com",
        "oidc_client_id": "longhaul",
        "oidc_roles": '{"a": ["adjuster"]}',
    }
    assert oidc.configured(Settings(**good), DECLARED) is not None
    with pytest.raises(BadInput, match=named):
        oidc.configured(Settings(**{**good, **wrong}), DECLARED)
