"""Hosts: where workers run, and how a host loses the database, or its power.

With root a host is a network namespace of its own at the end of a veth, and packets are dropped by iptables in it;
without, it is a relay on the loopback that goes silent. All that is made here is removed by `close`, and what an
earlier run that was killed left behind by `remove_leftovers`.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from tests.support.relay import Relay, Way

Direction = Literal["both", "answers", "requests"]
_PREFIX = "longhaul-fault"
_BRIDGE = "lhf"


class Host(Protocol):
    """A place for a worker. `address`: as the database sees it."""

    address: str

    @property
    def prefix(self) -> Sequence[str]:
        """What a command line begins with that shall run here."""
        ...

    def database_url(self, name: str, port: int) -> str:
        """Where a worker here finds a database of the server."""
        ...

    def cut(self, direction: Direction) -> None:
        """Drop what goes between this host and the database."""
        ...

    def lose_power(self) -> None:
        """Drop everything, so that no process here can say good-bye."""
        ...

    def heal(self) -> None:
        """Drop nothing more."""
        ...


class Network(Protocol):
    """The hosts of one fault. `server`: the address at which its servers listen; `about`: how it is made, to print."""

    server: str
    about: str

    def host(self, port: int) -> Host:
        """One more host; `port`: the database's."""
        ...

    def close(self) -> None:
        """Remove all of it."""
        ...


def network(*, relays: bool = False) -> Network:
    """Namespaces where this machine allows them, else relays."""
    if relays:
        return Relays("asked for")
    if os.geteuid() == 0 and shutil.which("ip") and shutil.which("iptables"):
        made = Namespaces()
        try:
            made.open()
        except subprocess.CalledProcessError as problem:
            made.close()
            return Relays(f"{problem.cmd} failed: {problem.stderr.strip()}")
        return made
    return Relays("this user is not root" if os.geteuid() else "`ip` or `iptables` is not installed")


def remove_leftovers() -> None:
    """Remove what runs left behind whose process is gone."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return
    for name in re.findall(rf"^{_PREFIX}-(\d+)-\d+", _said("ip", "netns", "list"), flags=re.MULTILINE):
        if not Path(f"/proc/{name}").exists():
            for found in re.findall(rf"^{_PREFIX}-{name}-\d+", _said("ip", "netns", "list"), flags=re.MULTILINE):
                _quietly("ip", "netns", "del", found)
    for pid in set(re.findall(rf"^\d+: {_BRIDGE}(\d+):", _said("ip", "-o", "link"), flags=re.MULTILINE)):
        if not Path(f"/proc/{pid}").exists():
            _quietly("ip", "link", "del", f"{_BRIDGE}{pid}")


class Namespaces:
    """A bridge with the servers' address, and a namespace per host."""

    def __init__(self) -> None:
        self._bridge = f"{_BRIDGE}{os.getpid()}"
        self._hosts: list[NamespaceHost] = []
        self.server = ""
        self.about = "each worker host is a network namespace; packets are dropped by iptables"

    def open(self) -> None:
        """Make the bridge. Raises CalledProcessError where it is not allowed."""
        taken = _said("ip", "-o", "address")
        first = os.getpid() % 200
        part = next(n for n in (*range(first, 250), *range(first)) if f"10.203.{n}." not in taken)
        self.server = f"10.203.{part}.1"
        _do("ip", "link", "add", self._bridge, "type", "bridge")
        _do("ip", "address", "add", f"{self.server}/24", "dev", self._bridge)
        _do("ip", "link", "set", self._bridge, "up")

    def host(self, port: int) -> Host:
        """One more namespace on the bridge."""
        number = len(self._hosts) + 2
        made = NamespaceHost(f"{_PREFIX}-{os.getpid()}-{number}", self.server.rsplit(".", 1)[0] + f".{number}", port)
        self._hosts.append(made)
        outer, inner = f"{self._bridge}h{number}", "eth0"
        _do("ip", "netns", "add", made.name)
        _do("ip", "link", "add", outer, "type", "veth", "peer", "name", inner, "netns", made.name)
        _do("ip", "link", "set", outer, "master", self._bridge, "up")
        _do("ip", "-n", made.name, "address", "add", f"{made.address}/24", "dev", inner)
        for link in ("lo", inner):
            _do("ip", "-n", made.name, "link", "set", link, "up")
        return made

    def close(self) -> None:
        """Remove namespaces (their links and filters go with them) and the bridge."""
        for made in self._hosts:
            _quietly("ip", "netns", "del", made.name)
        for number in range(2, len(self._hosts) + 2):
            _quietly("ip", "link", "del", f"{self._bridge}h{number}")
        _quietly("ip", "link", "del", self._bridge)


@dataclass
class NamespaceHost:
    """One network namespace."""

    name: str
    address: str
    port: int

    @property
    def prefix(self) -> Sequence[str]:
        """What a command line begins with that shall run here."""
        return ("ip", "netns", "exec", self.name)

    def database_url(self, name: str, port: int) -> str:
        """The server's own address."""
        return f"postgresql://longhaul@{self.address.rsplit('.', 1)[0]}.1:{port}/{name}"

    def cut(self, direction: Direction) -> None:
        """Drop packets to the database, from it, or both."""
        if direction in ("both", "requests"):
            self._filter("-A", "OUTPUT", "-p", "tcp", "--dport", str(self.port), "-j", "DROP")
        if direction in ("both", "answers"):
            self._filter("-A", "INPUT", "-p", "tcp", "--sport", str(self.port), "-j", "DROP")

    def lose_power(self) -> None:
        """Drop every packet."""
        for chain in ("OUTPUT", "INPUT"):
            self._filter("-A", chain, "!", "-i" if chain == "INPUT" else "-o", "lo", "-j", "DROP")

    def heal(self) -> None:
        """No filter any more."""
        self._filter("-F")

    def _filter(self, *rule: str) -> None:
        _do(*self.prefix, "iptables", "-w", "5", *rule)


@dataclass
class Relays:
    """One relay per host."""

    because: str
    server: str = "127.0.0.1"
    about: str = ""
    _hosts: list[RelayHost] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.about = f"no network namespaces ({self.because}): a relay per worker goes silent instead"

    def host(self, port: int) -> Host:
        """One more relay."""
        address = f"127.0.0.{len(self._hosts) + 2}"
        made = RelayHost(address, Relay(f"postgresql://longhaul@{self.server}:{port}/", source=address))
        self._hosts.append(made)
        return made

    def close(self) -> None:
        """End the relays."""
        for made in self._hosts:
            made.relay.close()


@dataclass
class RelayHost:
    """One relay."""

    address: str
    relay: Relay
    prefix: Sequence[str] = ()

    def database_url(self, name: str, port: int) -> str:
        """The relay's port, whatever the server's is."""
        return f"{self.relay.url}{name}"

    def cut(self, direction: Direction) -> None:
        """Silence, in one direction or both."""
        ways: dict[Direction, tuple[Way, ...]] = {"both": (), "requests": ("to server",), "answers": ("to client",)}
        self.relay.fall_silent(*ways[direction])

    def lose_power(self) -> None:
        """The sockets towards the server stay open and silent."""
        self.cut("both")

    def heal(self) -> None:
        """Forward again."""
        self.relay.heal()


def _do(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


def _quietly(*command: str) -> None:
    with contextlib.suppress(subprocess.CalledProcessError):
        _do(*command)


def _said(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
