"""Signing in by the company's own identity provider (OpenID Connect, authorization code with PKCE).

The law: an ID token counts only if the provider signed it, for us, for this very sign-in, and just now. A person is who
issuer and subject say, never only a name: a name that somebody signs in by otherwise here is not taken over. Roles follow
groups, as far as a group is mapped to them; a role no group gives is the administrator's matter. Authority always is.

Sources: OpenID Connect Core 1.0, sections 3.1.2 and 3.1.3.7; RFC 7636 (PKCE); RFC 9207 is not asked for.
"""

from __future__ import annotations

import base64
import hashlib
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from app.accounts import people
from app.accounts.people import Person
from app.core.declarations.roles import Roles
from app.core.errors import BadInput, NotEntitled, Refused, StoreUnavailable
from app.engine.runtime import Runtime
from app.settings import Settings
from app.store.accounts import users
from app.store.database import Connection
from app.telemetry import logs

if TYPE_CHECKING:
    from authlib.integrations.httpx_client import OAuth2Client

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
LEEWAY_SECONDS = 60
PROOF_SECONDS = 600.0  # of `auth_time`: signing on by a session the provider already had proves nobody is there
_TIMEOUT_SECONDS = 10.0
_NOT_IN_NAMES = re.compile(r"[^a-z0-9._-]+")


