"""Mutants: for each guarantee, the code that keeps it is broken on purpose, and its test must turn red.

The law: a guarantee test that cannot fail guarantees nothing. Each `*.patch` in this folder begins with three lines

    Breaks: what no longer holds, in words
    Test: the test that must notice, as pytest names it
    Red: a regular expression that its failure must show, so that it is red for this reason and no other

and goes on as a unified diff against the project. It is applied in a temporary copy, never in the project itself. A
patch that no longer applies fails too: the code it breaks has moved, and the mutant must follow.

    python -m tests.mutants.run            every mutant, one line each
    python -m tests.mutants.run --check    only whether the patches still apply
    python -m tests.mutants.run NAME…      the mutants whose file names contain one of the words

All share one Postgres with one migrated database to clone, but those that break the database's own making, and tests
that need a server of their own.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
PROJECT = FOLDER.parents[1]
PATIENCE_SECONDS = 25
LONGEST_SECONDS = 300
_OWN_SERVER = re.compile(r"^\+\+\+ b/(app/store/(migrat|sql/)|app/stack/)", re.MULTILINE)
_NEEDS_OWN_SERVER = ("postgres_server", "LONGHAUL_TEST_DATABASE_URL")
_NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "node_modules", "build", "dist")


class MutantLives(AssertionError):
    """The code was broken and the test did not notice, or noticed something else."""


class PatchOutdated(AssertionError):
    """The patch does not apply any more; make it anew against the code as it is."""


@dataclass(frozen=True)
class Mutant:
    """One broken copy: what it breaks and which test must notice."""

    file: Path
    breaks: str
    test: str
    red: str

    @property
    def name(self) -> str:
        return self.file.stem

    @property
    def may_share(self) -> bool:
        """Whether its test may use a server and a migrated database that were made by the code as it is."""
        test = (PROJECT / self.test.split("::")[0]).read_text()
        return not _OWN_SERVER.search(self.file.read_text()) and not any(word in test for word in _NEEDS_OWN_SERVER)


def mutants() -> list[Mutant]:
    """All mutants, by name."""
    return [_parsed(file) for file in sorted(FOLDER.glob("*.patch"))]


def _parsed(file: Path) -> Mutant:
    head = dict(line.split(": ", 1) for line in file.read_text().split("\ndiff ")[0].splitlines() if ": " in line)
    missing = {"Breaks", "Test", "Red"} - set(head)
    if missing:
        raise PatchOutdated(f"{file.name} does not say {', '.join(sorted(missing))}")
    return Mutant(file, head["Breaks"], head["Test"], head["Red"])


@contextmanager
def broken_copy(mutant: Mutant) -> Iterator[Path]:
    """A temporary copy of the project with the patch applied. Raises PatchOutdated."""
    with tempfile.TemporaryDirectory(prefix="longhaul-mutant-") as folder:
        copy = Path(folder) / "project"
        shutil.copytree(PROJECT, copy, ignore=_NOT_COPIED)
        _apply(mutant, copy)
        yield copy


def _apply(mutant: Mutant, folder: Path, *options: str) -> None:
    applied = subprocess.run(
        ["git", "apply", "--whitespace=nowarn", *options, str(mutant.file)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if applied.returncode != 0:
        raise PatchOutdated(f"{mutant.file.name} does not apply any more:\n{applied.stderr}")


@contextmanager
def shared_server() -> Iterator[Mapping[str, str]]:
    """A server for all mutants that may share one; what their tests are told of it."""
    from tests.mutation.server import server  # imports the product, which `--check` has no use for

    with server() as started:
        yield started.environment()


def require_red(mutant: Mutant, shared: Mapping[str, str]) -> str:
    """Run the mutant's test on its broken copy; how it failed. Raises MutantLives or PatchOutdated."""
    with broken_copy(mutant) as copy:
        named = {
            "PYTHONPATH": str(copy),
            "PYTHONDONTWRITEBYTECODE": "1",
            "LONGHAUL_TEST_PATIENCE": str(PATIENCE_SECONDS),
            "C_FORCE_ROOT": "yes",  # Celery itself refuses pickle to root; here our own setting shall be what is tested
        }
        options = ["-x", "-q", "-p", "no:cacheprovider", f"--timeout={LONGEST_SECONDS}"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", mutant.test, *options],
            cwd=copy,
            env={**os.environ, **named, **(shared if mutant.may_share else {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    if done.returncode == 0:
        raise MutantLives(f"{mutant.name}: {mutant.breaks}, and {mutant.test} is green")
    noticed = [line for line in done.stdout.splitlines() if line.startswith("E ") and re.search(mutant.red, line)]
    if done.returncode != 1 or not noticed:
        raise MutantLives(f"{mutant.name}: red, but not because of {mutant.red!r}:\n{done.stdout[-2500:]}")
    return noticed[0][1:].strip()


def main(arguments: list[str] | None = None) -> int:
    """Check or run the mutants; the exit code is the number of those that live."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants.run", description="Break the guarantees one by one.")
    parser.add_argument("--check", action="store_true", help="only whether the patches still apply")
    parser.add_argument("names", nargs="*", help="words that the names of the wanted mutants contain")
    options = parser.parse_args(arguments)
    wanted = [m for m in mutants() if not options.names or any(word in m.name for word in options.names)]
    with nullcontext(None) if options.check else shared_server() as shared:
        living = sum(not _judged(mutant, shared) for mutant in wanted)
    sys.stdout.write(f"{len(wanted) - living} of {len(wanted)} mutants {'apply' if options.check else 'are noticed'}\n")
    return living


def _judged(mutant: Mutant, shared: Mapping[str, str] | None) -> bool:
    """Say how a mutant fared, on its one line; whether well. Without a server only whether its patch applies."""
    started, fine = time.monotonic(), True
    try:
        told = _applies(mutant) if shared is None else require_red(mutant, shared)
        verdict = "applies" if shared is None else "red"
    except (MutantLives, PatchOutdated) as problem:
        verdict, told, fine = "ALIVE", str(problem), False
    seconds = time.monotonic() - started
    sys.stdout.write(f"{verdict:8} {mutant.name} ({seconds:.0f} s): {mutant.breaks}\n         {told}\n")
    sys.stdout.flush()
    return fine


def _applies(mutant: Mutant) -> str:
    _apply(mutant, PROJECT, "--check")  # writes nothing
    return mutant.test


if __name__ == "__main__":
    sys.exit(main())
