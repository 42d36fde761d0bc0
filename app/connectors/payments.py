"""The external payments service and mail room, as tools.

The law: what the service certainly refused is NotDone; everything else that goes wrong after the request was sent is
left as it is, and the engine treats it as unknown. `reconcile` asks for the key and believes what it is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from app.core.errors import NotDone, Throttled

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 15.0


class _Service:
    """One resource of the service: `payments` or `letters`."""

    resource = ""
    fields: tuple[str, ...] = ()

    def __init__(self, base_url: str) -> None:
        timeout = httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
        self._client = httpx.Client(base_url=base_url, timeout=timeout, trust_env=False)

    def __call__(self, key: str, params: Mapping[str, Any]) -> Any:
        """Act once under the key. Raises NotDone or Throttled when the service certainly did nothing."""
        body = {name: params[name] for name in self.fields}
        try:
            answer = self._client.post(f"/{self.resource}", json=body, headers={"Idempotency-Key": key})
        except (httpx.ConnectError, httpx.ConnectTimeout) as problem:
            raise NotDone(f"the payments service cannot be reached: {problem}") from problem
        return _read(answer)

    def reconcile(self, key: str, params: Mapping[str, Any]) -> Any | None:
        """What the service recorded under the key, or None."""
        answer = self._client.get(f"/{self.resource}/by-key/{key}")
        return None if answer.status_code == 404 else _read(answer)


class Payments(_Service):
    """`payments.pay`: moves money."""

    resource = "payments"
    fields = ("claim", "payee", "amount", "currency", "purpose")


class MailRoom(_Service):
    """`letters.send`: sends a letter on paper."""

    resource = "letters"
    fields = ("claim", "kind", "recipient", "sha256", "purpose")


def _read(answer: httpx.Response) -> Any:
    if answer.status_code == 429 or (answer.status_code == 503 and "retry-after" in answer.headers):
        wait = answer.headers.get("retry-after", "")
        raise Throttled(
            f"the payments service asks for patience ({answer.status_code})",
            retry_after_seconds=float(wait) if wait.replace(".", "", 1).isdigit() else None,
        )
    if 400 <= answer.status_code < 500:
        raise NotDone(f"the payments service refused ({answer.status_code}): {answer.text[:300]}", retry=False)
    answer.raise_for_status()
    return answer.json()
