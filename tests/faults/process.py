"""Inside a worker: its liveness thread meets an error that is none of the database, its log is a pipe that fails it."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path

from tests.faults.fault import MANY, Fault
from tests.faults.scene import DATABASE, NEARLY, REGISTER_SECONDS, Scene
from tests.faults.workload import RAISE
from tests.support.programs import CELERY, Program

LASTS_SECONDS = 60.0


def _raise(scene: Scene) -> None:
    """Half a minute past the silence limit a worker whose liveness died has pinged again, or ended with its code."""
    mark = scene.stack.faults.folder / RAISE
    mark.touch()
    scene.until(lambda: not mark.exists(), "a ping to meet the error", 3 * scene.settings.ping_seconds)
    (met,) = scene.stack.faults.folder.glob(f"{RAISE}.*")
    pid, at = int(met.suffix[1:]), time.time()
    scene.hold(scene.settings.silent_seconds + 30)
    still_there = any(pid in program.pids for program in scene.stack.programs)
    pings = scene.witness.all(
        "SELECT 1 FROM witness.notes WHERE what = 'ping' AND detail = %s AND at > to_timestamp(%s)", str(pid), at
    )
    scene.expect("the process pings again or has ended", bool(pings) or not still_there)


class PipedWorker:
    """A worker whose log is a pipe, read by a thread here until that stops."""

    def __init__(self, scene: Scene) -> None:
        self._host = scene.net.host(scene.postgres.port)
        self._pipe, self._copy = scene.folder / "piped", scene.folder / "piped.log"
        os.mkfifo(self._pipe)
        self._reading = os.open(self._pipe, os.O_RDONLY | os.O_NONBLOCK)
        self._going, self._ended = threading.Event(), threading.Event()
        self._going.set()
        threading.Thread(target=self._drain, daemon=True).start()
        command = [*self._host.prefix, CELERY, "-A", "tasks", "worker", "-n", "piped@localhost", "--without-mingle"]
        env = scene.stack.environment(database_url=self._host.database_url(DATABASE, scene.postgres.port))
        self.program = Program("piped", command, self._pipe, env)
        self.program.start()
        self.program.log = self._copy  # what is to be read of it
        scene.stack.programs.append(self.program)
        scene.until(lambda: scene.stack.is_registered(self.program), "the worker to register", REGISTER_SECONDS)

    def stop_reading(self) -> None:
        """Leave the pipe open and read no more."""
        self._going.clear()

    def read_on(self) -> None:
        """Read again."""
        self._going.set()

    def close(self) -> None:
        """Close the reader's end for good."""
        if not self._ended.is_set():
            self._ended.set()
            self._going.set()
            os.close(self._reading)

    def _drain(self) -> None:
        with self._copy.open("ab") as copy, contextlib.suppress(OSError):
            while not self._ended.wait(0.02):
                self._going.wait()
                with contextlib.suppress(BlockingIOError):
                    copy.write(os.read(self._reading, 65_536))
                    copy.flush()


def _fill(path: Path) -> int:
    """Write into a pipe until it is full, so that the next line of the worker's finds no room; bytes written."""
    written, pipe = 0, os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            written += os.write(pipe, b"\n" * 512)
    os.close(pipe)
    return written


def _log_not_read(scene: Scene) -> None:
    _log_fault(scene, close=False)


def _log_closed(scene: Scene) -> None:
    _log_fault(scene, close=True)


def _log_fault(scene: Scene, *, close: bool) -> None:
    """Only the worker with the pipe is left, so that the rate is its own."""
    piped = PipedWorker(scene)
    try:
        for place in scene.places:
            place.program.kept = False
            place.program.terminate()
        scene.until(lambda: not any(p.program.alive for p in scene.places), "the other worker to end", 90)
        scene.hold(8)
        before = scene.rate(time.time() - 8, time.time())
        if close:
            piped.close()
        else:
            piped.stop_reading()
            _fill(scene.folder / "piped")
        at = time.time()
        scene.hold(LASTS_SECONDS)
        during = scene.rate(at + 8, time.time())
        alive = piped.program.alive
        scene.tell(
            f"{before:.1f} steps/s before its log failed, {during:.1f} while; the process {'lives' if alive else 'ended'}"
        )
        scene.expect("the worker works on whatever becomes of its log", during >= NEARLY * before)
        piped.read_on()
        replacement = scene.place()
        scene.until_registered(replacement)
    finally:
        if not close:
            piped.read_on()


FAULTS = (
    Fault(
        name="liveness-raises",
        says="the liveness thread of one worker meets an exception that is no error of the database",
        inflict=_raise,
        runs=MANY,
    ),
    Fault(
        name="log-not-read",
        says="the log of the only worker is a pipe that nobody reads for 60 s",
        inflict=_log_not_read,
        runs=MANY,
        hosts=1,
    ),
    Fault(
        name="log-closed",
        says="the log of the only worker is a pipe whose reader closed it",
        inflict=_log_closed,
        runs=MANY,
        hosts=1,
    ),
)
