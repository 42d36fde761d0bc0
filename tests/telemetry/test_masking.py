"""What a log shows of a payload tells nobody who it is about, by a value or by the name of one."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from app.telemetry.masking import masked


@pytest.mark.parametrize(
    "name",
    [
        "DE89370400440532013000",
        "de89370400440532013000",
        "GB29 NWBK 6016 1331 9268 19",
        "ada@example.org",
        "Ada Ferncastle",
        "Ferncastle",
        "POL-1047",
        "4111111111111111",
        "+49 30 901820",
        "1HGCM82633A004352",
        "a" * 60,
        "ada_ferncastle_1961",
        "",
        "д",
    ],
)
@pytest.mark.parametrize(
    "wrap", [lambda p: p, lambda p: {"payees": [{"by_account": p}]}], ids=["on top", "deep within"]
)
def test_a_name_that_nobody_declared_is_masked(name: str, wrap: Any) -> None:
    shown = json.dumps(masked(wrap({name: 12.5})), ensure_ascii=False)
    assert not name or name not in shown
    assert "12.5" in shown


def test_the_names_of_our_own_fields_and_the_shape_stay() -> None:
    data = {"policy_number": "POL-1", "documents": [{"sha256": "ab", "page2": 3, "$bytes": None}], "is_open": True}
    shown = masked(data)
    assert list(shown) == ["policy_number", "documents", "is_open"]
    assert list(shown["documents"][0]) == ["sha256", "page2", "$bytes"]
    assert shown["documents"][0]["page2"] == 3 and shown["is_open"] is True
    assert shown["policy_number"].startswith("<5:")


@pytest.mark.parametrize("value", [("Ada",), {"Ada"}, Decimal("1.5"), ValueError("Ada"), {("Ada", 1): 1}])
def test_what_is_no_json_is_masked_too(value: Any) -> None:
    assert "Ada" not in str(masked(value)) and "1.5" not in str(masked(value))


def test_a_payload_without_an_end_is_cut_off() -> None:
    deep: dict[str, Any] = {}
    deep["again"] = deep
    assert json.dumps(masked(deep)).count("again") == 64
