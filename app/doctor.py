"""doctor: is everything there that runs need? Each check is one line: ok, or the problem and what to do about it.

The law: a check never fails the doctor. Whatever goes wrong while looking is what is reported, and a check that
needs another to have succeeded is not made without it.
"""

from __future__ import annotations

import math
import os
import shutil
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from app.core.declarations import limits
from app.core.values.durations import spoken
from app.diagnosis.check import Check
from app.documents import reader
from app.documents.child import no_network
from app.engine import serving
from app.engine.process import descriptors
from app.engine.runtime import Registry
from app.evidence import key as evidence_key
from app.settings import Settings
from app.store import installation
from app.store.database import Database, connect
from app.store.migrate import standing
from app.store.reads import facts
from app.store.records import refused
from app.store.runs import downstreams
from app.store.workers import due, workers

OLDEST_PYTHON = (3, 11)
LEAST_FREE_BYTES = 1024**3
GRACE_SECONDS = 10.0  # as the alerts: a hiccup of a two-second sweep is no disease
BROKER = "tasks.broker:broker_answers"  # by its dotted name: only `tasks` knows the broker's client


@dataclass(frozen=True, kw_only=True, slots=True)
class Patient:
    """What is examined. `database` is None where none is configured; `provider` raises what is wrong with it; `undeclared`: the
    roles that workflows ask and nobody declares, for which a worker refuses to start; `unread` writes a probe document and tells the
    hosts whose documents cannot be read here; `outside`: a look at each outside service."""

    settings: Settings
    workflows: Registry
    periods: Mapping[str, float]
    database: Database | None
    provider: Callable[[], str]
    undeclared: Callable[[], list[str]]
    unread: Callable[[Database], list[str]]
    outside: Mapping[str, Callable[[], Check]]


def broker_problem(dotted: str = BROKER) -> str | None:
    """What is wrong with the broker, None if it answers."""
    said: str | None = resolve_name(dotted)()
    return said


def examine(patient: Patient) -> list[Check]:
    """Every check, in the order in which one would repair."""
    checks = [_python()]
    reached = _database(patient.database)
    checks.append(reached)
    if reached.ok and patient.database is not None:
        current = _try("schema", _schema, patient.database, remedy="run `python -m app.stack.migrate`")
        checks.append(current)
        if current.ok:
            checks += _inside(patient, patient.database)
    checks += [
        _try(
            "broker",
            _broker,
            remedy="start Redis or name another with LONGHAUL_BROKER_URL; runs go on without it, more slowly",
        ),
        *(_try(name, look, remedy="start it, or correct its settings") for name, look in patient.outside.items()),
        _try("workflows", _workflows, patient, remedy="no worker starts before"),
        _try(
            "model",
            lambda: Check("model", True, patient.provider()),
            remedy="set LONGHAUL_PROVIDER and its key; `make local-model` installs a local one",
        ),
        _try(
            "data folder",
            _folder,
            patient.settings.data_dir,
            remedy="make it writable, or name another with LONGHAUL_DATA_DIR",
        ),
        _try(
            "evidence key",
            _evidence,
            patient.settings,
            remedy="restore the key, or name another with LONGHAUL_EVIDENCE_KEY",
        ),
        _try(
            "sandbox",
            _sandbox,
            remedy="read documents on Linux with seccomp or user namespaces, or cut the network off",
        ),
        _try("scans", _scans, remedy="install Longhaul with its extra 'ocr'"),
        _try("disk", _disk, patient.settings.data_dir, remedy="free space: a full disk stops the database"),
    ]
    return checks


def _try(name: str, look: Callable[..., Check], *about: Any, remedy: str) -> Check:
    """A look; whatever it raises is its finding."""
    try:
        found = look(*about)
    except Exception as problem:  # the doctor outlives every disease
        return Check(name, False, str(problem).strip().split("\n")[0] or type(problem).__name__, remedy)
    return found if found.ok or found.remedy else Check(found.name, False, found.seen, remedy)


def _python() -> Check:
    has = ".".join(map(str, sys.version_info[:3]))
    return Check("python", sys.version_info >= OLDEST_PYTHON, has, "install Python 3.11 or later")


def _database(database: Database | None) -> Check:
    if database is None:
        return Check(
            "database",
            False,
            "none is configured and no stack runs here",
            "run `longhaul up`, or set LONGHAUL_DATABASE_URL",
        )

    def look() -> Check:
        with connect(database.url, database.role) as db:  # by hand: a pool would only say that it waited
            number, text = installation.server_version(db)
        return Check("database", number >= installation.OLDEST_SERVER, f"Postgres {text}", "use Postgres 14 or later")

    return _try("database", look, remedy="start it, or correct LONGHAUL_DATABASE_URL")


