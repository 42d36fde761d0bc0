"""A probe document of each host, by which hosts find out whether they share one store.

The law: a worker says at its start whose probe it cannot read, because it could not read their documents either, and
every claim that came in there would wait for a person. It works all the same: most steps read no document.
"""

from __future__ import annotations

import socket
import threading
from uuid import UUID

from app.documents.storage import DocumentStore
from app.settings import Settings
from app.store.database import Database, DatabaseError
from app.store.workers import document_probes
from app.telemetry import logs


def begin(config: Settings, database: Database, worker_id: UUID) -> None:
    """Say whose documents this worker cannot read; returns at once."""
    about = (database, DocumentStore.of(config), _where(config), worker_id)
    threading.Thread(target=look, args=about, name="documents", daemon=True).start()


def tried(config: Settings, database: Database) -> list[str]:
    """The hosts whose documents cannot be read here, after writing a probe. Raises what the store raises."""
    store = DocumentStore.of(config)
    write(store, _where(config))
    return unread(database, store)


def _where(config: Settings) -> str:
    return str(config.documents_url or config.data_dir.absolute())


def write(store: DocumentStore, where: str) -> str:
    """Write this host's probe and read it back; its hash. `where`: how its settings name the store."""
    said = f"Longhaul wrote this to see whether all hosts share one store: {socket.gethostname()}, {where}\n"
    kept = store.put(said.encode(), "probe.txt")
    store.get(kept.sha256)
    return kept.sha256


def unread(database: Database, store: DocumentStore) -> list[str]:
    """The hosts whose probe cannot be read here."""
    return [host for host, sha256 in database.transact(document_probes.of_living) if not _reads(store, sha256)]


def look(database: Database, store: DocumentStore, where: str, worker_id: UUID) -> None:
    """What a worker does at its start; never raises."""
    try:
        sha256 = write(store, where)
        database.transact(lambda db: document_probes.note(db, socket.gethostname(), sha256))
        hosts = unread(database, store)
        database.transact(lambda db: document_probes.cannot_read(db, worker_id, hosts))
        if hosts:
            logs.event(
                "documents_apart", reason=f"the documents of {', '.join(hosts)} cannot be read here", where=where
            )
    except DatabaseError as problem:
        logs.event("documents_not_probed", reason=str(problem).strip())
    except (
        Exception
    ) as problem:  # a store that refuses even this; its own host is then one whose documents cannot be read
        logs.event("documents_apart", reason=f"{where}: {type(problem).__name__}: {problem}", where=where)
        _say(database, worker_id)


def _say(database: Database, worker_id: UUID) -> None:
    try:
        database.transact(lambda db: document_probes.cannot_read(db, worker_id, [socket.gethostname()]))
    except DatabaseError as problem:
        logs.event("documents_not_probed", reason=str(problem).strip())


def _reads(store: DocumentStore, sha256: str) -> bool:
    try:
        store.get(sha256)
    except Exception:  # not there, damaged, not reachable: it cannot be read
        return False
    return True
