"""A scene: servers, hosts with a worker each, beat, a payments service and the load, for one fault.

The law: nothing of a scene outlives it. Intervals are the product's defaults; `quick` makes pings, silence and outages
six times as short.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from app.settings import Settings
from app.stack.servers.places import remove_outside
from app.store.migrate import upgrade
from tests.faults import workload
from tests.faults.fault import Fault
from tests.faults.hosts import Host, Network, network
from tests.faults.load import Load
from tests.faults.servers import NetworkPostgres, NetworkRedis
from tests.faults.witness import DONE, Witness
from tests.support.programs import CELERY, Program
from tests.support.roles import DECLARED
from tests.support.stack import Stack
from tests.support.waiting import NeverHappened

DATABASE = "longhaul"
CYCLE_SECONDS = 4.0  # how long a run of the load takes: two payments of two seconds
WINDOW_SECONDS = 2 * CYCLE_SECONDS
NEARLY = 0.75  # of the rate before: the full rate, as runs that began together also end together
QUICKER = 6
REGISTER_SECONDS = 600.0  # on a machine that does much else
SCRATCH, FOLDERS = Path("/var/tmp"), "longhaul-fault-"


@dataclass
class Place:
    """A host and the worker that runs on it."""

    host: Host
    program: Program


@dataclass
class Scene:
    """All that a fault is inflicted on."""

    fault: Fault
    quick: bool
    folder: Path
    net: Network
    postgres: NetworkPostgres
    redis: NetworkRedis
    stack: Stack
    witness: Witness
    load: Load
    places: list[Place] = field(default_factory=list)
    exits: list[str] = field(default_factory=list)
    expected: list[tuple[str, bool]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        """The settings of the workers, as far as they matter here."""
        named = {key.lower(): value for key, value in self.stack.settings.items()}
        return Settings.model_validate(named)

    def lasting(self, seconds: float) -> float:
        """How long something lasts that is to last so long."""
        return seconds / QUICKER if self.quick else seconds

    # Workers

    def place(self, **settings: object) -> Place:
        """One more host with a worker, started again when it dies."""
        host = self.net.host(self.postgres.port)
        name = f"w{len(self.stack.programs)}"
        command = [*host.prefix, CELERY, "-A", "tasks", "worker", "-n", f"{name}@{host.address}", "--without-mingle"]
        settings["database_url"] = host.database_url(DATABASE, self.postgres.port)
        made = Place(host, self.stack._start(name, command, True, settings))
        self.places.append(made)
        return made

    def until_registered(self, *places: Place) -> None:
        """Wait until each of them has registered."""
        self.until(
            lambda: all(self.stack.is_registered(p.program) for p in places), "workers to register", REGISTER_SECONDS
        )

    def tend(self) -> None:
        """Note who died, start them again, and look."""
        for program in self.stack.programs:
            if program.kept and not program.alive:
                self.exits.append(f"{program.name} with {program.process.exit_code}")
        self.stack.tend()
        self.witness.look()

    # Time

    def hold(self, seconds: float) -> None:
        """Let so much time pass."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.tend()
            _pause(min(1.0, left))

    def until(self, condition: Callable[[], object], what: str, seconds: float) -> None:
        """Wait for a condition. Raises NeverHappened."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise NeverHappened(f"waited {seconds:.0f} s for {what}\n{self.stack.evidence()}")
            self.tend()
            _pause(0.5)

    def before_a_ping(self) -> None:
        """Wait until the ping of a worker is due within three seconds: what is to break pings must meet one."""
        query = f"""SELECT 1 FROM workers WHERE gone_at IS NULL
            AND app_now() - pinged_at > make_interval(secs => {self.settings.ping_seconds - 3})"""
        self.until(lambda: self.witness.all(query), "a ping to be due", 3 * self.settings.ping_seconds)

    def rate(self, since: float, until: float) -> float:
        """Completed steps per second of a time."""
        return self.witness.count(DONE, since, until) / max(until - since, 0.001)

    def expect(self, what: str, holds: bool) -> None:
        """A law of this fault alone."""
        self.expected.append((what, holds))

    def tell(self, what: str) -> None:
        """A figure of this fault alone."""
        self.told.append(what)


@contextmanager
def scene(fault: Fault, *, quick: bool, relays: bool = False) -> Iterator[Scene]:
    """Build it, and take it down whatever happens."""
    with ExitStack() as ends:
        folder = ends.enter_context(_folder())
        net = network(relays=relays)
        ends.callback(net.close)
        postgres, redis = NetworkPostgres(folder / "postgres", net.server), NetworkRedis(folder / "redis", net.server)
        ends.callback(postgres.stop, "immediate")
        postgres.start()
        ends.callback(redis.stop)
        redis.start()
        if fault.small_disk:
            _move_to_small_disk(postgres, ends.enter_context(small_disk(folder)))
        upgrade(postgres.url(DATABASE), DECLARED)
        stack = Stack(folder, postgres.url(DATABASE), redis.url(), workload.NAMES)
        ends.callback(stack.end)
        pace = {"PING_SECONDS": "5", "SILENT_SECONDS": "20"} if quick else {}
        own = {"BROKER_URL": redis.url(), "WORKFLOWS": workload.NAMES, "PAYMENTS_HTTP_HOST": net.server}
        stack.settings = own | pace | dict(fault.settings)
        stack.payments.stop()
        stack.payments.host = net.server
        stack.payments.start('{"delay_before": 1, "delay_after": 1}')
        witness = Witness(postgres.url(DATABASE))
        ends.callback(witness.close)
        witness.install()
        load = Load(witness, redis.url(), workload.ERRAND, fault.runs)
        ends.callback(load.stop)
        made = Scene(fault, quick, folder, net, postgres, redis, stack, witness, load)
        for _ in range(fault.hosts):
            made.place()
        stack.beat()
        made.until_registered(*made.places)
        yield made


@contextmanager
def _folder() -> Iterator[Path]:
    # The user Postgres runs as must reach it.
    folder = Path(tempfile.mkdtemp(prefix=f"{FOLDERS}{os.getpid()}-", dir=SCRATCH))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        remove_outside(folder)
        shutil.rmtree(folder, ignore_errors=True)


def remove_leftovers() -> None:
    """Remove the folders of runs whose process is gone."""
    for folder in SCRATCH.glob(f"{FOLDERS}*"):
        if not Path("/proc", folder.name.removeprefix(FOLDERS).split("-")[0]).exists():
            subprocess.run(["umount", "--lazy", str(folder / "disk")], check=False, capture_output=True)
            remove_outside(folder)
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def small_disk(folder: Path) -> Iterator[Path | None]:
    """A file system of 150 MB in memory, where this user may mount one."""
    disk = folder / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=150m,mode=777", "tmpfs", str(disk)], check=False, capture_output=True
    )
    try:
        yield disk if mounted.returncode == 0 else None
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", "--lazy", str(disk)], check=False)


def _move_to_small_disk(postgres: NetworkPostgres, disk: Path | None) -> None:
    if disk is None:
        return
    space = disk / "space"
    space.mkdir(mode=0o700)
    shutil.chown(space, postgres._owner.uid, postgres._owner.gid)
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as db:
        db.execute(f"CREATE TABLESPACE small LOCATION '{space}'")
        db.execute("ALTER DATABASE longhaul SET TABLESPACE small")


def _pause(seconds: float) -> None:
    threading.Event().wait(seconds)