def _schema(database: Database) -> Check:
    found = standing(database.url)
    return Check("schema", found.works, str(found))


def _inside(patient: Patient, database: Database) -> Iterator[Check]:
    """The checks that read our own tables."""

    def roles() -> Check:
        missing = database.transact(installation.missing_roles)
        seen = f"this login may not act as {', '.join(missing)}" if missing else "owner, worker and web"
        return Check(
            "roles", not missing, seen, "GRANT the role to the login, or migrate as a role that may create roles"
        )

    yield _try("roles", roles, remedy="")
    yield _try("workers", _workers, patient, database, remedy="start workers")
    yield _try("descriptors", _descriptors, patient, database, remedy=descriptors.REMEDY)
    yield _try("clocks", _clocks, patient, database, remedy="set the hosts' clocks by NTP: messages expire by them")
    yield _try(
        "documents",
        _documents,
        patient,
        database,
        remedy="give all hosts the same LONGHAUL_DOCUMENTS_URL, one that they can write",
    )
    yield _try("queues", _queues, patient, database, remedy="start workers of these versions")
    yield _try("sweeps", _sweeps, patient, database, remedy="start beat; until then idle workers run them")
    yield _try(
        "downstreams", _downstreams, database, remedy="see why it fails; runs wait for it, and go on by themselves"
    )
    yield _try("messages", _messages, database, remedy="correct who sends them; `longhaul refused` says what they said")


def _workflows(patient: Patient) -> Check:
    """Whether every role that the workflows ask is declared."""
    undeclared = patient.undeclared()
    return Check("workflows", not undeclared, "; ".join(undeclared) or "the roles they ask are declared")


def _messages(database: Database) -> Check:
    """What was refused in the last hour. A start that was is a run somebody waits for; a bell that was costs a sweep."""
    late = [kind for kind in database.transact(facts.refused) if kind.seconds < refused.SPELL_SECONDS]
    if not late:
        return Check("messages", True, "none was refused in the last hour")
    starts, bells = (sum(kind.count for kind in late if kind.what == what) for what in ("start", "bell"))
    told = " and ".join(f"{n:,} {what}" for n, what in ((starts, "starts"), (bells, "bells")) if n)
    seen = f"{told} were refused, the last {spoken(late[0].seconds)} ago because {late[0].reason[:100]}"
    return Check("messages", not starts, seen if starts else f"{seen}; `longhaul refused` lists them")


def _downstreams(database: Database) -> Check:
    """Which downstreams are held back at present, and until when; and, which is no problem, which limits hold runs up."""
    found, binding = database.transact(lambda db: (downstreams.standing(db), downstreams.binding(db)))
    held = [
        f"{d.name} has been held back for {spoken(d.open_seconds)}, the next probe goes in {spoken(d.held_seconds or 0)}"
        if d.open_seconds is not None
        else f"{d.name} asked for patience, for {spoken(d.held_seconds or 0)} more"
        for d in found
        if d.open_seconds is not None or d.held_seconds
    ]
    used_up = [
        f"the limit of {b.downstream} ({limits.told(b.why, rate=b.rate_per_second, concurrency=b.concurrency)}) is used up, "
        f"{b.runs:,} {'run waits' if b.runs == 1 else 'runs wait'} for it"
        for b in binding
    ]
    standing = held or [f"{len(found)} are called freely" if found else "none was called yet"]
    return Check("downstreams", not held, "; ".join([*(standing if held or not used_up else ()), *used_up]))


def _living(patient: Patient, database: Database) -> list[workers.Worker]:
    """Workers that ping and take leases."""
    return serving.able(database.transact(workers.living), patient.settings.silent_seconds)


def _workers(patient: Patient, database: Database) -> Check:
    alive = _living(patient, database)
    silent = [w for w in alive if w.silent_seconds > 2 * patient.settings.ping_seconds]
    if silent:
        worst = max(silent, key=lambda w: float(w.silent_seconds))
        whose = f"process {worst.pid} on {worst.host} for {spoken(worst.silent_seconds)}"
        seen = f"{len(silent)} of {len(alive)} do not ping; {whose}"
        return Check("workers", False, seen, "look at those processes; their runs are reassigned after two minutes")
    slots = sum(w.slots for w in alive)
    return Check("workers", bool(alive), f"{len(alive)} alive with {slots} slots" if alive else "none is alive")


def _descriptors(patient: Patient, database: Database) -> Check:
    """Whether a worker started from here may open as many files and connections as the largest at work can need."""
    slots = max((w.slots for w in _living(patient, database)), default=descriptors.SLOTS)
    short = descriptors.missing(slots)
    return Check("descriptors", short is None, short or f"a worker's {slots:,} slots may open all they can need")


