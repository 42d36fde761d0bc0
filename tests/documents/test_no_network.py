"""Whoever reads hostile bytes reaches nobody: not over TCP, UDP or a unix socket, and not from a child of its own."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.documents import confined
from app.documents.child import no_network, reader_child
from app.documents.confined import ReadLimits

TRY = """
import json, socket, subprocess, sys
from app.documents.child.no_network import refuse_network
means = refuse_network() if sys.argv[1] == "refused" else "open"
def attempt(family, kind, to):
    try:
        with socket.socket(family, kind) as s:
            s.connect(to)
            s.send(b"x")
        return "reached"
    except OSError as problem:
        return type(problem).__name__
port, path = int(sys.argv[2]), sys.argv[3]
here = ("127.0.0.1", port)
found = {
    "tcp": attempt(socket.AF_INET, socket.SOCK_STREAM, here),
    "udp": attempt(socket.AF_INET, socket.SOCK_DGRAM, here),
    "unix": attempt(socket.AF_UNIX, socket.SOCK_STREAM, path),
}
code = f"import socket; socket.create_connection({here!r})"
found["child"] = "refused" if subprocess.run([sys.executable, "-c", code], stderr=-3).returncode else "reached"
print(json.dumps([means, found]))
"""


def attempts(folder: Path, mode: str) -> tuple[str, dict[str, str]]:
    path = str(folder / "s")
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as unix:
        unix.bind(path)
        unix.listen()
        arguments = [sys.executable, "-c", TRY, mode, str(tcp.getsockname()[1]), path]
        root = Path(no_network.__file__).parents[2]
        told = subprocess.run(arguments, capture_output=True, text=True, check=True, cwd=root)
    means, found = json.loads(told.stdout)
    return means, found


def test_a_reader_reaches_no_listener(tmp_path: Path) -> None:
    open_means, reached = attempts(tmp_path, "open")
    assert (open_means, set(reached.values())) == ("open", {"reached"})
    (tmp_path / "s").unlink()
    means, found = attempts(tmp_path, "refused")
    if not Path("/proc/sys/kernel/seccomp").exists():
        pytest.skip(f"this kernel has no filter of system calls, only: {means}")
    assert means == no_network.SYSTEM_CALLS
    assert found == {"tcp": "PermissionError", "udp": "PermissionError", "unix": "PermissionError", "child": "refused"}


def test_the_reader_gives_up_the_network_before_it_looks_at_a_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    def reads() -> None:
        order.append("read")
        raise SystemExit

    monkeypatch.setattr(reader_child, "die_with_parent", lambda _: None)
    monkeypatch.setattr(reader_child, "confine", lambda _: order.append("limits"))
    monkeypatch.setattr(reader_child, "refuse_network", lambda: order.append("network"))
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=SimpleNamespace(read=reads)))
    with pytest.raises(SystemExit):
        reader_child.read(confined.asked({"name": "text"}, ReadLimits(), 0))
    assert order == ["limits", "network", "read"]


def test_what_is_in_force_is_told() -> None:
    assert no_network.means_in_force() in {no_network.SYSTEM_CALLS, no_network.NAMESPACE, no_network.NONE}
