"""The servers of one fault, reachable by the hosts of its network: Postgres and Redis as the embedded stack runs them."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from app.stack.servers import postgres
from app.stack.servers.ports import choose_port
from app.stack.servers.postgres import EmbeddedPostgres
from app.stack.servers.redis import EmbeddedRedis


class NetworkPostgres(EmbeddedPostgres):
    """Listens on an address besides its socket, and lets everybody in who reaches it there."""

    def __init__(self, data_dir: Path, address: str) -> None:
        super().__init__(data_dir)
        self.address, self.port = address, choose_port(0, named_by=None)

    def url(self, dbname: str = "longhaul") -> str:
        """The address through the socket, which no fault of the network reaches."""
        return f"postgresql://longhaul@/{dbname}?host={self.socket_dir}&port={self.port}"

    def start(self) -> None:
        """Start it; this command runs one server at a time, so its settings are those of the module."""
        postgres.SERVER_SETTINGS.update(listen_addresses=self.address, port=str(self.port))
        super().start()
        with (self.cluster / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {self.address}/24 trust\n")
        with psycopg.connect(self.url("postgres"), autocommit=True) as db:
            db.execute("SELECT pg_reload_conf()")


class NetworkRedis(EmbeddedRedis):
    """Listens on an address and on no other."""

    def __init__(self, data_dir: Path, address: str) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        super().__init__(data_dir, port=choose_port(0, named_by=None))
        self.address = address

    def url(self, db: int = 0) -> str:
        """As the hosts find it."""
        return urlsplit(super().url(db))._replace(netloc=f"{self.address}:{self.port}").geturl()

    def _options(self) -> list[str]:
        # Of two `--bind` Redis goes by the last; it is still asked on the loopback whether it answers.
        return [*super()._options(), "--bind", *{"127.0.0.1", self.address}, "--protected-mode", "no"]