def _clocks(patient: Patient, database: Database) -> Check:
    """Whose clock is not the database's: this host's, or that of a worker's when it last pinged."""
    ahead = {w.host: w.clock_ahead_seconds or 0.0 for w in _living(patient, database)}
    ahead["this host"] = database.transact(lambda db: installation.clock_ahead_seconds(db, time.time()))
    off = [
        f"that of {host} is {spoken(abs(seconds))} {'ahead' if seconds > 0 else 'behind'}"
        for host, seconds in ahead.items()
        if abs(seconds) >= workers.CLOCK_OFF_SECONDS
    ]
    return Check("clocks", not off, "; ".join(off) or "those of all hosts are the database's")


def _documents(patient: Patient, database: Database) -> Check:
    """Whether this host, and each worker, reads what the others have stored."""
    apart = {w.host: w.cannot_read for w in _living(patient, database) if w.cannot_read}
    if unread := patient.unread(database):
        apart["this host"] = unread
    said = [f"{host} cannot read those of {', '.join(others)}" for host, others in apart.items()]
    return Check("documents", not apart, "; ".join(said) or "every host reads those of all")


def _queues(patient: Patient, database: Database) -> Check:
    versions, ready = database.transact(lambda db: (installation.unfinished_versions(db), facts.ready(db)))
    wanted = serving.wanted(patient.workflows, versions, ready)
    served = serving.served(database.transact(workers.living), patient.settings.silent_seconds)
    missing = sorted(wanted - served)
    seen = f"nobody serves {', '.join(missing)}" if missing else f"all {len(wanted)} queues are served"
    return Check("queues", not missing, seen)


def _sweeps(patient: Patient, database: Database) -> Check:
    found = database.transact(installation.sweeps)
    up = database.transact(installation.up_seconds)
    late = []
    for name, every in patient.periods.items():
        # One that never ran is late only if there was somebody to run it for that long.
        age = found[name].age if name in found else (up if up is not None else math.inf)
        if age > max(2 * every, GRACE_SECONDS):
            late.append(
                f"{name} ({f'last {spoken(age)} ago' if name in found else 'never ran'}, every {spoken(every)})"
            )
    seen = f"overdue: {', '.join(late)}" if late else f"{len(patient.periods)} on time"
    heard = found[due.BEAT].age if due.BEAT in found else math.inf
    if late and heard <= 6 * due.BEAT_SECONDS:
        return Check(
            "sweeps", False, seen, "beat runs: see what keeps the workers of the pool `sweeps`, or start more of them"
        )
    return Check("sweeps", not late, seen)


def _broker() -> Check:
    problem = broker_problem()
    return Check("broker", problem is None, problem or "answers")


def _folder(folder: Path) -> Check:
    if not folder.exists():
        parent = _nearest(folder)
        return Check("data folder", os.access(parent, os.W_OK), f"{folder.absolute()}, to be made in {parent}")
    trial = folder / f".doctor-{uuid.uuid4().hex}"
    try:
        trial.write_bytes(b"")
    finally:
        trial.unlink(missing_ok=True)
    return Check("data folder", True, str(folder.absolute()))


def _evidence(settings: Settings) -> Check:
    """Whose signature evidence packs bear: the fingerprint that those who check them are told."""
    path = evidence_key.where(settings)
    if not path.exists() and settings.evidence_key is None:
        return Check("evidence key", True, f"made with the first evidence pack, as {path}")
    found = evidence_key.evidence_key(settings)
    others = path.stat().st_mode & 0o007
    seen = f"{found.fingerprint}{' can be read by everybody' if others else ''}"
    return Check("evidence key", not others, seen, f"chmod 600 {path}" if others else "")


def _sandbox() -> Check:
    """Whether the kernel keeps the reader of hostile documents off the network, and by what means."""
    means = no_network.means_in_force()
    seen = "documents are read with the network open" if means == "none" else f"documents are read offline ({means})"
    return Check("sandbox", means != "none", seen)


def _scans() -> Check:
    """Whether scans are read. Where they are not they go to a person, which is no disease."""
    can = reader.can_read_scans()
    return Check("scans", True, "read by OCR" if can else "go to a person: OCR is not installed (extra 'ocr')")


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest above it that exists."""
    return next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())


def _disk(folder: Path) -> Check:
    nearest = _nearest(folder)
    free = shutil.disk_usage(nearest).free
    return Check("disk", free >= LEAST_FREE_BYTES, f"{free / 1024**3:.1f} GB free at {nearest}")
