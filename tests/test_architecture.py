"""The shape of the project is a promise too: one way of imports, small files, a task for every state, a beat for every sweep."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import app
from tests.facts import FACTS, SOURCES

PROJECT = Path(app.__file__).parents[1]


def in_a_worker(code: str) -> str:
    """What a process prints that is configured as a worker of this installation."""
    env = os.environ | {
        "LONGHAUL_DATABASE_URL": "postgresql:///nowhere",
        "LONGHAUL_BROKER_URL": "redis://127.0.0.1:1/0",
    }
    env.pop("LONGHAUL_WORKFLOWS", None)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, env=env, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_imports_point_one_way() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("fact", FACTS)
def test_the_shape_holds(fact: str) -> None:
    assert FACTS[fact]() == []


def test_every_module_says_its_law_first() -> None:
    silent = [p for p in SOURCES if p.read_text().strip() and not ast.get_docstring(ast.parse(p.read_text()))]
    assert silent == []


def test_every_state_of_every_workflow_is_a_celery_task() -> None:
    code = (
        "from tasks import app; import tasks.steps; from workflows import WORKFLOWS;"
        "print([f'{w.name}.{s.name}' for w in WORKFLOWS for s in w.states if f'{w.name}.{s.name}' not in app.tasks])"
    )
    assert in_a_worker(code).strip() == "[]"


def test_every_sweep_is_on_beats_schedule_and_is_a_task() -> None:
    code = (
        "from tasks import app; import tasks.periodic.sweeps; from app.sweeps import SWEEPS;"
        "print(sorted(SWEEPS) == sorted(app.conf.beat_schedule),"
        "all(entry['task'] in app.tasks for entry in app.conf.beat_schedule.values()))"
    )
    assert in_a_worker(code).strip() == "True True"


def test_only_moves_and_leases_change_a_runs_status() -> None:
    writers = {
        str(p.relative_to(PROJECT))
        for p in SOURCES
        if re.search(r"UPDATE runs( r)? SET (state|status) =", p.read_text())
    }
    assert writers == {"app/store/runs/moves.py", "app/store/runs/steps.py"}


def test_what_the_readme_names_exists() -> None:
    text = (PROJECT / "README.md").read_text()
    makefile = (PROJECT / "Makefile").read_text()
    assert all(f"\n{target}:" in makefile for target in re.findall(r"^make (\w+)", text, flags=re.MULTILINE))
    commands = set(re.findall(r"^longhaul (\w+)", text, flags=re.MULTILINE))
    shown = subprocess.run(
        [Path(sys.executable).parent / "longhaul", "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert commands
    assert all(f" {command} " in shown for command in commands)
