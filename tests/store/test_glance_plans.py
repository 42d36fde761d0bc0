"""What the overview reads costs what is at work, wrong or recent: every query is found by an index in a large database."""

from __future__ import annotations

import time
from typing import Any

import psycopg
import pytest

from app.store.database import connect
from app.store.reads import dead_letters, overview
from app.store.reads.overview import SLOT_SECONDS
from app.store.runs import downstreams
from tests.support.plans import fill, indexes, plans, whole_tables

LARGE = 200_000
NOW: dict[str, Any] = {"limit": 6, "most": overview.MOST + 1}


@pytest.mark.timeout(600)
def test_the_overview_reads_no_table_from_end_to_end_in_a_database_of_200_000_runs(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as owner:
        fill(owner, LARGE)
        # As they came in: over two years, the last day among them.
        for table, number in (("transition_rows", "run_id"), ("checkpoints", "run_id")):
            owner.execute(f"CREATE TEMP TABLE kept AS SELECT * FROM {table} ORDER BY {number}")
            owner.execute(f"TRUNCATE {table}")
            owner.execute(
                f"""UPDATE kept SET created_at = app_now() - interval '5 min' * ({LARGE} - n.n)
                    FROM (SELECT run_id AS id, row_number() OVER (ORDER BY run_id) AS n FROM kept) n WHERE n.id = run_id"""
            )
            owner.execute(f"INSERT INTO {table} SELECT * FROM kept ORDER BY {number}")
            owner.execute("DROP TABLE kept")
        owner.execute("VACUUM ANALYZE")
    last = int(time.time() // SLOT_SECONDS)
    slots: dict[str, Any] = {"from": last - 24, "to": last + 1, "done": overview._DONE}
    queries = {
        "ready": (overview._READY, NOW, {"runs_ready", "runs_pkey"}),
        "ready count": (overview._READY_COUNT, NOW, set[str]()),
        "busy": (overview._BUSY, None, {"runs_leased"}),
        "tasks": (overview._TASKS, NOW, {"human_tasks_open"}),
        "alerts": (overview._ALERT_COUNTS, None, set[str]()),
        "dead letters": (overview._LETTERS, NOW, {"dead_letters_created"}),
        "open dead letters": (overview._OPEN_LETTERS, NOW, {"dead_letters_open", "runs_pkey"}),
        "out of tries": (dead_letters._OUT_OF_TRIES, [dead_letters.MOST], {"human_tasks_open", "runs_pkey"}),
        "models": (overview._MODELS, None, {"checkpoints_models"}),
        "budgets": (overview._BUDGETS, None, {"checkpoints_models", "runs_pkey"}),
        "steps": (overview._STEPS, slots, {"transition_rows_created", "transition_rows_pkey", "runs_pkey"}),
        "flow": (overview._FLOW, slots, {"transition_rows_created", "runs_pkey"}),
        "held up by limits": (downstreams._HELD_UP, {"most": downstreams.MOST_HELD_UP + 1}, {"runs_due"}),
        "letters by slot": (overview._LETTER_SLOTS, slots, {"dead_letters_created"}),
    }
    wrong, slow = [], {}
    with connect(database_url, "web") as db:
        for name, (query, params, needed) in queries.items():
            custom = dict(plans(db, (query, params)))["custom"]  # pages prepare nothing for long
            used = {index.strip("()") for index in indexes(custom)}
            if whole_tables(custom) or not needed <= used:
                wrong.append(f"{name} reads {whole_tables(custom)} and uses {used}, not {needed}")
            began = time.perf_counter()
            db.execute(query, params).fetchall()
            slow[name] = round(1000 * (time.perf_counter() - began), 1)
    assert not wrong, "\n".join(wrong)
    assert sum(slow.values()) < 2000, slow
    with connect(database_url, "web") as db, db.transaction():
        assert sum(overview.counts(db).values()) == LARGE
