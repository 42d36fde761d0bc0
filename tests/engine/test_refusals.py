"""What was refused is counted by its kind, in a bounded number of kinds, and nothing of it is lost on the way."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from app.engine.process.refusals import UNKNOWN, Collector, place, refused
from app.store.records.refused import SAMPLES, Refused, others


def start(reason: str, name: Any = "claims", **said: Any) -> Refused:
    return refused("start", queue="intake", name=name, reason=reason, said=said)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"'CLM-1' already has the run {UUID(int=7)}", f"'CLM-x' already has the run {UUID(int=8)}"),
        ("'order-77' was used before with another body", '"it\'s" was used before with another body'),
        ("wheels: 7 is more than 4", "wheels: 12 is more than 4"),
    ],
)
def test_what_differs_in_names_and_numbers_only_is_one_kind(one: str, other: str) -> None:
    assert start(one).fingerprint == start(other).fingerprint


def test_another_reason_queue_workflow_or_message_is_another_kind() -> None:
    kinds = [
        start("wheels: a number is missing"),
        start("doors: a number is missing"),
        start("wheels: a number is missing", "fleet"),
        refused("bell", queue="intake", name="claims", reason="wheels: a number is missing", said={}),
        refused("start", queue="sweeps", name="claims", reason="wheels: a number is missing", said={}),
    ]
    assert len({kind.fingerprint for kind in kinds}) == len(kinds)


def test_a_sample_names_the_message_and_masks_its_payload() -> None:
    (said,) = start("x", subject="CLM-1", key=None, data="<11:ab12cd34>", id={"owner": "Orsolya"}).samples
    assert said["subject"] == "CLM-1" and "key" not in said
    assert "Orsolya" not in said["id"], "what is no name is a payload, and logs would mask it"


@pytest.mark.parametrize(
    ("queue", "kind"),
    [
        ("steps.claims.v1", "steps"),
        ("isolated.claims.v1", "isolated"),
        ("intake", "intake"),
        ("canary.1", "canary"),
        ("", UNKNOWN),
        ("celery", UNKNOWN),
        ("stepsister", UNKNOWN),
    ],
)
def test_queues_are_of_few_kinds(queue: str, kind: str) -> None:
    assert place(queue) == kind


def test_a_process_keeps_a_bounded_number_of_kinds_and_counts_the_rest() -> None:
    collector = Collector(most=10)
    for n in range(1000):
        collector.count(start("no such workflow", name="w" + "x" * n, subject=f"S-{n}"))
        collector.count(refused("bell", queue="", name="", reason="it names no task", said={}))
    found = {one.fingerprint: one for one in collector.take()}
    assert len(found) == 11
    assert sum(one.count for one in found.values()) == 2000
    assert found[others("start")].count == 991
    assert max(len(one.samples) for one in found.values()) == SAMPLES
    assert collector.take() == []


def test_what_could_not_be_written_is_kept_at_its_own_time_beside_what_came_since() -> None:
    collector = Collector()
    collector.count(start("x", subject="old"))
    (taken,) = collector.take()
    collector.count(start("x", subject="new"))
    old = Refused(
        **{f: getattr(taken, f) for f in Refused.__slots__} | {"count": 5, "first_age": 60.0, "last_age": 30.0}
    )
    collector.keep([old])
    (kept,) = collector.take()
    assert kept.count == 6
    assert kept.first_age >= 60.0 and kept.last_age < 30.0
