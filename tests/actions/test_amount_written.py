"""What a person writes is what is approved: no amount is rounded on the way."""

from __future__ import annotations

import pytest

from app.core.errors import BadInput
from tests.actions.conftest import Bureau


@pytest.mark.parametrize("written", ["12.345", "0.001", "12.344999"])
def test_an_amount_of_more_than_two_decimals_is_refused_and_nothing_is_approved(bureau: Bureau, written: str) -> None:
    run_id = bureau.begin()
    with pytest.raises(BadInput, match=r"amount: .* has more than two decimals"):
        bureau.answer(run_id, "ada", amount=written)
    assert bureau.journey.rows("SELECT * FROM actions WHERE run_id = %s", run_id) == []


@pytest.mark.parametrize("written", ["12.3", "12.30", "12.300"])
def test_the_same_amount_in_other_digits_is_approved(bureau: Bureau, written: str) -> None:
    run_id = bureau.begin()
    bureau.answer(run_id, "ada", amount=written)
    assert str(bureau.action(run_id)["amount"]) == "12.30"
