"""The journal thread: takes what queued while its last commit was in flight, and commits that as one group.

The law: an item alone waits for nobody. An error rolls the group back and every item runs again alone, in the order
of its run; a failed item takes those queued behind it of the same run with it, and no others. A blocked item goes
aside, with what follows of its run. A connection lost in mid-flight leaves the group's fate unknown: each item runs
again unchanged, for all are idempotent by token.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from queue import Empty, SimpleQueue
from uuid import UUID

import psycopg

from app.core.errors import StoreUnavailable
from app.store.database import PASSING, READ_ONLY, Database
from app.store.journal.items import Item, Lines
from app.store.journal.pipeline import Pipeline, Rows, StatementFailed, setting
from app.telemetry import logs

GROUP_ITEMS = 64
GROUP_BYTES = 1_000_000
CLOSE_SECONDS = 10.0
HURRIED = "30ms"  # how long an item waits for a row, once another of its group was found blocked
_STALE = ("0A000", "26000")  # a migration changed what a prepared statement returns, or a pooler dropped it


class Writer:
    """The journal thread."""

    def __init__(self, database: Database) -> None:
        self.pid, self.lines = os.getpid(), Lines()
        self._database = database
        self._queue: SimpleQueue[Item | None] = SimpleQueue()  # None: nothing comes after it
        self._ahead: deque[Item] = deque()  # taken from the queue, not yet of a group
        self._ending, self._ended, self._giving_up = False, False, threading.Event()
        self._pipeline: Pipeline | None = None
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._thread.start()

    def put(self, item: Item) -> None:
        """Queue an item. It is answered in any case."""
        self._queue.put(item)
        if self._ended:
            item.fail(StoreUnavailable("the journal is closed"))

    def close(self) -> None:
        """Write what is queued; after ten seconds without a database, tell the callers that it was not."""
        self._queue.put(None)
        self._thread.join(CLOSE_SECONDS)
        self._giving_up.set()
        self._thread.join(CLOSE_SECONDS)

    def _work(self) -> None:
        while not self._ending:
            group = self._take()
            try:
                self._write(group)
            except Exception as fault:  # ours: nobody may wait for ever because of it
                self._disconnect(fault)
                for item in group:
                    item.fail(fault)
        self._disconnect()
        self._ended = True
        while not self._queue.empty():
            if (late := self._queue.get()) is not None:
                late.fail(StoreUnavailable("the journal is closed"))

    def _take(self) -> list[Item]:
        """Wait for an item, then take what queued meanwhile, runs by ascending id and each run's items in order."""
        group: list[Item] = []
        size = 0
        while len(group) < GROUP_ITEMS and size < GROUP_BYTES:
            try:
                item = self._ahead.popleft() if self._ahead else self._queue.get(block=not group)
            except Empty:
                break
            if item is None:
                self._ending = True
                break
            if item.awaited and not self.lines.join(item):
                group.append(item)
                size += item.size
        return sorted(group, key=lambda item: item.run_id.int) if len(group) > 1 else group

    def _write(self, group: list[Item]) -> None:
        """Answer every item of a group, or send it aside."""
        hurried = False
        if len(group) > 1:
            try:
                answers = self._commit(group)
            except StatementFailed as failure:
                if failure.problem.sqlstate in PASSING:
                    # The first of its run in the group: it was rolled back too, and comes before the blocked one.
                    blocked = _culprit(group, failure.n).run_id
                    self._send_aside(next(item for item in group if item.run_id == blocked), failure.problem)
                    hurried = True
            except psycopg.Error as lost:
                self._disconnect(lost)
            else:
                for item, rows in zip(group, answers, strict=True):
                    item.answer(rows)
                return
        self._write_alone(group, hurried=hurried)

    def _write_alone(self, items: list[Item], *, hurried: bool) -> None:
        failed: dict[UUID, BaseException] = {}
        for item in items:
            if item.run_id in failed:
                item.fail(failed[item.run_id])
            elif item.awaited and not self.lines.join(item) and (problem := self._insist(item, hurried=hurried)):
                failed[item.run_id] = problem
                self._fail_behind(item.run_id, problem)

    def _insist(self, item: Item, *, hurried: bool) -> BaseException | None:
        """Write one item, across reconnects, until it is answered or nobody waits; the problem it failed with."""
        losses = 0
        while item.awaited and self._reconnected(item):
            try:
                item.answer(self._commit([item], hurried=hurried)[0])
            except StatementFailed as failure:
                if failure.problem.sqlstate in PASSING:
                    self._send_aside(item, failure.problem)
                elif failure.problem.sqlstate in _STALE and not losses:
                    losses += 1
                    self._disconnect(failure.problem)
                else:
                    item.fail(failure.problem)
                    return failure.problem
            except psycopg.Error as lost:
                losses += 1
                self._disconnect(lost)
                if losses > 1:  # it may be this item that breaks the session: not at the others' expense
                    self._send_aside(item, lost)
        return None

    def _reconnected(self, item: Item) -> bool:
        """Wait for the database as long as the item's caller does."""
        pause = 0.05
        while item.awaited:
            try:
                self._connected()
                return True
            except psycopg.Error:
                self._giving_up.wait(pause)
                pause = min(1.0, pause * 2)
            if self._giving_up.is_set():
                item.fail(StoreUnavailable("the database did not answer before the journal was closed"))
        return False

    def _commit(self, group: list[Item], *, hurried: bool = False) -> list[list[Rows]]:
        """One transaction for all. Raises StatementFailed, or psycopg.Error with the commit's fate unknown."""
        settings = [setting("lock_timeout", HURRIED)] if hurried else []
        if all(item.asynchronous for item in group):
            settings.append(setting("synchronous_commit", "off"))
        try:
            rows = self._connected().run([*settings, *(encoded for item in group for encoded in item.encoded)])
        except StatementFailed as failure:
            raise StatementFailed(failure.n - len(settings), failure.problem) from failure.problem
        answers, n = [], len(settings)
        for item in group:
            answers.append(rows[n : n + len(item.encoded)])
            n += len(item.encoded)
        return answers

    def _send_aside(self, item: Item, why: psycopg.Error) -> None:
        logs.event("journal_aside", run_id=str(item.run_id), reason=str(why).strip())
        if why.sqlstate == READ_ONLY:  # a session that began while the database was, stays so
            self._disconnect(why)
        self.lines.open(item)

    def _fail_behind(self, run_id: UUID, problem: BaseException) -> None:
        """What is queued behind a failed item of the same run fails with it."""
        while True:
            try:
                item = self._queue.get(block=False)
            except Empty:
                break
            if item is None:
                self._queue.put(None)  # nothing comes after it, so its place stays the last
                break
            self._ahead.append(item)
        for item in self._ahead:
            if item.run_id == run_id:
                item.fail(problem)

    def _connected(self) -> Pipeline:
        if self._pipeline is None:
            self._pipeline = Pipeline(self._database.url, self._database.role)
        return self._pipeline

    def _disconnect(self, why: BaseException | None = None) -> None:
        if self._pipeline is not None:
            if why is not None:
                logs.event("journal_disconnected", reason=str(why).strip())
            self._pipeline.close()
            self._pipeline = None


def _culprit(group: list[Item], n: int) -> Item:
    """The item that the n-th statement of a group belongs to."""
    for item in group:
        n -= len(item.encoded)
        if n < 0:
            return item
    return group[-1]
