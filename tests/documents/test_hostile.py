"""Hostile files, more than two hundred: each gets a clear answer within the limits of one document, and nobody dies of it.

A family is looked at by one child, confined as for a single document: whatever a file does, the child must be there for
the next. It reads each, draws its first page and takes out what is attached. What only the kernel can stop has a child
of its own, as every document has in production.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest

from app.documents.confined import ReadLimits
from app.documents.reader import PageShown, ReadResult, Reason, parts_of, read_document, show_page
from tests.documents.hostile import pdf_insides
from tests.documents.hostile.corpus import families
from tests.documents.pdfs import raw_pdf

PROJECT = Path(__file__).parents[2]
ONE_CHILD = """
import json, os, sys
from pathlib import Path
from app.documents.child import reader_child
from app.documents.child.answers import answer_to
from app.documents.child.no_network import refuse_network
limits = json.loads(sys.argv[1])
reader_child.die_with_parent(limits["parent"])
reader_child.confine(limits)
refuse_network()
for path in sorted(Path(sys.argv[2]).iterdir()):
    data = path.read_bytes()
    for name in ("text", "show", "parts"):
        print(json.dumps([path.name, name]), flush=True)
        print(json.dumps(answer_to(data, {**limits, "task": {"name": name, "page": 1}})), flush=True)
os._exit(0)
"""
FAMILIES = families()
LIMITS = ReadLimits(content_bytes=4 << 20)  # the others as they are; bombs can be smaller then


@cache
def answers_to(family: str, folder: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """What the child said about each file of a family, by task."""
    cases = list(FAMILIES[family].items())
    for number, (_, case) in enumerate(cases):
        (folder / f"{number:03}").write_bytes(case.make())
    limits = {**LIMITS.model_dump(), "answer_bytes": 1 << 30, "parent": os.getpid()}
    done = subprocess.run(
        [sys.executable, "-s", "-P", "-c", ONE_CHILD, json.dumps(limits), str(folder)],
        cwd="/",
        env={"PYTHONPATH": str(PROJECT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    doing = f"while it was at {cases[int(lines[-1][0])][0]!r} ({lines[-1][1]})" if lines and len(lines) % 2 else ""
    assert done.returncode == 0, f"the child ended with {done.returncode} {doing}: {done.stderr[-500:]}"
    told: dict[str, dict[str, dict[str, Any]]] = {}
    for (number, task), answer in zip(lines[::2], lines[1::2], strict=True):
        told.setdefault(cases[int(number)][0], {})[task] = answer
    return told


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


def told_of(family: str, folder: Path) -> dict[str, dict[str, dict[str, Any]]]:
    place = folder / family.replace(" ", "-")
    place.mkdir(exist_ok=True)
    return answers_to(family, place)


@pytest.mark.parametrize(("family", "name"), [(family, name) for family in FAMILIES for name in FAMILIES[family]])
def test_each_gets_a_clear_answer(family: str, name: str, folder: Path) -> None:
    answer, expected = told_of(family, folder)[name]["text"], FAMILIES[family][name].answers
    given = answer["reason"] if answer["status"] == "unreadable" else "read"
    assert not expected or given in expected, answer.get("sentence")
    if given == "read":
        assert any(text.strip() for text in answer["pages"])
    else:
        assert given in get_args(Reason)
        assert answer["sentence"].endswith(".") and "Error" not in answer["sentence"]
    pages = [{"number": number, "text": text} for number, text in enumerate(answer.pop("pages", []), start=1)]
    ReadResult.model_validate(answer | {"pages": pages})  # what the parent would understand


@pytest.mark.parametrize("family", FAMILIES)
def test_no_drawing_is_larger_than_allowed_and_no_attachment_is_lost_unsaid(family: str, folder: Path) -> None:
    for answers in told_of(family, folder).values():
        shown, taken = answers["show"], answers["parts"]
        if shown["status"] == "read":
            assert shown["width"] * shown["height"] <= ReadLimits().pixels * 1.01
            assert base64.b64decode(shown["png"]).startswith(b"\x89PNG")
        else:
            assert shown["sentence"]
        PageShown.model_validate({k: v for k, v in shown.items() if k not in ("png", "words")})
        assert all(part["dropped"] or part["data"] for part in taken.get("parts", []))


def test_there_are_more_than_two_hundred_of_them() -> None:
    assert sum(map(len, FAMILIES.values())) >= 200


ALONE: dict[str, Callable[[], bytes]] = {
    "200,000 pages": lambda: raw_pdf(b"", pages=200_000),
    **{name: endless.make for name, endless in pdf_insides.ENDLESS.items()},
}


@pytest.mark.parametrize("name", ALONE)
def test_what_only_the_kernel_may_stop_is_stopped_and_the_next_document_is_read(name: str, tmp_path: Path) -> None:
    path = tmp_path / "document"
    path.write_bytes(ALONE[name]())
    small = ReadLimits(cpu_seconds=2, memory_bytes=1 << 29)
    answers = (read_document(path, limits=small), show_page(path, 1, limits=small))
    assert all(found.status == "read" or found.sentence.endswith(".") for found in answers)
    assert {found.reason for found in answers} & {"LIMIT_EXCEEDED", "TOO_MANY_PAGES"}
    assert parts_of(path) == []
    path.write_bytes(b"the next document")
    assert read_document(path).status == "read"
