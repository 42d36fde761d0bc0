"""Many callers at once get as many permits as there are, and no more."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from app.core.declarations.limits import limits
from app.store.database import Database
from app.store.runs import downstreams
from app.store.runs.steps import Place


def test_callers_that_come_at_once_get_the_burst_and_the_places_there_are(database_url: str) -> None:
    found = limits({"bucket": {"rate": "0.01/s", "burst": 10}, "places": {"concurrency": 7}})
    database = Database(database_url, "worker", size=8)

    def take(name: str) -> str:
        place = Place(run_id=uuid4(), step_seq=1, call_seq=1, token=uuid4(), attempt=1)
        answer = database.transact(lambda db: downstreams.take(db, place, found[name], 5.0))
        return "granted" if answer.granted else str(answer.why)

    try:
        with ThreadPoolExecutor(16) as pool:
            assert Counter(pool.map(take, ["bucket"] * 60)) == {"granted": 10, "rate": 50}
    finally:
        database.close()
