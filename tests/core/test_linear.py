"""Text is treated in time proportional to its length, whatever it is made of."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from app.core.canonical import canonical, restore
from app.telemetry import logs

SIZE = 5_000
BINARY = "\0"
KINDS: dict[str, Callable[[int], Any]] = {
    "NULs": lambda n: BINARY * n,
    "NULs among letters": lambda n: "a\0" * (n // 2),
    "the escape itself": lambda n: "\ue000" * n,
    "lone surrogates": lambda n: "\ud800" * n,
    "a long key above many items": lambda n: {"k" * n: list(range(n))},
}
TREATMENTS: dict[str, Callable[[Any], object]] = {
    "canonical": canonical,
    "restored": lambda value: restore(json.loads(canonical(value))),
    "masked": lambda value: json.dumps(logs.mask(value), default=str),
}


def _seconds(do: Callable[[Any], object], value: Any) -> float:
    """The less of two: what else the machine does only adds."""
    least = float("inf")
    for _ in range(2):
        began = time.thread_time()
        do(value)
        least = min(least, time.thread_time() - began)
    return least


@pytest.mark.parametrize("treatment", TREATMENTS)
@pytest.mark.parametrize("kind", KINDS)
def test_sixteen_times_the_text_takes_no_more_than_that_many_times_the_work(kind: str, treatment: str) -> None:
    make, do = KINDS[kind], TREATMENTS[treatment]
    do(make(SIZE))  # what is made once is made
    small, large = _seconds(do, make(SIZE)), _seconds(do, make(16 * SIZE))
    assert large < 80 * max(small, 1e-5), "quadratic work would take 256 times as long"


@pytest.mark.parametrize(
    "text", ["", "a\0b", "\ue000", "\ue0000000", "\0\ue000\ud800\udfff\0", "\ud83d\ude00", "\ue000e000", "😀\0"]
)
def test_an_escaped_text_comes_back_as_it_was(text: str) -> None:
    written = canonical({text: [text]})
    assert "\0" not in json.loads(written)
    assert restore(json.loads(written)) == {text: [text]}
    written.encode("utf-8")  # no lone surrogate is left
