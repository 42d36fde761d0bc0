"""The timeline of a run: every entry once, in order, whatever the page; and no table read whole for it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg

from app.core.ids import new_id
from app.store.database import Connection, connect
from app.store.ledger import effects
from app.store.reads import timeline
from tests.support.plans import Query, fill, indexes, plans, whole_tables

ID = UUID(int=5)


def walked(db: Connection, run_id: UUID, wanted: timeline.EntryFilter, *, limit: int) -> list[tuple[Any, ...]]:
    """Every page after the other, as addresses."""
    found, after = list[tuple[Any, ...]](), None
    while entries := timeline.page(db, run_id, wanted, limit=limit, after=after):
        after = (entries[-1].at, entries[-1].rank, entries[-1].n)
        found += [(entry.at, timeline.address(entry)) for entry in entries]
    return found


def many(db: Connection, run_id: UUID, events: int) -> None:
    """A long history: so many transitions and calls, many of them of one moment, and two alerts of one moment."""
    db.execute(
        """INSERT INTO transitions (run_id, seq, event, to_state, to_status, step_seq, attempt, actor, reason_digest, payload_digest,
               move_id, hash, created_at)
           SELECT %(id)s, n + 1000, 'step finished', 'S', 'READY', n, 1, 'x', 'd', 'd', gen_random_uuid(), '\\x00',
               now() + (n / 7) * interval '1 s' FROM generate_series(1, %(events)s / 2) n""",
        {"id": run_id, "events": events},
    )
    db.execute(
        """INSERT INTO checkpoints (run_id, step_seq, call_seq, step_name, kind, name, status, input, output, created_at, completed_at)
           SELECT %(id)s, n + 1000, 0, 'S', 'step', 'w.S', 'COMPLETE', jsonb_build_object('text', repeat('x', 500)),
               jsonb_build_object('outcome', 'done'), now(), now() + (n / 7) * interval '1 s'
           FROM generate_series(1, %(events)s / 2) n""",
        {"id": run_id, "events": events},
    )
    for rule in ("one", "two"):
        db.execute(
            "INSERT INTO alerts (id, rule, subject, run_id, message, opened_at) VALUES (%s, %s, 's', %s, 'm', now())",
            [new_id(), rule, run_id],
        )


def test_every_entry_is_on_one_page_and_at_one_address(database_url: str) -> None:
    run_id = UUID(int=1)
    with psycopg.connect(database_url, autocommit=True) as db:
        fill(db, 1)
    with connect(database_url, "owner") as db:
        with db.transaction():
            many(db, run_id, 300)
        whole = walked(db, run_id, timeline.EntryFilter(), limit=10_000)
        assert len(whole) == len(set(whole)) > 300
        assert [at for at, _ in whole] == sorted(at for at, _ in whole)
        assert walked(db, run_id, timeline.EntryFilter(), limit=7) == whole
        for _, name in whole[:: len(whole) // 20]:
            place = timeline.place_of(name)
            assert place is not None
            entry = timeline.one(db, run_id, *place)
            assert entry is not None
            assert timeline.address(entry) == name


def test_an_address_that_is_none_means_nothing() -> None:
    for text in (
        "",
        "call-1",
        "call-1-2-3",
        "human-",
        "human-x",
        "nobody-1",
        "transition-1-2",
        "transition--1",
        "call-²-1",
    ):
        assert timeline.place_of(text) is None, text


def test_no_table_is_read_whole_for_a_page(database_url: str, asked: list[Query]) -> None:
    with psycopg.connect(database_url, autocommit=True) as filling:
        fill(filling, 20_000)
        filling.execute(
            """INSERT INTO human_task_events (task_id, run_id, event, actor, created_at)
               SELECT id, run_id, 'opened', 'x', app_now() FROM human_tasks"""
        )
        filling.execute(
            """INSERT INTO human_task_comments (id, task_id, author, body, created_at)
               SELECT id, id, 'x', 'b', app_now() FROM human_tasks"""
        )
        filling.execute("ANALYZE")
    looks = {
        "page": lambda db: timeline.page(db, ID, timeline.EntryFilter(text="x"), limit=200),
        "one": lambda db: timeline.one(db, ID, 2, 100_000),
        "standings": lambda db: timeline.standings(db, ID, limit=400),
        "path": lambda db: timeline.path(db, ID),
        "marks": lambda db: timeline.marks(db, [ID]),
        "data": lambda db: timeline.data_around(db, ID, 1),
        "effects": lambda db: effects.of_run(db, ID),
    }
    with connect(database_url, "web") as db:
        for name, look in looks.items():
            asked.clear()
            look(db)  # type: ignore[no-untyped-call]
            for kind, plan in (each for query in list(asked) for each in plans(db, query)):
                assert not whole_tables(plan), (name, kind, whole_tables(plan), indexes(plan))
