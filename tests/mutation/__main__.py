"""`make mutate`: break what keeps the laws, one point at a time, and see that a test notices.

    python -m tests.mutation                      whatever is not judged yet, the most valuable files first
    python -m tests.mutation FILE…                of these files, or of the functions named FILE::FUNCTION
    python -m tests.mutation --changed            what the last commit, or uncommitted work, changed
    python -m tests.mutation --limit 20 --seed S  so many, drawn by the seed
    python -m tests.mutation --pure               of pure code, by tests that need no server
    python -m tests.mutation --ci                 the same, 20 points of changed lines, drawn by the commit
    python -m tests.mutation FILE --tests TESTS…  by these files of tests alone
    python -m tests.mutation --table              only write the figures into docs/reliability.md

It goes on where it stopped: verdicts are kept in `.mutation/` by the text of the function and of the tests.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext

from tests.mutation import table
from tests.mutation.points import PROJECT, Point, points
from tests.mutation.reach import Reach, Test, test_files
from tests.mutation.results import Results, equivalents
from tests.mutation.scope import FILES, PURE, PURE_TESTS, TESTS
from tests.mutation.server import server
from tests.mutation.session import Session, chosen

KEPT = PROJECT / ".mutation"
CI_POINTS = 20


def main(arguments: list[str] | None = None) -> int:
    """Judge the wanted points; the exit code is 1 if one is alive, 2 if there is nothing of that name."""
    options = _parser().parse_args(arguments)
    KEPT.mkdir(exist_ok=True)
    options.pure |= options.ci
    files = PURE if options.pure else FILES
    reach = Reach(KEPT / "reach.json")
    results = Results(KEPT / "results.json", reach)
    wanted = _wanted(options, files)
    if wanted is None:
        return 2
    if not options.table:
        alive = _judge(options, wanted, reach, results)
    if options.ci:
        return 1 if alive else 0
    table.write(table.rows({file: [_standing(p, reach, results) for p in points(file)] for file in FILES}))
    return 0 if options.table or not alive else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description="Break every guard, one at a time.")
    parser.add_argument("names", nargs="*", metavar="FILE[::FUNCTION]")
    parser.add_argument("--changed", action="store_true", help="only functions that changed since the last commit")
    parser.add_argument("--limit", type=int, help="at most so many points")
    parser.add_argument("--seed", default="", help="draws the points, with --limit")
    parser.add_argument("--pure", action="store_true", help="only pure code and the tests that need no server")
    parser.add_argument("--ci", action="store_true", help=f"{CI_POINTS} points of changed lines of pure code")
    parser.add_argument("--tests", nargs="+", help="ask only these files of tests")
    parser.add_argument("--table", action="store_true", help="only write the figures")
    parser.add_argument(
        "--jobs", type=int, default=max(1, (os.cpu_count() or 2) // 2), help="how many at the same time"
    )
    parser.add_argument("--seconds", type=float, default=300.0, help="how long the tests of one point may take")
    return parser


def _wanted(options: argparse.Namespace, files: tuple[str, ...]) -> list[Point] | None:
    found = [point for file in files for point in points(file)]
    if options.names:
        found = [
            p for p in found if any(f"{p.file}::{p.unit.name}::".startswith(f"{name}::") for name in options.names)
        ]
        if not found:
            sys.stderr.write(
                f"nothing is named {' or '.join(options.names)}; the files are\n  " + "\n  ".join(files) + "\n"
            )
            return None
    if options.changed or options.ci:
        changed = _changed_lines(files)
        found = found if changed is None else [p for p in found if p.line in changed.get(p.file, ())]
    limit = CI_POINTS if options.ci else options.limit
    if limit is not None and len(found) > limit:
        same = equivalents()
        draw = random.Random(options.seed or _git("rev-parse", "HEAD") or "0")
        kept = draw.sample([p for p in found if p.id not in same], limit)
        found = [p for p in found if p in kept]
    return found


def _changed_lines(files: tuple[str, ...]) -> dict[str, set[int]] | None:
    """The lines that differ from the commit before, uncommitted work included; None if there is no commit before: all."""
    base = _git("rev-parse", "--verify", "--quiet", "HEAD~1")
    told = _git("diff", "--unified=0", base, "--", *files) if base else ""
    if not base:
        return None
    changed, file = dict[str, set[int]](), ""
    for line in told.splitlines():
        if line.startswith("+++ b/"):
            file = line[6:]
        elif match := re.match(r"@@ -\S+ \+(\d+)(?:,(\d+))? @@", line):
            first, count = int(match[1]), int(match[2] or 1)
            changed.setdefault(file, set()).update(range(first, first + count))
    return changed


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=PROJECT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def _judge(options: argparse.Namespace, wanted: list[Point], reach: Reach, results: Results) -> int:
    """Judge what has no verdict yet; how many are alive."""
    same = equivalents()
    todo = [point for point in wanted if point.id not in same]

    def work(session: Session) -> None:
        session.measure(reach)
        pending = [point for point in todo if results.standing(point, reach.tests_of(point)) is None]
        judged = session.judge(_questions(pending, options, reach, results), options.jobs)
        for done, (point, by) in enumerate(judged, start=1):
            results.add(point, by, reach.tests_of(point))
            sys.stdout.write(
                f"{done}/{len(pending)} {'noticed' if by else 'ALIVE  '} {point.line:4} {point.id}  {by}\n"
            )
            sys.stdout.flush()

    if todo:
        with nullcontext() if options.pure else server() as servers:
            every = options.tests or test_files(PURE_TESTS if options.pure else TESTS)
            known = {test.nodeid.split("::")[0] for point in todo for test in reach.tests_of(point)}
            Session(work, servers).run([file for file in every if file in known or reach.lacks(file)])
    verdicts = [(point, results.standing(point, reach.tests_of(point))) for point in todo]
    alive = [point.id for point, verdict in verdicts if verdict is not None and not verdict.by]
    sys.stdout.write(f"{len(todo)} points: {len(alive)} alive; {len(wanted) - len(todo)} equivalent\n")
    sys.stdout.writelines(f"  alive: {name}\n" for name in alive)
    return len(alive)


def _questions(
    pending: list[Point], options: argparse.Namespace, reach: Reach, results: Results
) -> Iterator[tuple[Point, list[Test]]]:
    for point in pending:
        tests = [test for test in reach.tests_of(point) if test.kind == 0 or not options.pure]
        tests = [test for test in tests if not options.tests or test.nodeid.split("::")[0] in options.tests]
        yield point, chosen(tests, results.killers(f"{point.file}::{point.unit.name}"), options.seconds)


def _standing(point: Point, reach: Reach, results: Results) -> tuple[Point, str | None, bool]:
    verdict = results.standing(point, reach.tests_of(point)) if results.knows(point) else None
    return point, verdict.by if verdict else None, point.id in equivalents()


if __name__ == "__main__":
    sys.exit(main())
