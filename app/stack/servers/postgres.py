"""One Postgres server: durable, reachable only through a private unix socket, run by an unprivileged user.

Promises: an initialised data folder is continued, never replaced; `fsync` and `synchronous_commit` are on; `start`
returns only when the server answers, and twice is once; a half-made data folder (killed while initialising) is made
again.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Literal

from app.stack.servers.binaries import major_version, postgres_bin
from app.stack.servers.errors import ServerDidNotStart, StackError
from app.stack.servers.places import (
    Owner,
    can_reach,
    private_folder,
    record_outside,
    shared_base,
    short_hash,
    socket_folder,
)
from app.stack.servers.processes import ChildProcess, spawn

StopMode = Literal["smart", "fast", "immediate"]

_STOP_SIGNALS: dict[StopMode, int] = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
_START_SECONDS = 60.0
_STOP_SECONDS = 30.0

SERVER_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    # A result we said is recorded is on the disk.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    # Short statements by primary key: compiling them costs more than it saves.
    "jit": "off",
    # The hot tables are small and change fast.
    "autovacuum_naptime": "15s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %a ",
    "log_lock_waits": "on",
}


class EmbeddedPostgres:
    """A Postgres server whose data is in `data_dir`, started and stopped as a child of this process.

    `death_signal`: sent to the server when the thread that started it ends; only for starting from the main thread.
    """

    def __init__(self, data_dir: Path, *, death_signal: int | None = None) -> None:
        self.data_dir = data_dir
        self._owner = Owner.unprivileged()
        self._death_signal = death_signal
        self._process: ChildProcess | None = None
        self._cluster: Path | None = None
        self._socket_dir: Path | None = None

    @property
    def log(self) -> Path:
        """The file the server logs to."""
        return self.data_dir / "postgres.log"

    @property
    def cluster(self) -> Path:
        """The folder Postgres owns: inside `data_dir`, or where the server's user can reach it."""
        if self._cluster is None:
            self._make_data_dir()
            inside = self.data_dir.resolve() / "cluster"
            outside = f"longhaul-data-{short_hash(str(inside))}"
            self._cluster = inside if can_reach(inside, self._owner) else shared_base() / outside / "cluster"
        return self._cluster

    @property
    def socket_dir(self) -> Path:
        """The folder of the unix socket; short whatever the length of `data_dir`."""
        if self._socket_dir is None:
            self._make_data_dir()
            self._socket_dir = socket_folder(self.data_dir, self._owner)
        return self._socket_dir

    @property
    def process(self) -> ChildProcess | None:
        """The running server: ours, or one an earlier process left running on the same data."""
        if self._process is None and (lines := self._pid_file_lines()):
            found = ChildProcess.found(int(lines[0]))
            if found and str(self.cluster) in found.command:
                self._process = found
        if self._process is not None and not self._process.alive:
            self._process = None
        return self._process

    @property
    def pid(self) -> int | None:
        """The process id of the running server, None if there is none."""
        process = self.process
        return process.pid if process else None

    def url(self, dbname: str = "longhaul") -> str:
        """The address of a database, as psycopg and SQLAlchemy both read it."""
        return f"postgresql://longhaul@/{dbname}?host={self.socket_dir}"

    def start(self) -> None:
        """Start the server, or find it running; returns when it answers. Raises StackError."""
        if self.process and self._wait_until_ready(time.monotonic() + _START_SECONDS):
            return
        bin_dir = postgres_bin(self._owner)
        self._initialise(bin_dir)
        self._check_version(bin_dir)
        deadline = time.monotonic() + _START_SECONDS
        # After a kill -9 the old backends hold the shared memory for a moment: the server refuses, and is asked again.
        while not self._launch(bin_dir, deadline):
            if time.monotonic() > deadline:
                raise ServerDidNotStart("Postgres", self.log, "it ended again and again")
            time.sleep(0.2)

    def stop(self, mode: StopMode = "fast") -> None:
        """Stop the server as pg_ctl does; after half a minute by force."""
        if process := self.process:
            process.end(_STOP_SIGNALS[mode], _STOP_SECONDS)
        self._process = None

    def restart(self, mode: StopMode = "fast") -> None:
        """Stop and start; every session breaks."""
        self.stop(mode)
        self.start()

    def kill(self) -> None:
        """SIGKILL the server and all its sessions: the crash that recorded work must survive."""
        if process := self.process:
            process.kill()
        self._process = None

    # The data folder

    def _make_data_dir(self) -> None:
        """Closed to other users, but for passing through by the one that runs Postgres for root."""
        if not self.data_dir.exists():
            self.data_dir.mkdir(parents=True)
            self.data_dir.chmod(0o700 if self._owner.is_current else 0o711)

    def _initialise(self, bin_dir: Path) -> None:
        """Make the cluster beside its place, then move it there: it exists whole or not at all."""
        cluster = self.cluster
        if (cluster / "PG_VERSION").exists():
            return
        if cluster.parent != self.data_dir.resolve():
            record_outside(self.data_dir, cluster.parent)
            private_folder(cluster.parent, Owner.current(), mode=0o711)
        part = cluster.with_name("cluster.part")
        shutil.rmtree(part, ignore_errors=True)
        private_folder(part, self._owner)
        initdb = [str(bin_dir / "initdb"), "-D", str(part), "-U", "longhaul", "--encoding=UTF8", "--locale=C.UTF-8"]
        self._run_tool([*initdb, "--auth-local=trust", "--auth-host=reject"], part)
        single_user = [str(bin_dir / "postgres"), "--single", "-D", str(part), "postgres"]
        self._run_tool(single_user, part, b"CREATE DATABASE longhaul\n")
        part.rename(cluster)

    def _run_tool(self, command: list[str], cwd: Path, stdin: bytes = b"") -> None:
        change = not self._owner.is_current
        done = subprocess.run(
            command,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            check=False,
            timeout=120,
            user=self._owner.uid if change else None,
            group=self._owner.gid if change else None,
            extra_groups=[] if change else None,
        )
        with self.log.open("ab") as log:
            log.write(done.stdout)
        if done.returncode != 0:
            raise ServerDidNotStart("Postgres", self.log, f"{Path(command[0]).name} ended with code {done.returncode}")

    def _check_version(self, bin_dir: Path) -> None:
        ours, theirs = major_version(bin_dir), int((self.cluster / "PG_VERSION").read_text())
        if ours != theirs:
            raise StackError(
                f"{self.cluster} holds data of Postgres {theirs}, but {bin_dir} is Postgres {ours}. "
                f"Set LONGHAUL_PG_BIN to binaries of {theirs}, move the data with pg_upgrade, "
                "or start anew with `make clean`."
            )

    # The process

    def _launch(self, bin_dir: Path, deadline: float) -> bool:
        """Start once; True when it answers, False if it ended at once."""
        self._forget_stale_pid_file()
        settings = SERVER_SETTINGS | {"unix_socket_directories": str(self.socket_dir)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self._process = spawn(
            [str(bin_dir / "postgres"), "-D", str(self.cluster), *options],
            log=self.log,
            cwd=self.cluster,
            owner=self._owner,
            death_signal=self._death_signal,
        )
        return self._wait_until_ready(deadline)

    def _wait_until_ready(self, deadline: float) -> bool:
        """Wait for the word "ready" in the server's own pid file, as pg_ctl does; False if the server ended."""
        while time.monotonic() < deadline:
            process = self.process
            if process is None:
                return False
            lines = self._pid_file_lines()
            if len(lines) > 7 and lines[0] == str(process.pid) and lines[7].strip() == "ready":
                return True
            time.sleep(0.02)
        raise ServerDidNotStart("Postgres", self.log, f"not ready within {_START_SECONDS:.0f} s")

    def _forget_stale_pid_file(self) -> None:
        """Postgres refuses to start while the recorded pid lives, even if by now it is some other program."""
        lines = self._pid_file_lines()
        if not lines:
            return
        holder = ChildProcess.found(int(lines[0]))
        if holder is not None and str(self.cluster) not in holder.command:
            (self.cluster / "postmaster.pid").unlink(missing_ok=True)

    def _pid_file_lines(self) -> list[str]:
        try:
            return (self.cluster / "postmaster.pid").read_text().splitlines()
        except (FileNotFoundError, NotADirectoryError):
            return []
