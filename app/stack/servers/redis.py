"""One Redis server as the doorbell: in memory only, because losing all of it must lose no run.

Promises: nothing is written to disk, nothing is evicted; `start` returns only when the server answers, and twice is
once.
"""

from __future__ import annotations

import signal
import socket
import time
from pathlib import Path
from urllib.parse import quote

from app.stack.servers.binaries import redis_binary
from app.stack.servers.errors import ServerDidNotStart
from app.stack.servers.places import Owner, socket_folder
from app.stack.servers.processes import ChildProcess, spawn

_START_SECONDS = 20.0
_STOP_SECONDS = 5.0
_PING_SECONDS = 1.0


class EmbeddedRedis:
    """A Redis server on a private unix socket, or on a port of 127.0.0.1 where one is asked for.

    `death_signal`: sent to the server when the thread that started it ends; only for starting from the main thread.
    """

    def __init__(self, data_dir: Path, *, port: int | None = None, death_signal: int | None = None) -> None:
        self.data_dir = data_dir
        self.port = port
        self._death_signal = death_signal
        self._process: ChildProcess | None = None
        self._socket: Path | None = None

    @property
    def log(self) -> Path:
        """The file the server logs to."""
        return self.data_dir / "redis.log"

    @property
    def socket_path(self) -> Path:
        """The unix socket; short whatever the length of `data_dir`."""
        if self._socket is None:
            self.data_dir.mkdir(parents=True, exist_ok=True)
            self._socket = socket_folder(self.data_dir, Owner.current()) / "redis.sock"
        return self._socket

    @property
    def process(self) -> ChildProcess | None:
        """The running server: ours, or one an earlier process left running on the same data folder."""
        if self._process is None and self._pid_file.exists():
            pid, created_at = self._pid_file.read_text().split()
            self._process = ChildProcess.found(int(pid), float(created_at))
        if self._process is not None and not self._process.alive:
            self._process = None
        return self._process

    @property
    def pid(self) -> int | None:
        """The process id of the running server, None if there is none."""
        process = self.process
        return process.pid if process else None

    def url(self, db: int = 0) -> str:
        """The address of one numbered database, as Celery reads it."""
        if self.port is not None:
            return f"redis://127.0.0.1:{self.port}/{db}"
        return f"redis+socket://{quote(str(self.socket_path))}?virtual_host={db}"

    def start(self) -> None:
        """Start the server, or find it running; returns when it answers. Raises ServerDidNotStart or ServerMissing."""
        if self.process and self._wait_until_ready():
            return
        self._process = spawn(
            [str(redis_binary()), *self._options()],
            log=self.log,
            cwd=self.data_dir,
            death_signal=self._death_signal,
        )
        self._pid_file.write_text(f"{self._process.pid} {self._process.created_at}")
        if not self._wait_until_ready():
            raise ServerDidNotStart("Redis", self.log, "it ended at once")

    def stop(self) -> None:
        """Stop the server; after five seconds by force."""
        if process := self.process:
            process.end(signal.SIGTERM, _STOP_SECONDS)
        self._process = None

    def restart(self) -> None:
        """Stop and start: everything in it is gone."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """SIGKILL the server: everything in it is gone."""
        if process := self.process:
            process.kill()
        self._process = None

    def answers(self) -> bool:
        """Whether the server says PONG."""
        try:
            with self._connect() as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    @property
    def _pid_file(self) -> Path:
        return self.data_dir / "redis.pid"

    def _options(self) -> list[str]:
        if self.port is not None:
            where = ["--port", str(self.port), "--bind", "127.0.0.1"]
        else:
            where = ["--port", "0", "--unixsocket", str(self.socket_path), "--unixsocketperm", "700"]
        memory_only = ["--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction"]
        return [*where, *memory_only, "--daemonize", "no", "--databases", "64"]

    def _connect(self) -> socket.socket:
        if self.port is not None:
            return socket.create_connection(("127.0.0.1", self.port), timeout=_PING_SECONDS)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(_PING_SECONDS)
        try:
            connection.connect(str(self.socket_path))
        except OSError:
            connection.close()
            raise
        return connection

    def _wait_until_ready(self) -> bool:
        """Wait for an answer; False if the server ended instead."""
        deadline = time.monotonic() + _START_SECONDS
        while not self.answers():
            if self.process is None:
                return False
            if time.monotonic() > deadline:
                raise ServerDidNotStart("Redis", self.log, f"no answer within {_START_SECONDS:.0f} s")
            time.sleep(0.02)
        return True
