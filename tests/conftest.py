"""What tests of every folder share: one Postgres and one Redis per run, a fresh database per test, a stack of real processes, a
browser; nothing started unasked.

`LONGHAUL_PG_BIN=/usr/lib/postgresql/15/bin` runs the same tests on other server programs;
`LONGHAUL_TEST_DATABASE_URL` on a server that runs already, whose role must be able to create databases.
"""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, LiteralString
from unittest.mock import patch
from urllib.parse import urlsplit, urlunsplit

import hypothesis
import psutil
import psycopg
import pytest
from psycopg import sql

from app.settings import settings
from app.stack.servers.places import remove_outside
from app.stack.servers.postgres import SERVER_SETTINGS, EmbeddedPostgres
from app.stack.servers.redis import EmbeddedRedis
from tests.support.bells import Bells
from tests.support.needs import is_fast, longest_files_first
from tests.support.rabbitmq import RabbitServer, rabbitmq_command

if TYPE_CHECKING:  # loaded by the fixtures that need it: most files of tests do not
    from playwright.sync_api import Browser

    from tests.support.journey import Travel
    from tests.support.model_server import ModelServer
    from tests.support.stack import MakeStack, Stack

# How long an example takes says nothing but how busy the machine is.
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fast", action="store_true", help="only tests that need no server, no other program, no browser")


def pytest_configure(config: pytest.Config) -> None:
    """Let no server start where none is needed: a test that starts one by itself must say so by a mark."""
    gc.disable()  # while tests are collected: all that is loaded stays
    if config.getoption("--fast"):
        for server in (EmbeddedPostgres, EmbeddedRedis, RabbitServer):
            server.start = _refuse  # type: ignore[method-assign, assignment]


def _refuse(*_: object) -> None:
    pytest.fail("this test starts a server: let tests/support/needs.py know by what")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what `--fast` leaves out; where several processes share the files, begin with what takes longest."""
    gc.freeze()  # what was collected is looked through never again
    gc.enable()
    if config.getoption("--fast"):
        config.hook.pytest_deselected(items=[item for item in items if not is_fast(item)])
        items[:] = [item for item in items if is_fast(item)]
    elif os.environ.get("PYTEST_XDIST_WORKER"):
        items[:] = longest_files_first(items)


def _in_memory(folder: str = "/dev/shm", needed: int = 4 << 30) -> bool:
    """Whether servers can have their data in memory: what they wrote survives their kill there as on a disk."""
    if not (Path(folder).is_dir() and os.access(folder, os.W_OK)):
        return False
    return min(shutil.disk_usage(folder).free, psutil.virtual_memory().available) > needed


@contextmanager
def scratch_folder(name: str) -> Iterator[Path]:
    """A folder that the unprivileged user Postgres runs as can reach, removed with all that was put outside of it."""
    place = "/dev/shm" if _in_memory() else "/var/tmp"
    folder = Path(tempfile.mkdtemp(prefix=f"longhaul-test-{name}-", dir=place))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        remove_outside(folder)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """Each test begins with the environment of the test run: a command under test may set variables for its process."""
    before = dict(os.environ)
    yield
    if dict(os.environ) != before:
        os.environ.clear()
        os.environ.update(before)
        settings.cache_clear()


@contextmanager
def running_postgres(name: str) -> Iterator[EmbeddedPostgres]:
    """A Postgres server of its own, gone at the end."""
    with scratch_folder(name) as folder:
        server = EmbeddedPostgres(folder)
        # Processes are killed, never the machine: nobody need wait for a disk.
        with patch.dict(SERVER_SETTINGS, fsync="off"):
            server.start()
        try:
            yield server
        finally:
            server.stop("immediate")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedPostgres]:
    """A running Postgres server of this test run. A test that stops or kills it must start it again."""
    with running_postgres("postgres") as server:
        yield server


@pytest.fixture(scope="session")
def admin_url(request: pytest.FixtureRequest) -> str:
    """The address of a database from which others can be created: the named server's, else the embedded one's."""
    if named := os.environ.get("LONGHAUL_TEST_DATABASE_URL"):
        return named
    server: EmbeddedPostgres = request.getfixturevalue("postgres_server")
    return server.url("postgres")


@pytest.fixture(scope="session")
def template_database(admin_url: str) -> Iterator[str]:
    """The name of a database migrated once, to be cloned; `LONGHAUL_TEST_TEMPLATE` names one that is there already."""
    if named := os.environ.get("LONGHAUL_TEST_TEMPLATE"):
        yield named
        return
    from app.store.migrate import upgrade
    from tests.support.roles import DECLARED

    name = f"longhaul_template_{uuid.uuid4().hex[:8]}"
    _create_database(admin_url, name)
    upgrade(with_database(admin_url, name), DECLARED)
    yield name
    _drop_database(admin_url, name)


@pytest.fixture
def database_url(admin_url: str, template_database: str) -> Iterator[str]:
    """The address of a migrated database of this test alone: its commits and locks are real."""
    with fresh_database(admin_url, template_database) as url:
        yield url


@contextmanager
def fresh_database(admin_url: str, template: str) -> Iterator[str]:
    """A copy of a database, gone afterwards."""
    name = f"longhaul_test_{uuid.uuid4().hex[:12]}"
    _create_database(admin_url, name, template)
    yield with_database(admin_url, name)
    _drop_database(admin_url, name)


@pytest.fixture
def empty_database_url(admin_url: str) -> Iterator[str]:
    """The address of a database without tables."""
    name = f"longhaul_empty_{uuid.uuid4().hex[:12]}"
    _create_database(admin_url, name)
    yield with_database(admin_url, name)
    _drop_database(admin_url, name)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[EmbeddedRedis]:
    """A running Redis server of this test run. A test that stops or kills it must start it again."""
    with scratch_folder("redis") as folder:
        server = EmbeddedRedis(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def rabbit_server() -> Iterator[RabbitServer]:
    """A running RabbitMQ server of this test run. A test that stops or kills it must start it again."""
    if rabbitmq_command() is None:
        told = "needs RabbitMQ; on Debian and Ubuntu: apt-get install rabbitmq-server"
        # Where everything must be shown, a missing server is no excuse.
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(told)
    with scratch_folder("rabbitmq") as folder:
        server = RabbitServer(folder)
        try:
            server.start()
            yield server
        finally:
            server.stop()


Server = EmbeddedRedis | RabbitServer
BOTH_BROKERS = pytest.mark.parametrize(
    "broker", ["redis", pytest.param("rabbitmq", marks=pytest.mark.rabbitmq)], indirect=True
)
"""Marks a test of `broker_url` or `broker` that is to run with Redis and with RabbitMQ."""


@pytest.fixture
def broker(request: pytest.FixtureRequest) -> Server:
    """The broker's server: Redis, or the one named by `BOTH_BROKERS`."""
    kind = getattr(request, "param", "redis")
    server: Server = request.getfixturevalue("redis_server" if kind == "redis" else "rabbit_server")
    return server


