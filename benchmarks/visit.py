"""Pages asked for over HTTP in this process, signed in, and how long they take."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from starlette.testclient import TestClient

from app import bootstrap
from app.accounts import links, people
from app.accounts.people import Person
from app.settings import Settings
from app.store.database import Database
from app.web.application import application
from workflows import WORKFLOWS

NAME = "bench"


@contextmanager
def signed_in(url: str, folder: Path, *roles: str) -> Iterator[TestClient]:
    """A browser of somebody with these roles, on the pages over the database at `url`."""
    owner = Database(url, "owner")
    with owner.transaction() as connection:
        people.enrol(connection, Person(NAME, "Bench", roles, Decimal(0)))
    owner.close()
    config = Settings(database_url=url, data_dir=folder / "data", log_level="WARNING")
    rt = bootstrap.runtime(WORKFLOWS, role="web", config=config)
    client = TestClient(application(rt), base_url="http://127.0.0.1", headers={"Sec-Fetch-Site": "same-origin"})
    path = links.PATH + links.make(rt, NAME, by=NAME)
    token = re.findall(r'name="csrf" value="([^"]+)"', client.get(path).text)[0]
    client.post(path, data={"csrf": token})
    yield client
    rt.database.close()


def times(
    client: TestClient, pages: Mapping[str, str], *, rounds: int, least: Mapping[str, str]
) -> dict[str, list[float]]:
    """Seconds of each page, `rounds` times, in turn. least: by page, a text without which it was not the page that was meant."""
    found: dict[str, list[float]] = {name: [] for name in pages}
    for n in range(rounds + 1):
        for name, path in pages.items():
            began = time.perf_counter()
            answer = client.get(path)
            if answer.status_code != 200 or least.get(name, "") not in answer.text:
                raise SystemExit(f"{path}: {answer.status_code}, without {least.get(name)!r}")
            if n:  # the first round fills caches
                found[name].append(time.perf_counter() - began)
    return found


def p95(seconds: list[float]) -> float:
    """The 95th percentile, in milliseconds."""
    return statistics.quantiles(seconds, n=20, method="inclusive")[-1] * 1000
