"""The embedded Postgres: durable, private, continued; wherever the project lies and whoever starts it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from app.stack.servers import binaries
from app.stack.servers.binaries import copied_postgres, postgres_bin
from app.stack.servers.errors import ServerMissing, StackError
from app.stack.servers.places import Owner, outside, remove_outside
from app.stack.servers.postgres import EmbeddedPostgres
from tests.conftest import scratch_folder
from tests.stack.helpers import LONGEST_SOCKET_PATH

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs Postgres as another user")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with scratch_folder("postgres-tests") as made:
        yield made


@pytest.fixture(scope="module")
def shared(folder: Path) -> Iterator[EmbeddedPostgres]:
    """One server for the tests that leave it as they found it."""
    server = EmbeddedPostgres(folder / "shared")
    server.start()
    yield server
    server.stop("immediate")


def ask(server: EmbeddedPostgres, query: str) -> object:
    with psycopg.connect(server.url()) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def test_it_never_runs_as_root(shared: EmbeddedPostgres) -> None:
    assert shared.pid is not None
    assert psutil.Process(shared.pid).uids().effective != 0


def test_it_listens_on_no_network(shared: EmbeddedPostgres) -> None:
    assert shared.pid is not None
    assert psutil.Process(shared.pid).net_connections("inet") == []
    assert ask(shared, "SHOW listen_addresses") == ""


def test_its_socket_is_closed_to_other_users(shared: EmbeddedPostgres) -> None:
    assert shared.socket_dir.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("setting", ["fsync", "synchronous_commit", "full_page_writes"])
def test_what_is_committed_is_on_the_disk(shared: EmbeddedPostgres, setting: str) -> None:
    assert ask(shared, f"SHOW {setting}") == "on"


def test_starting_twice_is_starting_once(shared: EmbeddedPostgres) -> None:
    first = shared.pid
    shared.start()
    assert shared.pid == first
    another = EmbeddedPostgres(shared.data_dir)
    another.start()
    assert another.pid == first


@pytest.mark.parametrize("ending", ["stop", "restart", "kill"])
def test_data_outlives_every_ending(shared: EmbeddedPostgres, ending: str) -> None:
    with psycopg.connect(shared.url(), autocommit=True) as connection:
        connection.execute(f"CREATE TABLE kept_through_{ending} AS SELECT 42 AS answer".encode())
    before = shared.pid
    getattr(shared, ending)()
    shared.start()
    assert shared.pid != before
    assert ask(shared, f"SELECT answer FROM kept_through_{ending}") == 42


def test_a_killed_backend_does_not_end_the_server(shared: EmbeddedPostgres) -> None:
    before = shared.pid
    with psycopg.connect(shared.url()) as connection:
        os.kill(connection.info.backend_pid, signal.SIGKILL)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    shared.start()
    assert shared.pid == before


def test_a_very_long_project_path_still_has_a_short_socket(folder: Path) -> None:
    server = EmbeddedPostgres(folder / ("a-very-long-project-name-" * 8) / "data")
    assert len(str(server.data_dir)) > 200
    try:
        server.start()
        assert len(f"{server.socket_dir}/.s.PGSQL.5432") < LONGEST_SOCKET_PATH
        assert ask(server, "SELECT current_user") == "longhaul"
    finally:
        server.stop("immediate")


def test_a_start_cut_short_is_made_good(folder: Path) -> None:
    half_made = folder / "cut-short" / "cluster.part"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18")
    server = EmbeddedPostgres(folder / "cut-short")
    try:
        server.start()
        assert ask(server, "SELECT 1") == 1
        assert not half_made.exists()
        # a recorded pid that another program has been given since must not stop the next start
        server.stop()
        (server.cluster / "postmaster.pid").write_text(f"{os.getpid()}\n{server.cluster}\n0\n5432\n\n\n0 0\nready\n")
        server.start()
        assert ask(server, "SELECT 1") == 1
    finally:
        server.stop("immediate")


def test_data_of_another_version_is_refused_untouched(folder: Path) -> None:
    cluster = folder / "older" / "cluster"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("9\n")
    with pytest.raises(StackError, match=r"holds data of Postgres 9, .*LONGHAUL_PG_BIN"):
        EmbeddedPostgres(cluster.parent).start()
    assert [path.name for path in cluster.iterdir()] == ["PG_VERSION"]


def test_a_named_folder_without_postgres_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONGHAUL_PG_BIN", str(folder))
    with pytest.raises(ServerMissing, match=f"LONGHAUL_PG_BIN={folder} holds no program `postgres`"):
        postgres_bin(Owner.unprivileged())


@as_root
def test_a_project_its_user_cannot_enter_keeps_its_data_elsewhere_and_says_where(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    server = EmbeddedPostgres(closed / "data")
    try:
        server.start()
        assert ask(server, "SELECT 1") == 1
        assert closed not in server.cluster.parents
        assert server.cluster.parent in outside(closed)
    finally:
        server.stop("immediate")
    assert server.cluster.parent in remove_outside(closed)
    assert not server.cluster.exists()
    assert not server.socket_dir.exists()


@as_root
def test_binaries_its_user_cannot_reach_are_copied_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = folder / "closed-venv" / "package"
    installed = package / "pginstall18" / "bin"
    installed.mkdir(parents=True)
    (installed / "postgres").write_text("#!/bin/sh\ncat $(dirname $0)/../../../package.libs/word\n")
    (installed / "postgres").chmod(0o700)
    package.with_name("package.libs").mkdir()
    (package.with_name("package.libs") / "word").write_text("found")
    (folder / "closed-venv").chmod(0o700)
    monkeypatch.delenv("LONGHAUL_PG_BIN", raising=False)
    monkeypatch.setattr(binaries, "_package_folder", lambda name: package)
    nobody = Owner.unprivileged()
    copied = postgres_bin(nobody)
    try:
        told = subprocess.run([copied / "postgres"], user=nobody.uid, extra_groups=[], capture_output=True, check=True)
        assert told.stdout == b"found"
        inode = (copied / "postgres").stat().st_ino
        assert (postgres_bin(nobody) / "postgres").stat().st_ino == inode
    finally:
        (folder / "outside.txt").write_text(str(copied_postgres(installed)))
        assert remove_outside(folder)
    assert not copied.exists()


@as_root
def test_a_socket_folder_taken_by_somebody_else_is_refused(folder: Path) -> None:
    server = EmbeddedPostgres(folder / "taken")
    os.chown(server.socket_dir, 12345, 12345)
    with pytest.raises(StackError, match="belongs to somebody else"):
        EmbeddedPostgres(folder / "taken").start()
