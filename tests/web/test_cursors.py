"""A place in a list goes into an address and comes back the same; whatever else stands there is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import BadInput
from app.web.http.cursors import MOMENT_OR_NEVER, place, written

MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(5000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - st adds the zone


@given(MOMENTS, st.none() | MOMENTS, st.uuids(), st.integers(0, 10**18 - 1))
def test_a_place_comes_back_as_it_was_written(at: datetime, due: datetime | None, known: UUID, n: int) -> None:
    assert place(written((at, due, known, n)), datetime, MOMENT_OR_NEVER, UUID, int) == (at, due, known, n)


def test_no_cursor_is_the_beginning() -> None:
    assert place("", datetime, UUID) is None


@pytest.mark.parametrize(
    "text",
    ["x", "1", f"1.{UUID(int=1)}", f"never.{UUID(int=1).hex}", f"1.{UUID(int=1).hex}\n", f"-1.{UUID(int=1).hex}"],
)
def test_what_is_no_place_is_refused_by_the_name_of_its_parameter(text: str) -> None:
    with pytest.raises(BadInput, match="after: follow the link"):
        place(text, datetime, UUID, name="after")
