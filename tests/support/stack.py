"""A stack of real processes for one test: workers by the README's command, beat, a payments service; one database of
its own, one broker. What happened is read from the database and, where money moved, from the payments service's file.

Everything is waited for; when it does not come, the failure shows the runs, their moves and the ends of the logs.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from pydantic import BaseModel

from app import bootstrap, client
from app.accounts.people import Person, enrol
from app.core.workflow import Workflow
from app.engine.runtime import Runtime
from app.settings import Settings
from tests.demo.payments_process import PaymentsProcess
from tests.support import faults
from tests.support.bells import Bells, first_bell
from tests.support.faults import Faults
from tests.support.programs import CELERY, PROJECT, Program
from tests.support.waiting import PATIENCE_SECONDS, START_SECONDS, wait_for

T = TypeVar("T")
Row = dict[str, Any]
MakeStack = Callable[..., "Stack"]

QUICK = {
    "HEARTBEATS_SECONDS": "1",
    "LOOKS_APART_SECONDS": "1",
    "OBSERVER_AGE_SECONDS": "2",
    "PROBE_SECONDS": "0.3",
    "PING_SECONDS": "2",
    "SILENT_SECONDS": "120",
    "DISPATCH_SECONDS": "1",
    "TIMERS_SECONDS": "0.5",
}
"""Short intervals. The ping limit stays long: a test that means the ping sets it, no other must be saved by it."""

ENDINGS = ("COMPLETE", "FAILED", "CANCELLED", "DEAD_LETTER", "FAILED_RETRIABLE")


class Stack:
    """Real processes on one database and one broker."""

    def __init__(self, folder: Path, database_url: str, broker_url: str, workflows: str, **settings: object) -> None:
        self.folder, self.database_url = folder, database_url
        self.payments = PaymentsProcess(folder / "payments.sqlite")
        self.payments.start()
        self.faults = Faults(folder / "faults")
        self.bells = Bells(broker_url)
        self.programs: list[Program] = []
        named = {name.upper(): str(value) for name, value in settings.items()}
        self.settings = QUICK | {"BROKER_URL": broker_url, "WORKFLOWS": workflows} | named

    # Processes

    def worker(self, *arguments: str, kept: bool = False, **settings: object) -> Program:
        """Start one worker; returns at once. `arguments` are more of Celery's, `settings` LONGHAUL_ variables of its own."""
        name = f"w{len(self.programs)}"
        command = [CELERY, "-A", "tasks", "worker", "-n", f"{name}@localhost", "--without-mingle", *arguments]
        return self._start(name, command, kept, settings)

    def workers(self, count: int, *arguments: str, kept: bool = False, **settings: object) -> list[Program]:
        """Start several workers and wait until each has registered."""
        started = [self.worker(*arguments, kept=kept, **settings) for _ in range(count)]

        def registered() -> bool:
            assert kept or all(program.alive for program in started), f"a worker ended at once\n{self.evidence()}"
            return all(map(self.is_registered, started))

        self.wait(registered, f"{count} workers to register", seconds=START_SECONDS)
        return started

    def beat(self, **settings: object) -> Program:
        """Start one beat; returns at once."""
        name = f"beat{len(self.programs)}"
        schedule = str(self.folder / f"{name}-schedule")
        return self._start(name, [CELERY, "-A", "tasks", "beat", "-s", schedule, "--pidfile="], True, settings)

    def environment(self, **settings: object) -> dict[str, str]:
        """The variables by which a process finds this stack; `settings` are LONGHAUL_ variables of its own."""
        named = {
            "DATABASE_URL": self.database_url,
            "PAYMENTS_URL": self.payments.url,
            "DATA_DIR": str(self.folder / "data"),
            **self.settings,
            **{key.upper(): str(value) for key, value in settings.items()},
        }
        longhaul = {f"LONGHAUL_{key}": value for key, value in named.items()}
        return {**os.environ, **longhaul, "PYTHONPATH": str(PROJECT), faults.VARIABLE: str(self.faults.folder)}

    def _start(self, name: str, command: list[str], kept: bool, settings: dict[str, object]) -> Program:
        program = Program(name, command, self.folder / f"{name}.log", self.environment(**settings), kept)
        program.start()
        self.programs.append(program)
        return program

    def is_registered(self, program: Program) -> bool:
        """Whether the process, or a child of it, stands in `workers`."""
        return bool(self.all("SELECT 1 FROM workers WHERE pid = ANY(%s) AND gone_at IS NULL", program.pids))

    def until_the_dead_are_known(self) -> None:
        """Wait until every process that died was given up: if most seem dead at once, their sessions judge nobody."""
        left = "SELECT 1 FROM workers WHERE gone_at IS NULL AND NOT pid = ANY(%s)"
        self.wait(lambda: not self.all(left, self.pids), "the dead workers to be given up")

    def tend(self) -> None:
        """Start again what shall be kept and has died."""
        for program in self.programs:
            if program.kept and not program.alive:
                program.start()

    def end(self) -> None:
        """Leave nothing running."""
        self.faults.disarm()
        for program in self.programs:
            program.end()
        self.payments.stop()
        self.bells.close()

    # Runs

    def start(
        self,
        workflow: Workflow,
        subject: str,
        data: BaseModel | Row | None = None,
        *,
        key: str | None = None,
        ring: bool = True,
    ) -> UUID:
        """Start a run as another backend job would, and ring for it."""
        with psycopg.connect(self.database_url) as db:
            run_id = client.start(db, workflow, subject=subject, data=data or {}, key=key).run_id
        if ring:
            self.bells.ring([first_bell(workflow, run_id)])
        return run_id

    def enrol(self, username: str, *roles: str, authority: int = 1000) -> None:
        """Enrol a person."""
        with self.web().database.transaction() as db:
            enrol(db, Person(username, username.capitalize(), roles, Decimal(authority)))

    @property
    def delivers_locally(self) -> bool:
        """Whether a worker goes on with a run's next step itself; the whole test run may say no."""
        said = self.settings.get("LOCAL_DELIVERY") or os.environ.get("LONGHAUL_LOCAL_DELIVERY", "true")
        return said.lower() == "true"

    @property
    def pids(self) -> list[int]:
        """The ids of all processes of the stack."""
        return [pid for program in self.programs for pid in program.pids]

    def answers(self) -> bool:
        """Whether the database answers."""
        try:
            return bool(self.all("SELECT 1"))
        except psycopg.OperationalError:
            return False

    def web(self, *workflows: Workflow) -> Runtime:
        """A runtime as the web process has it, in this process; its bells go to the stack's broker."""
        config = Settings(database_url=self.database_url, payments_url=self.payments.url, data_dir=self.folder / "data")
        runtime = bootstrap.runtime(workflows, role="web", config=config)
        runtime.dispatcher = self.bells
        return runtime

    def all(self, query: str, *params: object) -> list[Row]:
        """The rows of a query, on a connection of its own, as the owner of the database."""
        with psycopg.connect(self.database_url, autocommit=True, row_factory=dict_row, connect_timeout=5) as db:
            return db.execute(query, params).fetchall() if params else db.execute(query).fetchall()

    def do(self, statement: str, *params: object) -> None:
        """Execute a statement as the owner."""
        with psycopg.connect(self.database_url, autocommit=True) as db:
            db.execute(statement, params)

    def run(self, run_id: UUID) -> Row:
        """The run's row."""
        return self.all("SELECT * FROM runs WHERE id = %s", run_id)[0]

    def moves(self, run_id: UUID) -> list[Row]:
        """The run's transitions in order."""
        return self.all("SELECT * FROM transitions WHERE run_id = %s ORDER BY seq", run_id)

    def events(self, run_id: UUID) -> list[str]:
        """The names of the run's transitions in order."""
        return [move["event"] for move in self.moves(run_id)]

    def checkpoints(self, run_id: UUID) -> list[Row]:
        """The run's journal in order."""
        return self.all("SELECT * FROM checkpoints WHERE run_id = %s ORDER BY step_seq, call_seq", run_id)

    def holder(self, run_id: UUID) -> Program:
        """The worker whose process holds the run's lease."""
        pid = self.all("SELECT w.pid FROM runs r JOIN workers w ON w.id = r.worker_id WHERE r.id = %s", run_id)[0][
            "pid"
        ]
        return next(program for program in self.programs if pid in program.pids)

    def row_of(self, program: Program) -> Row:
        """The worker's row as the database last knew it."""
        return self.all("SELECT * FROM workers WHERE pid = ANY(%s) ORDER BY started_at DESC", program.pids)[0]

    # Waiting

    def wait(
        self, look: Callable[[], T | None], what: str, *, seconds: float = PATIENCE_SECONDS, every: float = 0.05
    ) -> T:
        """Wait for a condition, starting again meanwhile what shall be kept."""

        def looked() -> T | None:
            self.tend()
            return look()

        return wait_for(looked, what, seconds=seconds, every=every, evidence=self.evidence)

    def until_status(self, run_id: UUID, *statuses: str, seconds: float = PATIENCE_SECONDS) -> Row:
        """Wait until the run has one of the statuses; its row then. Fails at once if it ended or stopped otherwise."""

        def look() -> Row | None:
            row = self.run(run_id)
            if row["status"] in statuses:
                return row
            assert row["status"] not in ENDINGS, (
                f"the run is {row['status']}: {row['waiting_reason']}\n{self.evidence()}"
            )
            return None

        return self.wait(look, f"run {run_id} to be {' or '.join(statuses)}", seconds=seconds)

    def until_complete(self, *run_ids: UUID, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until all of the runs are COMPLETE."""
        for run_id in run_ids:
            self.until_status(run_id, "COMPLETE", seconds=seconds)

    def until_done(self, point: faults.Point, where: object = "any", *, processes: int = 1) -> None:
        """Wait until a process, or several, did the deed armed at a point."""

        def done() -> bool:
            return len(self.faults.done_by(point, where)) >= processes

        self.wait(done, f"{processes} processes at {point} {where}")

    def until_swept(self, name: str = "heartbeats", *, times: int) -> None:
        """Wait until a sweep has run some times more: what it would have done wrong, it has done by then."""
        query = "SELECT 1 FROM sweeps WHERE name = %s AND last_started_at > %s AND last_finished_at > last_started_at"
        for n in range(times):
            before = self.all("SELECT app_now() AS at")[0]["at"]
            self.wait(partial(self.all, query, name, before), f"sweep {n + 1} of {times} of {name}")

    def evidence(self) -> str:
        """What can be seen of the stack now."""
        try:
            runs = self.all(
                "SELECT id, subject, state, status, step_seq, attempt, crash_attempts, queue, waiting_reason FROM runs"
            )
            stuck = [row for row in runs if row["status"] != "COMPLETE"][:5]
            told = [f"{len(runs)} runs, not complete: {stuck}"]
            told += [_line(move) for row in stuck for move in self.moves(row["id"])[-12:]]
            told += [str(row) for row in self.all("SELECT id, pid, stopping, pinged_at, gone_at FROM workers")]
        except psycopg.Error as problem:
            told = [f"the database does not answer: {problem}"]
        told += [f"--- {p.name} (pid {p.pid}, alive {p.alive})\n{p.tail()}" for p in self.programs]
        return "\n".join(told)

    # Effects, as the payments service counts them

    def payments_of(self, run_id: UUID) -> int:
        """How many payments the service made for calls of the run."""
        return len(self.payments.rows(f"SELECT 1 FROM payments WHERE key LIKE 'lh-{run_id}-%'"))

    def requests_of(self, run_id: UUID, call_seq: int | str = "%") -> int:
        """How many requests the service received for the run, or for one call of its first step."""
        return len(self.payments.rows(f"SELECT 1 FROM requests WHERE key LIKE 'lh-{run_id}-%-{call_seq}-%'"))


def _line(m: Row) -> str:
    """A transition as a line of evidence."""
    where = f"{m['run_id']} {m['seq']}: {m['event']} -> {m['to_state']} {m['to_status']}"
    return f"{where} by {m['actor']} at {m['created_at']:%H:%M:%S.%f} ({m['reason']})"
