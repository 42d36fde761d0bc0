"""Ports of 127.0.0.1: the configured one, or a free one where a default is taken."""

from __future__ import annotations

import socket

from app.stack.servers.errors import StackError

_LOOPBACK = "127.0.0.1"


def choose_port(wanted: int, *, named_by: str | None) -> int:
    """`wanted` if it is free, else any free port; 0 wants any.

    `named_by`: the variable in which an operator asked for exactly this port; then a taken port is an error.
    """
    if wanted and _is_free(wanted):
        return wanted
    if named_by is not None:
        raise StackError(f"port {wanted} ({named_by}) is taken by another program. Stop it, or name another port.")
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    """Whether something accepts connections on `port`."""
    try:
        with socket.create_connection((_LOOPBACK, port), timeout=0.2):
            return True
    except OSError:
        return False


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_LOOPBACK, port))
        except OSError:
            return False
        return True
