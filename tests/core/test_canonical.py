"""Canonical JSON: strict, sorted, reversible, and never the reason a paid result is lost."""

from __future__ import annotations

import base64
import json
import math
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.canonical import MAX_DEPTH, canonical, parse_json, restore, storable
from app.core.errors import NotCanonical

TEXT = st.text(st.characters(codec=None), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_what_is_json_comes_back_as_it_was(value: Any) -> None:
    assert restore(json.loads(canonical(value))) == value


@given(JSON)
def test_what_postgres_gives_back_in_an_order_of_its_own_prints_as_it_did(value: Any) -> None:
    def as_jsonb(item: Any) -> Any:
        if isinstance(item, dict):
            return {key: as_jsonb(item[key]) for key in sorted(item, key=lambda key: (len(key.encode()), key))}
        return [as_jsonb(one) for one in item] if isinstance(item, list) else item

    live, kept = json.loads(canonical(value)), as_jsonb(json.loads(canonical(value)))
    assert json.dumps(restore(kept)) == json.dumps(restore(live))


@given(JSON)
def test_the_text_holds_nothing_that_postgres_refuses(value: Any) -> None:
    text = canonical(value)
    text.encode("utf-8")
    assert "\x00" not in text
    assert "\\u0000" not in text


@given(JSON)
def test_the_text_is_the_one_that_hashes_were_taken_of(value: Any) -> None:
    """Written out plainly: whatever makes it faster changes no byte of it."""

    def escaped(text: str) -> str:
        odd = {"\0", "\ue000"} | {c for c in text if 0xD800 <= ord(c) < 0xE000}
        return "".join(f"\ue000{ord(c):04x}" if c in odd else c for c in text)

    def plain(item: Any) -> Any:
        if isinstance(item, dict):
            return {escaped(key): plain(value) for key, value in item.items()}
        if isinstance(item, list):
            return [plain(one) for one in item]
        if isinstance(item, float):
            return (int(item) if abs(item) >= 1e16 else item) if item else 0.0
        return escaped(item) if isinstance(item, str) else item

    assert canonical(value) == json.dumps(plain(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def test_the_order_of_keys_does_not_matter() -> None:
    assert canonical({"b": 1, "a": [Decimal("1.50"), datetime(2026, 1, 2, tzinfo=UTC)]}) == (
        '{"a":["1.50","2026-01-02T00:00:00+00:00"],"b":1}'
    )


@pytest.mark.parametrize("value", [math.nan, math.inf, {1: 2}, object(), pytest.param(10**4500, id="huge")])
def test_what_is_no_json_is_refused_by_name(value: Any) -> None:
    with pytest.raises(NotCanonical, match=r"\$"):
        canonical({"field": value} if not isinstance(value, dict) else value)


@pytest.mark.parametrize("value", [math.nan, object(), b"\xff\x00", pytest.param(10**4500, id="huge"), {"a": {1, 2}}])
def test_a_result_is_always_storable(value: Any) -> None:
    json.loads(storable(value))


def test_nesting_of_ten_thousand_is_refused_in_one_sentence_and_kept_whole_as_bytes() -> None:
    deep: Any = "bottom"
    for _ in range(10_000):
        deep = [deep]
    with pytest.raises(NotCanonical, match=f"deeper than {MAX_DEPTH}"):
        canonical(deep)
    kept = base64.b64decode(json.loads(storable(deep))["$bytes"])
    assert kept == b"[" * 10_000 + b'"bottom"' + b"]" * 10_000


@pytest.mark.parametrize("text", ["{", "NaN", "[1e999, NaN]", "[" * 20_000, b"\xff"])
def test_untrusted_json_is_refused_not_crashed_on(text: Any) -> None:
    with pytest.raises(NotCanonical):
        parse_json(text)