@pytest.fixture
def broker_url(broker: Server) -> Iterator[str]:
    """The address of an empty broker; emptied again afterwards."""
    _empty(broker)
    yield broker.url()
    if broker.answers():
        _empty(broker)


@pytest.fixture
def journey(database_url: str) -> Iterator[Travel]:
    """A runtime for the workflow that passes through every kind of state, in this process."""
    from tests.support.journey import travel

    with travel(database_url) as found:
        yield found


@pytest.fixture
def make_stack(tmp_path: Path, database_url: str, broker_url: str) -> Iterator[MakeStack]:
    """Makes the test's stack over workflows of `tests.support`, named "module:NAME"; nothing of it outlives it."""
    from tests.support.stack import Stack

    with ExitStack() as ends:

        def make(*workflows: str, **settings: object) -> Stack:
            # The first one brings the faults along.
            named = ",".join(f"tests.support.{name}" for name in ("small_workflows:TWO", *workflows) if name)
            url = str(settings.pop("broker_url", broker_url))
            stack = Stack(tmp_path, database_url, url, named, **settings)
            ends.callback(stack.end)
            return stack

        yield make


@pytest.fixture(scope="module")
def model_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    """The scripted model server, a process; it follows what a test lets it `say`."""
    from tests.support.model_server import ModelServer

    with ModelServer(tmp_path_factory.mktemp("models")) as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A running Chromium. Skips where none is installed, and fails there under CI=true."""
    from tests.support.browsing import launched

    with launched() as found:
        yield found


def with_database(url: str, name: str) -> str:
    """The same server's address with another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def _empty(server: Server) -> None:
    bells = Bells(server.url())
    bells.flush()
    bells.close()


def _create_database(admin_url: str, name: str, template: str = "template0") -> None:
    # The copy of files is the cheaper one, but for its checkpoints, which a disk makes dear.
    how = "wal_log" if "LONGHAUL_TEST_DATABASE_URL" in os.environ or not _in_memory() else "file_copy"
    _run(admin_url, "CREATE DATABASE {} TEMPLATE {} STRATEGY {}", name, template, how)


def _drop_database(admin_url: str, name: str) -> None:
    _run(admin_url, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def _run(admin_url: str, statement: LiteralString, *names: str) -> None:
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
