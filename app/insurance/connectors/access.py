"""How the payments service is reached: its address and what we show of ourselves, in one object.

The law: credentials stand nowhere else, are never printed, and never leave this machine in the clear.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from app.core.errors import BadInput
from app.settings import Settings

if TYPE_CHECKING:
    import httpx

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 15.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """An address with a bearer token, a client's certificate, both or neither. `authority`: who may have signed the server's."""

    url: str
    token: str = field(default="", repr=False)
    certificate: Path | None = None
    key: Path | None = field(default=None, repr=False)
    authority: Path | None = None

    @classmethod
    def to_payments(cls, config: Settings) -> Access:
        """As the settings name it; they have refused what cannot be safe."""
        return cls(
            url=config.payments_url,
            token=config.payments_token.get_secret_value(),
            certificate=config.payments_client_cert,
            key=config.payments_client_key,
            authority=config.payments_ca,
        )

    def client(self, verify: ssl.SSLContext | Literal[False] | None = None) -> httpx.Client:
        """A client that shows the credentials with every request. Raises BadInput naming the file that cannot be read.

        verify: what `certificates` said, if it was asked before.
        """
        import httpx  # late: a process needs none before its first payment or letter

        verify = self.certificates() if verify is None else verify
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        timeout = httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
        return httpx.Client(base_url=self.url, timeout=timeout, trust_env=False, headers=headers, verify=verify)

    def certificates(self) -> ssl.SSLContext | Literal[False]:
        """What the server's certificate is checked by, and ours; False without TLS. Raises BadInput naming the file that
        cannot be read."""
        if not self.url.startswith("https:"):
            return False
        try:
            context = ssl.create_default_context(cafile=self.authority)
        except (OSError, ssl.SSLError) as problem:
            raise BadInput(f"LONGHAUL_PAYMENTS_CA: {self.authority} holds no certificates: {problem}") from problem
        if self.certificate is not None:
            try:
                context.load_cert_chain(self.certificate, self.key)
            except (OSError, ssl.SSLError) as problem:
                names = "LONGHAUL_PAYMENTS_CLIENT_CERT, LONGHAUL_PAYMENTS_CLIENT_KEY"
                raise BadInput(
                    f"{names}: {self.certificate} and {self.key or 'the key in it'} do not fit: {problem}"
                ) from problem
        return context
