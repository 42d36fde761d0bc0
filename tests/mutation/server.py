"""One Postgres for all forks, with one migrated database to clone; or with a function in it that is broken."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import psycopg

from app.stack.servers.postgres import SERVER_SETTINGS, EmbeddedPostgres
from app.store.migrate import upgrade
from tests.conftest import fresh_database, scratch_folder, with_database
from tests.mutation.points import PROJECT, Point
from tests.support.roles import DECLARED


@dataclass(frozen=True, slots=True)
class Server:
    """Where the tests of a fork find their server and the database they clone."""

    admin_url: str
    template: str

    def environment(self, template: str | None = None) -> dict[str, str]:
        """What the tests are told."""
        return {"LONGHAUL_TEST_DATABASE_URL": self.admin_url, "LONGHAUL_TEST_TEMPLATE": template or self.template}

    @contextmanager
    def with_function(self, point: Point) -> Iterator[str | None]:
        """The name of a template one of whose functions is broken at a point; None if the database refuses it so."""
        source = (PROJECT / point.file).read_bytes()
        start = source.index(point.unit.source.encode())
        broken = point.applied(source)[
            start : start + len(point.unit.source.encode()) + len(point.text.encode()) - (point.end - point.start)
        ]
        with fresh_database(self.admin_url, self.template) as url:
            try:
                with psycopg.connect(url, autocommit=True) as db:
                    db.execute(broken)
            except psycopg.Error:
                yield None
                return
            yield urlsplit(url).path.removeprefix("/")


@contextmanager
def server() -> Iterator[Server]:
    """A server of its own, that need not survive the loss of the machine: what it writes is not waited for."""
    SERVER_SETTINGS.update(fsync="off", full_page_writes="off", autovacuum="off")
    with scratch_folder("mutation") as folder:
        postgres = EmbeddedPostgres(folder)
        postgres.start()
        try:
            admin = os.environ.get("LONGHAUL_TEST_DATABASE_URL") or postgres.url("postgres")
            with psycopg.connect(admin, autocommit=True) as db:
                template = f"longhaul_mutation_{uuid.uuid4().hex[:8]}"
                db.execute(f'CREATE DATABASE "{template}" TEMPLATE template0')
            upgrade(with_database(admin, template), DECLARED)
            yield Server(admin, template)
        finally:
            postgres.stop("immediate")
