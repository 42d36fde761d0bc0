"""A status of a run stands everywhere it must: whoever adds one is told here what else has to know it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

import pytest

from app.alerts.rules import RUN_RULES
from app.core import lifecycle
from app.core.lifecycle import ENDED, SPENT_AS, STOPPED, TABLE, SpentAs, Status
from app.diagnosis.explain import _SAYINGS
from app.engine.step.persons import _RUNS_AGAIN
from app.store.reads import timeline
from app.store.rows import literals
from app.store.runs import moves
from app.web.http.show import _LOOKS
from app.web.runs.bars import SPOKEN
from app.web.runs.run_page import _TIMES
from tests.cli.test_explain import CASES
from tests.core.test_cancel import ENDS
from tests.core.test_decide import LIFECYCLE
from tests.lifecycle_machine.checks import LEGAL

PROJECT = Path(__file__).parent.parent
STATUSES = frozenset(status.value for status in Status)
LIVING = frozenset(Status) - ENDED


def _words(text: str) -> set[str]:
    return set(re.findall("'([A-Za-z_]+)'", text))


def _named(rules: Collection[str]) -> set[str]:
    """The stopped statuses that have a rule of their name."""
    return {status for status in STOPPED if status.value.lower() in rules}


TABLES: Mapping[str, tuple[Collection[str], Collection[str]]] = {
    "TABLE in app/core/lifecycle.py, from it": ({status for status, _ in TABLE}, LIVING),
    "TABLE in app/core/lifecycle.py, to it": (frozenset().union(*TABLE.values()), frozenset(Status)),
    "SPENT_AS in app/core/lifecycle.py": (SPENT_AS, LIVING),
    "_SAYINGS in app/diagnosis/explain.py": (_SAYINGS, frozenset(Status)),
    "_LOOKS in app/web/http/show.py": (STATUSES & set(_LOOKS), frozenset(Status)),
    "_RUNS_AGAIN in app/engine/step/persons.py": (_RUNS_AGAIN, STOPPED),
    "RUN_RULES in app/alerts/rules.py": (_named(RUN_RULES), STOPPED),
    "_CLOSED, its alerts, in app/store/runs/moves.py": (_named(_words(moves._CLOSED)), STOPPED),
    "_FAILED in app/store/reads/timeline.py": (STOPPED & _words(timeline._FAILED), STOPPED),
    "LIFECYCLE in tests/core/test_decide.py": (LIFECYCLE, frozenset(Status)),
    "ENDS in tests/core/test_cancel.py": ({status for status, _ in ENDS}, LIVING),
    "CASES in tests/cli/test_explain.py": (CASES, frozenset(Status)),
    "LEGAL in tests/lifecycle_machine/checks.py": ({Status(status) for status, _ in LEGAL}, LIVING),
    "SPOKEN in app/web/runs/bars.py": (SPOKEN, frozenset(SpentAs)),
    "_TIMES in app/web/runs/run_page.py": (_TIMES, frozenset(SpentAs)),
}
SETS = {
    name: frozenset(status.value for status in value)
    for name, value in vars(lifecycle).items()
    if isinstance(value, frozenset) and not name.startswith("_") and all(isinstance(status, Status) for status in value)
}
# Lists of some statuses that are no set of the lifecycle, with what they are.
OTHERS = {
    frozenset({"FAILED", "CANCELLED"}): "endings without success",
    frozenset({"RUNNING", "WAITING_FOR_CHILDREN"}): "what a step was in when it was done",
}
LIST = re.compile(r"""\bIN \(\s*(?:'[A-Z_]+'[\s",]*)+\)""")


@pytest.mark.parametrize("where", TABLES)
def test_every_status_stands_in_every_table_that_must_know_all(where: str) -> None:
    told, needed = TABLES[where]
    assert set(told) == set(needed), f"{where}: missing {sorted(set(needed) - set(told))}"


def lists_of_statuses(text: str) -> list[tuple[int, frozenset[str]]]:
    """(line, words) of each list in a text of SQL that has nothing but statuses of runs, two at least."""
    found = [
        (text.count("\n", 0, hit.start()) + 1, frozenset(re.findall("'([A-Z_]+)'", hit[0])))
        for hit in LIST.finditer(text)
    ]
    return [(line, words) for line, words in found if len(words) > 1 and words <= STATUSES]


def test_a_list_of_statuses_in_sql_is_a_set_of_the_lifecycle() -> None:
    files = [
        file
        for file in sorted((PROJECT / "app").rglob("*"))
        if file.suffix in (".py", ".sql") and "migrations" not in file.parts
    ]
    odd = [
        f"{file.relative_to(PROJECT)}:{line} has {sorted(words)}"
        for file in files
        for line, words in lists_of_statuses(file.read_text())
        if words not in SETS.values() and words not in OTHERS
    ]
    assert odd == [], f"none of {', '.join(SETS)}: a status was added to a set, and this list has it not"


def test_a_list_that_lacks_a_status_is_noticed() -> None:
    text = "a\nWHERE status IN ('READY', 'PAUSED') AND kind IN ('STEP', 'READY') AND status = 'READY'"
    assert lists_of_statuses(text) == [(2, frozenset({"READY", "PAUSED"}))]


def test_a_set_is_written_the_same_each_time() -> None:
    assert (
        literals(frozenset({Status.CANCELLED, Status.COMPLETE, Status.FAILED})) == "'COMPLETE', 'FAILED', 'CANCELLED'"
    )
