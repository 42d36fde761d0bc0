"""The embedded Redis: private, in memory only, started anew empty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from kombu.connection import Connection
from redis import Redis

from app.stack.servers.errors import ServerMissing
from app.stack.servers.ports import choose_port
from app.stack.servers.redis import EmbeddedRedis
from tests.conftest import scratch_folder
from tests.stack.helpers import LONGEST_SOCKET_PATH


@pytest.fixture
def server() -> Iterator[EmbeddedRedis]:
    with scratch_folder("redis-tests") as folder:
        made = EmbeddedRedis(folder / ("a-very-long-project-name-" * 6))
        made.start()
        yield made
        made.stop()


def client(server: EmbeddedRedis) -> Redis:
    return Redis(unix_socket_path=str(server.socket_path))


def test_its_socket_is_short_and_closed_to_other_users(server: EmbeddedRedis) -> None:
    assert len(str(server.socket_path)) < LONGEST_SOCKET_PATH
    assert server.socket_path.parent.stat().st_mode & 0o077 == 0


def test_celery_reads_its_address(server: EmbeddedRedis) -> None:
    with Connection(server.url(3)) as connection:
        connection.connect()
        queue = connection.SimpleQueue("bells")
        queue.put("ring")
        queue.close()
    assert Redis(unix_socket_path=str(server.socket_path), db=3).llen("bells") == 1


def test_nothing_is_evicted_and_nothing_written_to_disk(server: EmbeddedRedis) -> None:
    assert client(server).config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    client(server).set("bell", "rung")
    server.stop()
    assert not list(server.data_dir.glob("*.rdb"))
    assert not list(server.data_dir.glob("*.aof"))


def test_starting_twice_is_starting_once(server: EmbeddedRedis) -> None:
    another = EmbeddedRedis(server.data_dir)
    another.start()
    assert another.pid == server.pid


def test_a_killed_server_starts_anew_and_empty(server: EmbeddedRedis) -> None:
    client(server).set("bell", "rung")
    before = server.pid
    server.kill()
    assert not server.answers()
    server.start()
    assert server.pid != before
    assert client(server).dbsize() == 0


def test_it_serves_a_port_of_this_machine_where_asked() -> None:
    with scratch_folder("redis-port") as folder:
        server = EmbeddedRedis(folder, port=choose_port(0, named_by=None))
        try:
            server.start()
            assert Redis.from_url(server.url()).ping()
        finally:
            server.stop()


def test_a_named_program_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONGHAUL_REDIS_BIN", str(tmp_path / "redis"))
    with pytest.raises(ServerMissing, match="LONGHAUL_REDIS_BIN"):
        EmbeddedRedis(tmp_path).start()
