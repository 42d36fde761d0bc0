"""The documents speak of the code as it is: what they name exists, what they draw is drawn from it, and each has its length."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import pytest
from typer.main import get_group

import app
from app.cli import app as program
from app.core.diagram import lifecycle_diagram
from app.core.lifecycle import Status
from app.settings import Settings

PROJECT = Path(app.__file__).parents[1]
DOCS = sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/*.md")])
DECISIONS = sorted(PROJECT.glob("docs/decisions/[0-9]*.md"))
HISTORY = ("CHANGELOG.md",)  # names what was there then
OF_TODAY = [file for file in DOCS if file.name not in HISTORY]
NOT_OURS = {"POSTGRES_PASSWORD"}  # asked for by docker/compose.yaml alone

FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)]*)?\)")
PATH = re.compile(r"`((?:app|tasks|workflows|tests|docs|docker|benchmarks)/[^`\s]*)`")
DOTTED = re.compile(r"`((?:app|tasks|workflows|tests)(?:\.\w+)+)(?::\w+)?`")
TEST = re.compile(r"(tests/[\w/]+\.py)::(\w+)")
SETTING = re.compile(r"LONGHAUL_([A-Z_]*[A-Z])")
COMMAND = re.compile(r"(?:^|`)longhaul ([a-z][a-z-]*)", re.MULTILINE)
TITLE = re.compile(r"# (\d{4})\. .+")
PARTS = ("- Date: ", "- Status: ", "## Decision", "## Why, and what follows")


def broken_links(text: str, folder: Path) -> list[str]:
    """The relative links of a page in `folder` that lead nowhere."""
    return [to for to in LINK.findall(text) if "://" not in to and not (folder / to).exists()]


def missing(text: str) -> list[str]:
    """The files, folders, modules and tests that a page names and that do not exist. A path may have stars."""
    prose = FENCED.sub("", text)
    paths = [path for path in PATH.findall(prose) if not any(PROJECT.glob(path.partition("::")[0].rstrip("/")))]
    modules = [name for name in DOTTED.findall(prose) if not _is_module(name)]
    tests = [f"{file}::{name}" for file, name in TEST.findall(text) if f"def {name}(" not in _read(PROJECT / file)]
    return paths + modules + tests


def _is_module(name: str) -> bool:
    """Whether a dotted name is a module or a package, or what one of them holds."""
    for parts in (name.split("."), name.split(".")[:-1]):
        place = PROJECT.joinpath(*parts)
        if len(parts) > 1 and (place.is_dir() or place.with_suffix(".py").is_file()):
            return True
    return False


def _read(file: Path) -> str:
    return file.read_text() if file.is_file() else ""


def unknown_settings(text: str) -> set[str]:
    """The variables a page names that are no setting."""
    return {name for name in SETTING.findall(text) if name.lower() not in Settings.model_fields} - NOT_OURS


def unknown_commands(text: str) -> set[str]:
    """The commands of `longhaul` a page names that there are not."""
    return set(COMMAND.findall(text)) - set(get_group(program).commands)


def of(pages: Iterable[Path]) -> pytest.MarkDecorator:
    """One test a page."""
    return pytest.mark.parametrize("page", pages, ids=lambda page: str(page.relative_to(PROJECT)))


@pytest.mark.parametrize(("page", "most"), [("README.md", 700), ("ARCHITECTURE.md", 1500)])
def test_a_page_for_newcomers_is_short(page: str, most: int) -> None:
    words = len((PROJECT / page).read_text().split())
    assert 0 < words <= most, f"{page} has {words} words; move what is of use later to docs/"


@of([*DOCS, *DECISIONS, PROJECT / "docs/decisions/README.md"])
def test_links_lead_somewhere(page: Path) -> None:
    assert broken_links(page.read_text(), page.parent) == []


@of(OF_TODAY)
def test_what_a_page_names_exists(page: Path) -> None:
    text = page.read_text()
    assert missing(text) == []
    assert unknown_settings(text) == set()
    assert unknown_commands(text) == set()


def test_what_does_not_exist_is_noticed(tmp_path: Path) -> None:
    assert broken_links("[a](b.md), [c](README.md), [d](https://e.test)", PROJECT) == ["b.md"]
    wrong = [
        "app/core/no_such.py",
        "tests/no_such/",
        "app/store/migrations/9999_*.sql",
        "app.no_such",
        "app.web.no.such",
    ]
    right = [
        "app/core/",
        "app/core/decide.py",
        "app/store/migrations/0001_*.sql",
        "app.core.decide",
        "app.application:NONE",
    ]
    assert missing(" ".join(f"`{name}`" for name in wrong + right)) == wrong
    assert missing("tests/test_docs.py::test_of_nothing") == ["tests/test_docs.py::test_of_nothing"]
    assert unknown_settings("LONGHAUL_DATABASE_URL, LONGHAUL_DATABASE") == {"DATABASE"}
    assert unknown_commands("`longhaul runs`, `longhaul runaway NOW`") == {"runaway"}


def test_the_index_has_every_page() -> None:
    linked = set(LINK.findall((PROJECT / "docs/README.md").read_text()))
    assert {page.name for page in PROJECT.glob("docs/*.md")} - linked == {"README.md"}


def test_the_lifecycle_is_drawn_from_the_table() -> None:
    text = (PROJECT / "docs/lifecycle.md").read_text()
    (drawn,) = re.findall(r"<!-- lifecycle: .*? -->\n```mermaid\n(.*?)```\n<!-- end of lifecycle -->", text, re.DOTALL)
    assert drawn == lifecycle_diagram(), "put what `longhaul diagram --lifecycle` prints between the markers"
    told = " ".join(re.findall(r"^\| ([A-Z_, ]+) \|", text, re.MULTILINE)).replace(",", "").split()
    assert told == [status.value for status in Status]


def test_each_word_of_the_glossary_has_its_owner() -> None:
    rows = re.findall(
        r"^\| (?!word)([^|-]+) \|.+\| ([^|]+) \|$", (PROJECT / "docs/glossary.md").read_text(), re.MULTILINE
    )
    assert len(rows) > 30
    assert [word for word, owner in rows if not PATH.search(owner)] == []
    assert len({word for word, _ in rows}) == len(rows)


def test_decisions_are_numbered_without_gaps_in_the_order_of_their_dates() -> None:
    assert [int(file.name[:4]) for file in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    dates = [re.findall(r"^- Date: (\d{4}-\d\d-\d\d)$", file.read_text(), re.MULTILINE) for file in DECISIONS]
    assert [file.name for file, found in zip(DECISIONS, dates, strict=True) if len(found) != 1] == []
    assert [later for earlier, later in pairwise(dates) if later < earlier] == []


@of(DECISIONS)
def test_a_decision_has_its_number_and_its_parts_and_is_listed(page: Path) -> None:
    text = page.read_text()
    title = TITLE.match(text)
    assert title is not None
    assert title[1] == page.name[:4]
    places = [text.find(f"\n{part}") for part in PARTS]
    assert -1 not in places
    assert places == sorted(places)
    (status,) = re.findall(r"^- Status: (.+)$", text, re.MULTILINE)
    (listed,) = re.findall(rf"^\| \[{title[1]}\]\({page.name}\) \|.*\| (.*) \|$", _listing(), re.MULTILINE)
    assert listed == status


def test_who_supersedes_a_decision_is_said_by_both() -> None:
    said = [
        (file.name, *found)
        for file in DECISIONS
        for found in re.findall(r"(supersede[sd])(?: by)? \[\d{4}\]\((.+?)\)", file.read_text())
    ]
    assert said
    superseded = {(old, new) for old, word, new in said if word == "superseded"}
    supersedes = {(old, new) for new, word, old in said if word == "supersedes"}
    assert superseded == supersedes


def _listing() -> str:
    return (PROJECT / "docs/decisions/README.md").read_text()
