"""Spending: what the model calls of a step reserve and use of the budget of their root run.

The law: nothing is asked of a model that the budget has no room for, and what is asked counts once, whoever asks. At
twice what was expected an alert is opened (`app.alerts.rules`), at three times a person is shown the bill.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.core.errors import BudgetReached, NotDone
from app.engine.runtime import Runtime
from app.store.runs import budgets
from app.store.runs.budgets import Bill, Reservation
from app.store.runs.moves import Statement
from app.store.runs.steps import Place

Write = Callable[[list[Statement]], Any]


class Spending:
    """The spending of one step. `write` writes to the run's journal; `transact` in a transaction of its own."""

    def __init__(self, rt: Runtime, run_id: UUID, write: Write, transact: Any) -> None:
        self._rt, self._run_id, self._write, self._transact = rt, run_id, write, transact
        self._known: UUID | None = None

    @property
    def _root(self) -> UUID:
        if self._known is None:
            self._known = self._transact(lambda db: budgets.root_of(db, self._run_id))
        return self._known

    def reservation(self, tokens: int) -> Reservation | None:
        """What the intent of a call that may use so many tokens reserves; None if it uses none."""
        return Reservation(self._root, tokens) if tokens else None

    def refuse_if_over(self, tokens: int, name: str) -> None:
        """After an intent was not written under a standing lease: raises BudgetReached if the budget had no room for it."""
        if not tokens:
            return
        bill = self._transact(lambda db: budgets.bill(db, self._root))
        if bill.most is not None and bill.used + tokens > bill.most:
            raise BudgetReached(
                f"{name} may use {tokens:,} tokens; {bill.used:,} of at most {bill.most:,} are used",
                bill=written(bill),
                needed=bill.used + tokens - bill.most,
            )

    def used(self, place: Place, reserved: int, answered: Any) -> list[Statement]:
        """What belongs before a result: the reservation makes room for what was used, if it says what that was."""
        if reserved and answered.tokens_in is None:
            return [budgets.unmeasured(place, root=self._root)]
        tokens_in, tokens_out = answered.tokens_in or 0, answered.tokens_out or 0
        if not (reserved or tokens_in or tokens_out):
            return []
        return [self._settled(place, reserved, tokens_in, tokens_out, answered.cost)]

    def failed(self, place: Place, reserved: int, problem: BaseException) -> list[Statement]:
        """Of a call that failed: what it says it used, nothing if it was not done, else all it might have used stays held."""
        spent = getattr(problem, "spent", None)
        if spent is not None:
            return self.used(place, reserved, spent)
        return [self._settled(place, reserved, 0, 0, Decimal(0))] if reserved and isinstance(problem, NotDone) else []

    def _settled(self, place: Place, reserved: int, tokens_in: int, tokens_out: int, cost: Any) -> Statement:
        return budgets.settle(
            place, root=self._root, reserved=reserved, tokens_in=tokens_in, tokens_out=tokens_out, cost=cost
        )

    def write(self, statements: list[Statement]) -> Any:
        """Write what counts on the root. A child's own row is locked beside it: outside the group, in the order of all."""
        if self._root == self._run_id:
            return self._write(statements)

        def work(db: Any) -> Any:
            budgets.lock(db, self._run_id, self._root)
            return [list(db.execute(text, params).fetchall()) for text, params in statements]

        return self._transact(work)


def written(bill: Bill) -> str:
    """The bill as a person reads it, a line per step and model."""
    lines = [f"Expected were {bill.token_budget:,} tokens." if bill.token_budget is not None else "No budget was set."]
    lines += [
        f"- {line.step_name}, {line.model}: {line.calls} calls, {line.tokens_in:,} tokens in, {line.tokens_out:,} out"
        + (f", {line.reserved:,} held for calls that never said what they used" if line.reserved else "")
        + (f", {line.repeated} asked again after a crash" if line.repeated else "")
        + f": {priced(line.cost, line.unpriced)}"
        for line in bill.lines
    ]
    return "\n".join([*lines, f"In all {bill.used:,} tokens, {priced(bill.cost, bill.unpriced_calls)}."])


def priced(cost: Decimal, unpriced: int) -> str:
    """A cost in words; a price that is not known is never 0."""
    if unpriced and not cost:
        return f"price unknown ({unpriced} calls without a price)"
    known = f"{cost:.4f} USD"
    return f"at least {known}, {unpriced} calls without a price" if unpriced else known
