"""Whether an address may carry money orders and credentials. The law: https, or within this machine."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def unsafe(url: str, *, http_host: str = "", token: bool = False, certificate: bool = False) -> str | None:
    """Why nothing may be sent to this address, and what to write instead; None if it may.

    http_host: the one host beyond this machine that is asked by http all the same. What proves who we are never is.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in ("https", "http") or not host:
        return f"{url[:200]!r} is no address of a service; write it like https://payments.example.com"
    if parts.username is not None or parts.password is not None:
        return "write no login into the address; a token goes into LONGHAUL_PAYMENTS_TOKEN"
    if parts.scheme == "https":
        return None
    if certificate:
        return f"{host} is to be shown a certificate, which takes https; write it like https://{host}"
    if _is_here(host):
        return None
    if token or host != http_host:
        return (
            f"{host} is another machine, and by http everybody between can read and change what is paid; write it like "
            f"https://{host}"
            + ("" if token else f", or allow it by LONGHAUL_PAYMENTS_HTTP_HOST={host} in a network of your own")
        )
    return None


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
