"""Whether the payments service answers, in one line: asked as the connector asks it, with its credentials and authority.

The law: an address is shown without whatever else stands in it, for it may hold a secret. Any answer is one: a company's
own service need not know `/healthz`; only a failure of its own and a refusal of our credentials are told as problems.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from app.core.errors import BadInput
from app.insurance.connectors.access import Access

LOOK_SECONDS = 3.0
REMEDY = (
    "start it or correct LONGHAUL_PAYMENTS_URL; without that setting `longhaul up` and `longhaul demo` bring a stand-in. "
    "Until it answers claims wait before whatever is to be sent"
)
_CREDENTIALS = "look at LONGHAUL_PAYMENTS_TOKEN, LONGHAUL_PAYMENTS_CLIENT_CERT and LONGHAUL_PAYMENTS_CLIENT_KEY"


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What was seen: `said` after the word "payments", and what to do if it is not well."""

    ok: bool
    said: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"payments: {self.said}" + (f"; {self.remedy}" if self.remedy else "")


def look(access: Access, *, external: bool = True) -> Standing:
    """Ask the service once. `external`: it is not of our own stack."""
    import httpx

    whose, where = "external" if external else "the stack's own", shown(access.url)
    try:
        with access.client() as client:
            status = client.get("/healthz", timeout=LOOK_SECONDS).status_code
    except (httpx.HTTPError, httpx.InvalidURL) as problem:
        why = str(problem).strip().split("\n")[0] or type(problem).__name__
        return Standing(ok=False, said=f"{whose}, not answering at {where} ({why})", remedy=REMEDY)
    except BadInput as problem:
        return Standing(ok=False, said=f"{whose}, not asked at {where}", remedy=str(problem))
    seen = Standing(ok=True, said=f"{whose}, answering at {where}")
    if status in (401, 403):
        return replace(
            seen, ok=False, said=f"{seen.said}, but it refuses our credentials ({status})", remedy=_CREDENTIALS
        )
    if status >= 500:
        return replace(seen, ok=False, said=f"{seen.said}, but with {status}", remedy="see what is wrong with it")
    return seen


def shown(url: str) -> str:
    """An address without a login, a path or a query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.netloc else "no address"
