"""What the shape of the project is, in figures; `tests/test_architecture.py` holds them to their limits.

python -m tests.facts        prints them: each fact with what breaks it, none if it holds
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import grimp

import app

PROJECT = Path(app.__file__).parents[1]
ROOTS = ("app", "longhaul", "tasks", "workflows")
SOURCES = sorted(path for root in ROOTS for path in (PROJECT / root).rglob("*.py"))
MODULES = [path for path in SOURCES if path.stem not in ("__init__", "__main__")]
MOST_MODULES = 14
LONGEST = 350
MOST_OF_A_NAME = 3
_MIGRATIONS = PROJECT / "app/store/migrations"
STATUSES = frozenset(
    [
        "READY",
        "RUNNING",
        "WAITING_FOR_HUMAN",
        "WAITING_FOR_EVENT",
        "WAITING_FOR_TIMER",
        "WAITING_FOR_CHILDREN",
        "SUSPECTED_DEAD",
        "FAILED_RETRIABLE",
        "DEAD_LETTER",
        "PAUSED",
        "INTENT",
        "UNKNOWN",
        "EXECUTED",
        "DISPUTED",
        "VOID",
    ]
)
"""Words that are nothing but a status: of a run, a checkpoint or an action."""
ROWS_ARE_VALUES = (
    "app/store/accounts",
    "app/store/human_tasks",
    "app/store/ledger",
    "app/store/reads",
    "app/store/records",
    "app/store/runs",
    "app/store/workers",
    "app/store/clock.py",
    "app/store/installation.py",
)
"""Rooms of the store whose functions give out no dictionaries."""
JSON_OF_THE_STORE = ("app/store/records/evidence.py", "app/store/runs/carried.py")
"""What is JSON there: whole rows as a pack keeps them, a step's cause. A function `params` gives a statement's parameters."""
_LOOSE = re.compile(r"\b(dict|Mapping)\[str, Any\]|\b(DictRow|Rows?)\b")


def crowded_folders() -> list[str]:
    """Folders with more modules than somebody finds their way in. Migrations are a history and only grow."""
    sizes = Counter(path.parent for path in MODULES if _MIGRATIONS not in path.parents)
    return [f"{_named(folder)}: {size} modules" for folder, size in sizes.items() if size > MOST_MODULES]


def long_files() -> list[str]:
    """Files with more than one subject."""
    lengths = {path: len(path.read_text().splitlines()) for path in SOURCES}
    return [f"{_named(path)}: {length} lines" for path, length in lengths.items() if length > LONGEST]


def cycles() -> list[str]:
    """Modules that import each other, late imports included."""
    graph = grimp.build_graph(*ROOTS)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    reached = {module: _reached(module, imports) for module in imports}
    return sorted(module for module in imports if module in reached[module])


def _reached(module: str, imports: dict[str, set[str]]) -> set[str]:
    found, todo = set[str](), list(imports[module])
    while todo:
        if (following := todo.pop()) not in found:
            found.add(following)
            todo.extend(imports[following])
    return found


def common_names() -> list[str]:
    """File names that say too little, since too many have them."""
    named = defaultdict(list)
    for path in MODULES:
        named[path.name].append(_named(path))
    return [f"{name}: {', '.join(paths)}" for name, paths in named.items() if len(paths) > MOST_OF_A_NAME]


def untyped_steps() -> list[str]:
    """Step functions that do not say what they are handed."""
    return _lines(lambda line: "step: Any" in line, [path for path in SOURCES if "workflows" in path.parts])


def unformatted() -> list[str]:
    """Lines that are kept from the formatter."""
    return _lines(lambda line: "fmt: " + "skip" in line, [*PROJECT.glob("tests/**/*.py"), *SOURCES])


def bare_statuses() -> list[str]:
    """Statuses written as text outside of SQL, where the type checker cannot see a wrong one."""
    return [f"{_named(path)}:{line} {text!r}" for path in SOURCES for line, text in _texts(path) if text in STATUSES]


def rows_as_dictionaries() -> list[str]:
    """Public functions of the store that give out what the type checker cannot see into."""
    found = [
        f"{_named(path)}:{node.name}"
        for path in MODULES
        if _named(path).startswith(ROWS_ARE_VALUES)
        for node in ast.walk(_parsed(path))
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
        if node.returns is not None and _LOOSE.search(ast.unparse(node.returns))
    ]
    return [one for one in found if not one.startswith(JSON_OF_THE_STORE) and not one.endswith(":params")]


def _texts(path: Path) -> Iterator[tuple[int, str]]:
    """The text constants of a file, without those that are values of an enumeration."""
    tree = _parsed(path)
    members = {
        id(node.value)
        for defined in ast.walk(tree)
        if isinstance(defined, ast.ClassDef) and any("Enum" in ast.unparse(base) for base in defined.bases)
        for node in defined.body
        if isinstance(node, ast.Assign)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in members:
            yield node.lineno, node.value


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def _lines(wrong: Callable[[str], bool], paths: list[Path]) -> list[str]:
    return [
        f"{_named(path)}:{number}"
        for path in paths
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if wrong(line)
    ]


def _named(path: Path) -> str:
    return str(path.relative_to(PROJECT))


FACTS: dict[str, Callable[[], list[str]]] = {
    f"no folder has more than {MOST_MODULES} modules": crowded_folders,
    f"no file has more than {LONGEST} lines": long_files,
    "no module imports itself by way of others": cycles,
    f"no file name stands more than {MOST_OF_A_NAME} times": common_names,
    "every step function says what it is handed": untyped_steps,
    "nothing is kept from the formatter line by line": unformatted,
    "no status is written as text outside of SQL": bare_statuses,
    "the store gives out rows as values of their own types": rows_as_dictionaries,
}


def main() -> int:
    """Print every fact; 1 if one does not hold."""
    broken = 0
    for fact, look in FACTS.items():
        found = look()
        broken += bool(found)
        sys.stdout.write(f"{'no ' if found else 'yes'}  {fact}\n")
        sys.stdout.writelines(f"       {one}\n" for one in found)
    sizes = Counter(_named(path.parent) for path in MODULES if _MIGRATIONS not in path.parents)
    lengths = sorted(len(path.read_text().splitlines()) for path in MODULES)
    sys.stdout.write(
        f"{len(MODULES)} modules in {len(sizes)} folders, the largest {max(sizes.values())}; "
        f"median file {lengths[len(lengths) // 2]} lines, longest {lengths[-1]}\n"
    )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
