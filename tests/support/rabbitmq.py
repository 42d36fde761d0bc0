"""One RabbitMQ server for a whole test run: a node of its own name, folder, cookie, ports and epmd, all on loopback.

The law: it leaves nothing behind and touches no other RabbitMQ of the machine. Its epmd, which Erlang would leave
running for ever, is a child of ours.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from app.stack.servers.ports import answers, choose_port
from app.stack.servers.processes import ChildProcess, spawn
from tests.support.waiting import wait_for

# Debian's own command of that name refuses everybody but root; the script behind it does not.
_DEBIANS = Path("/usr/lib/rabbitmq/bin")
_START_SECONDS = 90.0
_GREETING = b"AMQP\x00\x00\x09\x01"


def rabbitmq_command(name: str = "rabbitmq-server") -> str | None:
    """Where RabbitMQ's program is installed, None if it is not."""
    return shutil.which(name, path=f"{_DEBIANS}{os.pathsep}{os.environ.get('PATH', '')}")


class RabbitServer:
    """A RabbitMQ server with its data in `folder`; can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self._epmd_port, self._distribution_port = (choose_port(0, named_by=None) for _ in range(3))
        self._node = (
            f"longhaul{os.getpid()}@127.0.0.1"  # an address: a name would be looked up, and not every machine knows it
        )
        self._epmd: ChildProcess | None = None
        self._server: ChildProcess | None = None

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.folder / "rabbitmq.log"

    @property
    def pid(self) -> int | None:
        """The process id of the running server, None if there is none."""
        return self._server.pid if self._server is not None and self._server.alive else None

    def url(self) -> str:
        """Its address, as Celery reads it."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def start(self) -> None:
        """Start the server; returns when it answers."""
        command = rabbitmq_command()
        assert command is not None, "no RabbitMQ is installed"
        (self.folder / "rabbitmq.conf").write_text("log.console = true\nlog.file = false\nloopback_users = none\n")
        (self.folder / "enabled_plugins").write_text("[].")
        if self._epmd is None:
            epmd = [shutil.which("epmd") or "epmd", "-port", str(self._epmd_port), "-address", "127.0.0.1"]
            self._epmd = spawn(epmd, log=self.log, cwd=self.folder, death_signal=signal.SIGKILL)
            wait_for(lambda: answers(self._epmd_port), "epmd to answer", evidence=self.log.read_text)
        self._server = spawn(
            [command], log=self.log, cwd=self.folder, env=self.environment(), death_signal=signal.SIGKILL
        )
        wait_for(self._started, "RabbitMQ to answer", seconds=_START_SECONDS, evidence=self._evidence)

    def stop(self) -> None:
        """End the server and its epmd; nothing of them is left."""
        self.kill()
        if self._epmd is not None:
            self._epmd.kill()
        self._epmd = None

    def kill(self) -> None:
        """SIGKILL the server."""
        if self._server is not None:
            self._server.kill()
        self._server = None

    def fill(self, *, full: bool = True) -> None:
        """Let it believe that its memory is full: it takes no messages any more, and says so to nobody who asks."""
        command = [str(rabbitmq_command("rabbitmqctl")), "set_vm_memory_high_watermark", "0" if full else "0.4"]
        subprocess.run(command, env=self.environment(), check=True, capture_output=True, timeout=60)

    def answers(self) -> bool:
        """Whether the server speaks AMQP."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(_GREETING)
                return bool(connection.recv(1))
        except OSError:
            return False

    def environment(self) -> dict[str, str]:
        """What makes it a server of its own; for RabbitMQ's tools too."""
        own = {
            "HOME": str(self.folder),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_USE_LONGNAME": "true",
            "RABBITMQ_NODENAME": self._node,
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.folder / "advanced.config"),
            "RUNNING_UNDER_SYSTEMD": "1",  # so that the script becomes the server, and its pid is the server's
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1",
        }
        return {k: v for k, v in os.environ.items() if not k.startswith(("RABBITMQ_", "ERL_"))} | own

    def _started(self) -> bool:
        assert self.pid is not None, f"RabbitMQ ended at once\n{self._evidence()}"
        return self.answers()

    def _evidence(self) -> str:
        return self.log.read_text(errors="replace")[-3000:]
