"""What this process holds: one entry per step a thread works on. The law: a lease in the database has a thread here.

Liveness compares the two; shutdown hands back what has no open intent; a call asks before it sends whether it may, and
whoever would take a lease asks before it does: nobody takes one after the last acknowledged heartbeat stopped vouching.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from app.core.errors import LeaseLost

LOOK_SECONDS = 0.2


@dataclass
class Holding:
    """One step in work. `until` is its deadline in monotonic seconds; `leased` once the lease was granted."""

    run_id: UUID
    step_seq: int
    token: UUID
    until: float
    open_intents: int = 0
    leased: bool = False
    lost: bool = False
    since: float = field(default_factory=time.monotonic)


class Holdings:
    """The steps in work in this process, and whether it may take more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_token: dict[UUID, Holding] = {}
        self._given_up: list[Holding] = []
        self._in_touch_since: float | None = float("-inf")  # where no liveness says otherwise: a command, a sweep
        self.vouched_until = float("inf")
        self.accepting = True
        self.stopping = False

    def may_lease(self) -> bool:
        """Whether this process may take another lease now."""
        return self.accepting and not self.stopping and time.monotonic() <= self.vouched_until

    def until_it_may_lease(self, seconds: float) -> None:
        """Wait until it may, or stops, but no longer than this."""
        until = time.monotonic() + seconds
        while not (self.may_lease() or self.stopping) and time.monotonic() < until:
            threading.Event().wait(LOOK_SECONDS)

    def lost_touch(self) -> None:
        """The database cannot be reached: no lease is taken until it can."""
        self.accepting, self._in_touch_since = False, None

    def in_touch(self) -> None:
        """The database can be reached, again or still."""
        if self._in_touch_since is None:
            self._in_touch_since = time.monotonic()

    def in_touch_seconds(self) -> float:
        """For how long the database could be reached without a break. Who has just come back cannot say who is silent."""
        since = self._in_touch_since
        return 0.0 if since is None else time.monotonic() - since

    def add(self, holding: Holding) -> None:
        """Register a step, before its lease is taken: a lease that no thread here works on is handed back."""
        with self._lock:
            self._by_token[holding.token] = holding

    def remove(self, holding: Holding) -> None:
        """Nobody here works on it any more."""
        with self._lock:
            self._by_token.pop(holding.token, None)

    @contextmanager
    def hold(self, holding: Holding) -> Iterator[Holding]:
        """Register a step for as long as a thread works on it."""
        self.add(holding)
        try:
            yield holding
        finally:
            self.remove(holding)

    @contextmanager
    def intent(self, holding: Holding) -> Iterator[None]:
        """While an intent is open the lease is not handed back at a shutdown."""
        with self._lock:
            if holding.lost:
                raise LeaseLost("the step was handed back before this call began")
            holding.open_intents += 1
        try:
            yield
        finally:
            with self._lock:
                holding.open_intents -= 1

    def give_up(self, holding: Holding) -> None:
        """Its thread ends because the database did not answer in time: what became of its lease is not known yet."""
        with self._lock:
            self._given_up.append(holding)

    def given_up(self) -> list[Holding]:
        """What threads gave up since this was asked last."""
        with self._lock:
            given, self._given_up = self._given_up, []
            return given

    def all(self) -> list[Holding]:
        with self._lock:
            return list(self._by_token.values())

    def leased(self) -> list[Holding]:
        """The steps in work whose lease was granted."""
        return [h for h in self.all() if h.leased]

    def lose(self, gone: Iterable[Holding]) -> None:
        """Take steps from their threads whose leases no longer stand: nothing is sent for them any more."""
        with self._lock:
            for holding in gone:
                holding.lost = True

    def without_intent(self) -> list[Holding]:
        """Take from the threads every step that has no intent open: each of their later writes is refused."""
        with self._lock:
            free = [h for h in self._by_token.values() if not h.open_intents and not h.lost]
            for holding in free:
                holding.lost = True
            return free

    def overdue(self, by_seconds: float = 0.0) -> list[Holding]:
        """Steps whose thread is past its deadline, by so much."""
        now = time.monotonic()
        return [h for h in self.all() if h.until + by_seconds < now]

    def in_work(self) -> list[Holding]:
        """Steps that are still this process's own and in time: their results may have to be written yet."""
        now = time.monotonic()
        return [h for h in self.all() if not h.lost and h.until >= now]

    def vouch(self, until: float) -> None:
        """The last acknowledged heartbeat lets this process send until then (monotonic seconds)."""
        self.vouched_until = until

    def may_send(self, holding: Holding, call_until: float) -> bool:
        """Asked before every send. False past `call_until` (monotonic seconds): others may believe by now that it never
        happened, and the intent must be written anew. Raises LeaseLost where the step may be somebody else's.
        """
        now = time.monotonic()
        if holding.lost:
            raise LeaseLost("the step was handed back")
        if now > holding.until:
            raise LeaseLost("the step is past its deadline; another worker has it or will")
        if now > self.vouched_until:
            raise LeaseLost("no heartbeat was acknowledged for too long; another worker may have the step")
        return now <= call_until
