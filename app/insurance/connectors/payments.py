"""The external payments service and mail room, as tools.

The law: what the service certainly refused is NotDone; everything else that goes wrong after the request was sent is
left as it is, and the engine treats it as unknown. An answer counts only if it repeats what was sent, field by field:
one that says something else is for a person. `reconcile` asks for the key and believes what it is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import TYPE_CHECKING, Any

from app.core.errors import Contradicted, NotDone, Throttled
from app.insurance.connectors.access import Access

if TYPE_CHECKING:
    import httpx


class _Service:
    """One resource of the service: `payments` or `letters`."""

    resource = ""
    fields: tuple[str, ...] = ()
    must_repeat: tuple[str, ...] = ()
    """What the service's answer has to state; of the other fields, and of the key, what it does state has to agree."""

    def __init__(self, access: Access) -> None:
        self._access, self._certificates = access, access.certificates()  # what cannot be read is said at the start

    @cached_property
    def _client(self) -> httpx.Client:
        return self._access.client(self._certificates)

    def __call__(self, key: str, params: Mapping[str, Any]) -> Any:
        """Act once under the key. Raises NotDone or Throttled when the service certainly did nothing, Contradicted when it
        says that it did something else."""
        import httpx

        body = {name: params[name] for name in self.fields}
        try:
            answer = self._client.post(f"/{self.resource}", json=body, headers={"Idempotency-Key": key})
        except (httpx.ConnectError, httpx.ConnectTimeout) as problem:
            raise NotDone(f"the payments service cannot be reached: {problem}") from problem
        done = _read(answer)
        self.check(key, params, done)
        return done

    def check(self, key: str, params: Mapping[str, Any], answer: Any) -> None:
        """Raises Contradicted, naming each field in which an answer differs from what was sent under the key."""
        told = answer if isinstance(answer, Mapping) else {}
        sent = {name: params[name] for name in self.fields} | {"key": key, "idempotency_key": key}
        differing = [
            f"{name} {told.get(name, 'not stated')!r} instead of {value!r}"
            for name, value in sent.items()
            if (name in told or name in self.must_repeat) and not _equal(name, told.get(name), value)
        ]
        if differing:
            raise Contradicted(f"the payments service answered with {', '.join(differing)[:1000]}")

    def reconcile(self, key: str, params: Mapping[str, Any]) -> Any | None:
        """What the service recorded under the key, or None."""
        answer = self._client.get(f"/{self.resource}/by-key/{key}")
        return None if answer.status_code == 404 else _read(answer)


class Payments(_Service):
    """`payments.pay`: moves money."""

    resource = "payments"
    fields = ("claim", "payee", "amount", "currency", "purpose")
    must_repeat = ("payee", "amount", "currency")


class MailRoom(_Service):
    """`letters.send`: sends a letter on paper."""

    resource = "letters"
    fields = ("claim", "kind", "recipient", "sha256", "purpose")
    must_repeat = ("recipient", "sha256")


def _equal(name: str, told: Any, sent: Any) -> bool:
    """Amounts are equal as numbers, all else as it is written."""
    if name != "amount":
        return str(told) == str(sent)
    try:
        return Decimal(str(told)) == Decimal(str(sent))
    except InvalidOperation:
        return False


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
