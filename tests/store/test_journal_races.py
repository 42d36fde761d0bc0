"""The grouped journal under fire: sessions killed at random, rows locked at random, bad items among good ones.

Whatever happens, every write is answered, every accepted one is there once, and nobody pays for another's error.
"""

from __future__ import annotations

import queue
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest
from pydantic import BaseModel

from app import sweeps
from app.core.ids import new_id
from app.core.ports import Bell
from app.core.workflow import Step, Workflow
from app.engine.runtime import Registry, Runtime
from app.engine.start import start
from app.engine.step.step import run_step
from app.settings import Settings
from app.store.database import Database
from app.store.journal.grouped import GroupedJournal
from app.store.runs.moves import Statement
from tests.support.waiting import wait_for

_TERMINATE = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = 'longhaul-journal' AND datname = current_database()"""


@contextmanager
def again_and_again(deed: Callable[[psycopg.Connection[Any]], object], url: str, every: float) -> Iterator[None]:
    """Do a deed on a session of its own, until the block ends."""
    stop = threading.Event()

    def work() -> None:
        with psycopg.connect(url, autocommit=True) as db:
            while not stop.wait(every):
                deed(db)

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(work)
        try:
            yield
        finally:
            stop.set()
        done.result(30)


class Killer:
    """Ends all journal sessions, each time some more was written since: at any pace of the machine work gets done."""

    def __init__(self, written: LiteralString, *, between: int) -> None:
        self._written, self._between = written, between
        self._next, self.kills = 0, 0

    def __call__(self, db: psycopg.Connection[Any]) -> None:
        row = db.execute(self._written).fetchone()
        assert row is not None
        if row[0] >= self._next:
            self._next = row[0] + self._between
            self.kills += len(db.execute(_TERMINATE).fetchall())


@pytest.mark.parametrize("seed", range(3))
def test_every_write_is_answered_and_every_accepted_one_is_there_once(database_url: str, seed: int) -> None:
    draw = random.Random(seed)
    runs = [new_id() for _ in range(12)]
    with psycopg.connect(database_url) as db:
        db.execute("CREATE TABLE ledger (n bigserial, run_id uuid, place int, PRIMARY KEY (run_id, place))")
        db.execute("CREATE TABLE rows_of_runs (run_id uuid PRIMARY KEY)")
        db.execute("INSERT INTO rows_of_runs SELECT * FROM unnest(%s::uuid[])", [runs])
        db.execute("GRANT ALL ON ledger, ledger_n_seq, rows_of_runs TO longhaul_worker")
    journals = [GroupedJournal(Database(database_url, "worker")) for _ in range(2)]
    kill = Killer("SELECT count(*) FROM ledger", between=20)

    def block(db: psycopg.Connection[Any]) -> None:
        with db.transaction():
            db.execute("SELECT 1 FROM rows_of_runs WHERE run_id = %s FOR UPDATE", [draw.choice(runs)])
            db.execute("SELECT pg_sleep(%s)", [draw.choice([0.05, 0.4])])

    def client(run_id: UUID, draw: random.Random) -> list[int]:
        accepted = []
        for place in range(200):
            bad = draw.random() < 0.1
            journal = draw.choice(journals)
            try:
                journal.write(run_id, write(run_id, place, bad=bad), until=time.monotonic() + 60)
            except psycopg.errors.DivisionByZero:
                assert bad, "another item's error came to this caller"
            else:
                assert not bad
                accepted.append(place)
        return accepted

    with (
        again_and_again(kill, database_url, 0.01),
        again_and_again(block, database_url, 0.01),
        ThreadPoolExecutor(len(runs)) as pool,
    ):
        futures = {run_id: pool.submit(client, run_id, random.Random(draw.random())) for run_id in runs}
        accepted = {run_id: future.result(120) for run_id, future in futures.items()}
    for journal in journals:
        journal.close()
    with psycopg.connect(database_url) as db:
        written: dict[UUID, list[int]] = {run_id: [] for run_id in runs}
        for run_id, place in db.execute("SELECT run_id, place FROM ledger ORDER BY n"):
            written[run_id].append(place)
    assert written == accepted
    assert kill.kills > 10, "the sessions were not killed often enough for this test to mean something"


def write(run_id: UUID, place: int, *, bad: bool) -> list[Statement]:
    params = {"run_id": run_id, "place": place, "divisor": 0 if bad else 1}
    return [
        ("SELECT 1 AS locked FROM rows_of_runs WHERE run_id = %(run_id)s FOR NO KEY UPDATE", params),
        (
            """INSERT INTO ledger (run_id, place) VALUES (%(run_id)s, %(place)s / %(divisor)s::int)
            ON CONFLICT DO NOTHING RETURNING n""",
            params,
        ),
    ]


class Tally(BaseModel):
    """The states that were worked on, and what each kept."""

    states: list[str] = []
    kept: list[str] = []


def _work(step: Any, data: Tally) -> str:
    data.states.append(step.state)
    data.kept.append(step.keep("draw", lambda: uuid.uuid4().hex))
    return "done"


STATES = [f"STATE_{n}" for n in range(8)]
EIGHT = Workflow(
    name="eight",
    version=1,
    data=Tally,
    starts_at=STATES[0],
    states=[
        Step(state, does=_work, then={"done": then})
        for state, then in zip(STATES, [*STATES[1:], "COMPLETE"], strict=True)
    ],
)


class Bells:
    """A dispatcher whose bells a pool of threads in this process answers."""

    def __init__(self) -> None:
        self.queue: queue.SimpleQueue[Bell | None] = queue.SimpleQueue()

    def ring(self, bells: Iterable[Bell]) -> int:
        for bell in (bells := list(bells)):
            self.queue.put(bell)
        return len(bells)

    def lying(self, queue: str) -> int:
        return 0


def test_runs_come_through_the_loss_of_every_session_with_each_step_done_once(database_url: str) -> None:
    database, bells = Database(database_url, "worker"), Bells()
    rt = Runtime(
        settings=Settings(database_url=database_url),
        database=database,
        journal=GroupedJournal(database),
        tools={},
        workflows=Registry((EIGHT,)),
        dispatcher=bells,
    )
    kill = Killer("SELECT count(*) FROM transitions", between=20)

    def worker() -> None:
        while bell := bells.queue.get():
            run_step(rt, bell.run_id, bell.step_seq, workflow=bell.workflow, state=bell.state)

    def all_ended() -> bool:
        # A lease skips a row that a session just killed still has locked; a sweep rings for it again.
        sweeps.run(rt, "dispatch")  # in its period, however often we look
        return _count(database_url, "status = 'COMPLETE'") == 100

    with ThreadPoolExecutor(16) as pool:
        working = [pool.submit(worker) for _ in range(16)]
        try:
            with again_and_again(kill, database_url, 0.01):
                for n in range(100):
                    started = database.transact(
                        lambda db: start(db, EIGHT, subject=f"S-{n}", data=Tally(), key=None, actor="test")  # noqa: B023
                    )
                    bells.ring([started.bell])
                wait_for(all_ended, "every run to end", evidence=lambda: _evidence(database_url))
        finally:
            for _ in working:
                bells.queue.put(None)
        for future in working:
            future.result(30)
    rt.journal.close()
    database.close()
    assert kill.kills > 10, "the sessions were not killed often enough for this test to mean something"
    with psycopg.connect(database_url) as db:
        for states, kept in db.execute("SELECT data -> 'states', data -> 'kept' FROM run_data"):
            assert states == STATES
            assert len(set(kept)) == len(STATES)
        gaps = db.execute("SELECT run_id FROM transitions GROUP BY run_id HAVING count(*) <> max(seq)").fetchall()
        assert gaps == []
        assert db.execute("SELECT DISTINCT attempt FROM checkpoints").fetchall() == [(1,)]
        assert db.execute("SELECT DISTINCT kind, status FROM checkpoints WHERE call_seq > 0").fetchall() == [
            ("local", "COMPLETE")
        ]


def _count(url: str, where: str) -> int:
    with psycopg.connect(url) as db:
        row = db.execute(f"SELECT count(*) FROM runs WHERE {where}").fetchone()
        return int(row[0]) if row else 0


def _evidence(url: str) -> str:
    with psycopg.connect(url) as db:
        return repr(db.execute("SELECT status, state, count(*) FROM runs GROUP BY 1, 2").fetchall())