class ProviderAway(StoreUnavailable):
    """The company's sign-in does not answer, or not as OpenID Connect says."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Oidc:
    """The provider as the settings name it. roles: by group, the roles it gives."""

    issuer: str
    client_id: str
    client_secret: str
    scopes: str
    groups_claim: str
    username_claim: str
    roles: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Whom a sign-in lets in. proven: they showed who they are just now, not by a session the provider already had."""

    person: Person
    proven: bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way to the provider and back, known by a random token that only the browser holds; all else follows from it."""

    token: str

    def part(self, name: str) -> str:
        """The `state`, `nonce` or `verifier` of this attempt: none of them tells another, or the token."""
        return base64.urlsafe_b64encode(hashlib.sha256(f"{name}:{self.token}".encode()).digest()).decode().rstrip("=")


def configured(config: Settings, there: Roles) -> Oidc | None:
    """The provider, or None where there is none; its groups give roles that are `there`. Raises BadInput naming the variable at fault."""
    if not config.oidc_issuer:
        return None
    if not re.fullmatch(r"https://\S+|http://(127\.0\.0\.1|localhost)[:/]\S*", config.oidc_issuer):
        raise BadInput(
            "LONGHAUL_OIDC_ISSUER: write the provider's address, like https://login.example.com/realms/claims"
        )
    if not config.oidc_client_id:
        raise BadInput("LONGHAUL_OIDC_CLIENT_ID: name the client that the provider knows Longhaul as")
    roles = _roles(config.oidc_roles, there)
    try:
        import authlib  # noqa: F401
    except ImportError:
        raise BadInput(
            "LONGHAUL_OIDC_ISSUER is set, but authlib is not installed: pip install 'longhaul[oidc]'"
        ) from None
    return Oidc(
        issuer=config.oidc_issuer,
        client_id=config.oidc_client_id,
        client_secret=config.oidc_client_secret.get_secret_value(),
        scopes=config.oidc_scopes,
        groups_claim=config.oidc_groups_claim,
        username_claim=config.oidc_username_claim,
        roles=roles,
    )


def _roles(table: Mapping[str, tuple[str, ...]], there: Roles) -> Mapping[str, tuple[str, ...]]:
    for group, roles in table.items():
        if not roles or set(roles) - set(there.names):
            raise BadInput(
                f"LONGHAUL_OIDC_ROLES: {group!r} gives {', '.join(roles) or 'nothing'}; the roles are {', '.join(there.names)}"
            )
    if not table:
        raise BadInput(
            "LONGHAUL_OIDC_ROLES: say which group gives which roles, "
            'like {"on-call": ["operator"], "it": ["admin", "operator"]}'
        )
    return table


def way_there(oidc: Oidc, attempt: Attempt, *, back: str, anew: bool) -> str:
    """The address at the provider to send the browser to. `anew`: it must ask the person again. Raises ProviderAway."""
    with _client(oidc, back) as client:
        more = {"prompt": "login", "max_age": "0"} if anew else {}
        address, _ = client.create_authorization_url(
            _metadata(oidc)["authorization_endpoint"],
            state=attempt.part("state"),
            nonce=attempt.part("nonce"),
            code_verifier=attempt.part("verifier"),
            **more,
        )
    return str(address)


def way_back(rt: Runtime, oidc: Oidc, attempt: Attempt, *, code: str, back: str) -> SignedIn:
    """Whom the provider's code lets in. Raises ProviderAway, NotEntitled, or Refused for a name that is somebody else's."""
    claims = _claims(oidc, attempt, code, back)
    wanted = _wanted(oidc, claims)
    person, new = rt.database.transact(lambda db: _person(db, oidc, claims, wanted))
    shown_at = claims.get("auth_time")
    age = time.time() - (shown_at if isinstance(shown_at, int | float) else 0)
    if new:
        logs.event(
            "people", event="enrolled", username=person.username, actor=f"oidc:{oidc.issuer}", roles=list(person.roles)
        )
    return SignedIn(person, proven=age + LEEWAY_SECONDS >= 0 and age < PROOF_SECONDS)


def _client(oidc: Oidc, back: str) -> OAuth2Client:
    from authlib.integrations.httpx_client import OAuth2Client

    return OAuth2Client(
        client_id=oidc.client_id,
        client_secret=oidc.client_secret or None,
        scope=oidc.scopes,
        redirect_uri=back,
        code_challenge_method="S256",
        timeout=_TIMEOUT_SECONDS,
        trust_env=False,
        token_endpoint_auth_method=None if oidc.client_secret else "none",
    )


def _metadata(oidc: Oidc) -> Mapping[str, Any]:
    found = _asked(f"{oidc.issuer.rstrip('/')}/.well-known/openid-configuration")
    if found.get("issuer") != oidc.issuer:
        raise ProviderAway(
            f"{oidc.issuer} calls itself {found.get('issuer')!r}; set LONGHAUL_OIDC_ISSUER to exactly that"
        )
    return found


def _asked(address: str) -> Mapping[str, Any]:
    import httpx  # late: only where people sign in by their company

    try:
        answer = httpx.get(address, timeout=_TIMEOUT_SECONDS, trust_env=False).raise_for_status().json()
    except (httpx.HTTPError, ValueError) as problem:
        raise ProviderAway(
            f"your company's sign-in does not answer ({type(problem).__name__}); try again in a moment"
        ) from problem
    if not isinstance(answer, dict):
        raise ProviderAway("your company's sign-in answers with what is no description of itself")
    return answer


def _claims(oidc: Oidc, attempt: Attempt, code: str, back: str) -> Mapping[str, Any]:
    """What the provider says of the person, all of it checked."""
    from authlib.common.errors import AuthlibBaseError
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    metadata = _metadata(oidc)
    try:
        with _client(oidc, back) as client:
            token = client.fetch_token(metadata["token_endpoint"], code=code, code_verifier=attempt.part("verifier"))
        keys = KeySet.import_key_set(_asked(metadata["jwks_uri"]))  # type: ignore[arg-type]
        claims = jwt.decode(token["id_token"], keys, algorithms=list(ALGORITHMS)).claims
        registry = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": oidc.issuer},
            aud={"essential": True, "value": oidc.client_id},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": attempt.part("nonce")},
        )
        registry.validate(claims)
    except (AuthlibBaseError, JoseError, KeyError, ValueError, TypeError) as problem:
        raise NotEntitled(
            f"your company's sign-in was not accepted ({type(problem).__name__}); sign in once more"
        ) from problem
    except Exception as problem:
        if type(problem).__module__.split(".")[0] not in ("httpx", "httpx2"):
            raise
        raise ProviderAway(
            f"your company's sign-in does not answer ({type(problem).__name__}); try again in a moment"
        ) from problem
    if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != oidc.client_id:
        raise NotEntitled("your company's sign-in let you in to something else; sign in once more")
    return claims


@dataclass(frozen=True, slots=True)
class _Wanted:
    username: str
    display_name: str
    roles: frozenset[str]


def _wanted(oidc: Oidc, claims: Mapping[str, Any]) -> _Wanted:
    """The person as the provider's claims would have them. Raises NotEntitled for one without any of our roles."""
    given = claims.get(oidc.groups_claim)
    groups = [given] if isinstance(given, str) else [str(group) for group in given] if isinstance(given, list) else []
    roles = frozenset(role for group in groups for role in oidc.roles.get(group, ()))
    name = str(claims.get(oidc.username_claim) or claims.get("email") or claims["sub"])
    username = _NOT_IN_NAMES.sub("-", name.partition("@")[0].lower()).strip("._-")[:64]
    if not roles:
        raise NotEntitled(
            f"none of your groups gives {name} a role here; ask for one of {', '.join(sorted(oidc.roles))}"
        )
    if len(username) < 3:
        raise NotEntitled(
            f"your company's sign-in calls you {name!r}, which cannot be a username here; ask its administrator"
        )
    shown = "".join(c for c in str(claims.get("name") or username) if c.isprintable()).strip()[:120]
    return _Wanted(username, shown or username, roles)


def _person(db: Connection, oidc: Oidc, claims: Mapping[str, Any], wanted: _Wanted) -> tuple[Person, bool]:
    """The person of these claims, enrolled or brought up to date; and whether they are new."""
    subject = f"{oidc.issuer} {claims['sub']}"
    row = users.by_oidc_subject(db, subject)
    if row is None:
        row = users.find(db, wanted.username)
        if row is not None and (row.oidc_subject is not None or row.has_password):
            raise Refused(
                f"{wanted.username} is somebody here already, who signs in otherwise; an administrator gives one of you another name"
            )
    mapped = {role for roles in oidc.roles.values() for role in roles}
    kept = [role for role in (row.roles if row else ()) if role not in mapped]
    username = row.username if row else wanted.username
    authority = row.authority if row else Decimal(0)
    people.enrol(db, Person(username, wanted.display_name, (*kept, *sorted(wanted.roles)), authority))
    users.set_oidc_subject(db, username, subject)
    return people.find(db, username), row is None
