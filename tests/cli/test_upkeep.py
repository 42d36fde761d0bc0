"""`diagram`, `check`, `doctor`: what is there, what would break, what is broken and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis

import workflows
from app import doctor
from app.core.diagram import lifecycle_diagram, workflow_diagram
from app.core.workflow import Step, Workflow
from app.diagnosis.check import Check
from app.doctor import Patient
from app.engine.runtime import Registry
from app.settings import Settings
from app.stack.servers.redis import EmbeddedRedis
from app.store.database import Database
from app.store.workers import due
from app.sweeps import SWEEPS, periods
from tests.cli.conftest import Longhaul
from tests.support.journey import JOURNEY, LEAF, WORKFLOWS, Travel
from workflows.document_reading import DOCUMENT_READING


def test_diagrams_are_printed_as_they_are_drawn(nowhere: Longhaul) -> None:
    assert nowhere("diagram", "journey").stdout == workflow_diagram(JOURNEY)
    assert nowhere("diagram", "journey", "--version", 1).stdout == workflow_diagram(JOURNEY)
    assert nowhere("diagram", "--lifecycle").stdout == lifecycle_diagram()


@pytest.mark.parametrize("words", [(), ("journey", "--lifecycle"), ("nothing",), ("journey", "--version", 7)])
def test_a_diagram_of_nothing_is_refused(nowhere: Longhaul, words: tuple[object, ...]) -> None:
    result = nowhere("diagram", *words)
    assert result.exit_code == 2
    assert result.stdout == ""


def _renamed(name: str) -> Workflow:
    """The journey with its first state called otherwise."""
    first = JOURNEY.states[0]
    assert isinstance(first, Step)
    return replace(JOURNEY, starts_at=name, states=[replace(first, name=name), *JOURNEY.states[1:]])


def test_check_is_content_while_every_run_has_its_definition(longhaul: Longhaul, journey: Travel) -> None:
    journey.begin()
    assert longhaul("check").stdout == "none of 1 unfinished runs would be stranded\n"


@pytest.mark.parametrize(
    ("after", "why"),
    [
        ((LEAF, replace(JOURNEY, version=2)), "there is no journey v1 here"),
        ((LEAF, _renamed("COLLECTING")), "is not the definition it began with"),
    ],
)
def test_check_names_the_runs_a_deploy_would_strand(
    longhaul: Longhaul, journey: Travel, monkeypatch: pytest.MonkeyPatch, after: tuple[Workflow, ...], why: str
) -> None:
    run_id, ended = journey.begin(), journey.begin("ended")
    longhaul("cancel", ended, "--reason", "done")
    monkeypatch.setattr(workflows, "WORKFLOWS", after)
    found = longhaul.json("check", code=1)
    assert found["unfinished"] == 1
    (stranded,) = found["stranded"]
    assert (stranded["run_id"], stranded["state"], stranded["status"]) == (str(run_id), "GATHERING", "READY")
    assert why in stranded["why"]
    assert "J-1" in longhaul("check").stdout


@pytest.fixture
def patient(journey: Travel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Patient]:
    """An installation in good health: workers, sweeps and everything around."""
    config = Settings(database_url=journey.url, data_dir=tmp_path, payments_url="http://127.0.0.1:9")
    queues = [f"{pool}.{w.name}.v1" for w in WORKFLOWS for pool in ("steps", "isolated")]
    journey.tamper(
        "INSERT INTO workers (id, lock_key, liveness, host, pid, queues, slots, started_at, pinged_at) "
        "VALUES (gen_random_uuid(), 1, 'ping', 'box', 41, %s, 16, app_now() - interval '1 day', app_now())",
        queues,
    )
    for name in SWEEPS:
        journey.tamper("INSERT INTO sweeps VALUES (%s, app_now(), app_now())", name)
    monkeypatch.setattr(doctor, "broker_problem", lambda: None)
    database = Database(journey.url, "owner")
    yield Patient(
        settings=config,
        workflows=Registry(WORKFLOWS),
        periods=periods(config),
        database=database,
        provider=lambda: "offline",
        undeclared=list,
        unread=lambda _: [],
        outside={"payments": lambda: Check("payments", True, "external, answering")},
    )
    database.close()


def _problems(patient: Patient) -> dict[str, Check]:
    return {check.name: check for check in doctor.examine(patient) if not check.ok}


def test_a_healthy_installation_has_no_problems(patient: Patient) -> None:
    assert _problems(patient) == {}
    names = [check.name for check in doctor.examine(patient)]
    assert names == [
        "python",
        "database",
        "schema",
        "roles",
        "workers",
        "descriptors",
        "clocks",
        "documents",
        "queues",
        "sweeps",
        "downstreams",
        "messages",
        "broker",
        "payments",
        "workflows",
        "model",
        "data folder",
        "evidence key",
        "sandbox",
        "scans",
        "disk",
    ]


REFUSED = """INSERT INTO refused_messages VALUES ('f', gen_random_uuid(), '{}', 'intake', 'clam', 'there is no workflow', '[]', 99,
    app_now() - interval '9 days', app_now() - interval '5 min', 12, app_now() - interval '10 min')"""


@pytest.mark.parametrize(
    ("name", "harm", "seen"),
    [
        ("workers", "UPDATE workers SET gone_at = app_now()", "none is alive"),
        ("workers", "UPDATE workers SET pinged_at = app_now() - interval '70 s'", "process 41 on box"),
        ("workers", "UPDATE workers SET stopping = true", "none is alive"),
        ("clocks", "UPDATE workers SET clock_ahead_seconds = -45", "that of box is 45 s behind"),
        ("documents", "UPDATE workers SET cannot_read = '{web,depot}'", "box cannot read those of web, depot"),
        (
            "queues",
            "UPDATE workers SET queues = '{steps.journey.v1,isolated.journey.v1}'",
            "nobody serves isolated.leaf.v1, steps.leaf.v1",
        ),
        (
            "sweeps",
            "UPDATE sweeps SET last_started_at = app_now() - interval '1 h' WHERE name = 'timers'",
            "timers (last 1 h ago",
        ),
        ("sweeps", "DELETE FROM sweeps WHERE name = 'dispatch'", "dispatch (never ran, every 5.0 s)"),
        (
            "downstreams",
            (
                "INSERT INTO downstreams (name, breaker, opened_at, probe_at) VALUES ('payments', 'open', app_now(), app_now() + "
                "interval '9 s')"
            ),
            "payments has been held back",
        ),
        ("messages", REFUSED.format("start"), "12 starts were refused, the last 5 m ago because there is no workflow"),
        ("schema", "UPDATE alembic_version SET version_num = '0000'", "this code wants"),
    ],
)
def test_what_the_database_shows_to_be_wrong(
    journey: Travel, patient: Patient, name: str, harm: str, seen: str
) -> None:
    journey.tamper(harm)
    found = _problems(patient)
    assert seen in found[name].seen
    assert found[name].remedy


def test_a_limit_that_holds_runs_up_is_told_of_and_is_no_problem(journey: Travel, patient: Patient) -> None:
    """It does what it is there for; whoever looks why runs are slow finds it."""
    run_id = journey.begin("held up")
    journey.tamper(
        "INSERT INTO downstreams (name, rate_per_second, booked_until) VALUES ('letters', 20, app_now() + interval '9 s')"
    )
    journey.tamper(
        """UPDATE runs SET status = 'WAITING_FOR_TIMER', wake_at = app_now() + interval '8 s',
           waiting_reason = 'letters is called as often as it allows' WHERE id = %s""",
        run_id,
    )
    assert "downstreams" not in _problems(patient)
    (told,) = (check.seen for check in doctor.examine(patient) if check.name == "downstreams")
    assert told == "the limit of letters (20 a second) is used up, 1 run waits for it"


def test_refused_bells_are_told_of_and_are_no_problem(journey: Travel, patient: Patient) -> None:
    """Junk from anybody would turn the doctor red; what it costs is a sweep. A refused start is a run that never began."""
    journey.tamper(REFUSED.format("bell"))
    assert "messages" not in _problems(patient)
    (told,) = (check.seen for check in doctor.examine(patient) if check.name == "messages")
    assert "12 bells were refused" in told and "longhaul refused" in told
    journey.tamper("UPDATE refused_messages SET what = 'start', last_at = app_now() - interval '61 min'")
    assert "messages" not in _problems(patient)


def test_a_store_that_this_host_does_not_share_is_a_problem(patient: Patient) -> None:
    assert (
        _problems(replace(patient, unread=lambda _: ["box"]))["documents"].seen == "this host cannot read those of box"
    )
    assert "no room" in _problems(replace(patient, unread=_raises(OSError("no room"))))["documents"].seen


@pytest.mark.parametrize("moved", ["queue = 'steps.journey.v2'", "workflow_version = 2, status = 'PAUSED'"])
def test_the_doctor_misses_whoever_would_serve_a_version_that_only_runs_have(
    journey: Travel, patient: Patient, moved: str
) -> None:
    """As `explain` says of each of them; also of those that do not ask for anybody yet."""
    run_id = journey.begin()
    journey.tamper(f"UPDATE runs SET {moved} WHERE id = %s", run_id)
    found = _problems(patient)["queues"]
    assert found.seen == "nobody serves steps.journey.v2"
    assert found.remedy


def test_a_sweep_whose_time_has_not_come_is_not_late(journey: Travel, patient: Patient) -> None:
    journey.tamper("DELETE FROM sweeps")
    journey.tamper("UPDATE workers SET started_at = app_now()")
    assert "sweeps" not in _problems(patient)


def test_nobody_is_told_to_start_a_beat_that_runs(journey: Travel, patient: Patient) -> None:
    journey.tamper("UPDATE sweeps SET last_started_at = app_now() - interval '1 h' WHERE name = 'timers'")
    assert "start beat" in _problems(patient)["sweeps"].remedy
    journey.tamper("INSERT INTO sweeps VALUES (%s, app_now(), app_now())", due.BEAT)
    assert _problems(patient)["sweeps"].remedy.startswith("beat runs")


def test_a_hiccup_of_a_quick_sweep_is_no_disease(journey: Travel, patient: Patient) -> None:
    journey.tamper("UPDATE sweeps SET last_started_at = app_now() - interval '7 s' WHERE name = 'timers'")
    assert "sweeps" not in _problems(patient)


def _raises(problem: Exception) -> Callable[..., Any]:
    def look(*_: Any) -> Any:
        raise problem

    return look


def test_what_is_wrong_outside_of_the_database(
    patient: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "broker_problem", lambda: "redis://box does not answer")
    monkeypatch.setattr("app.documents.child.no_network.means_in_force", lambda: "none")
    monkeypatch.setattr(doctor, "LEAST_FREE_BYTES", 2**80)
    file = tmp_path / "file"
    file.touch()
    settings = patient.settings.model_copy(update={"data_dir": file})
    outside = {"payments": _raises(ConnectionRefusedError("connection refused"))}
    found = _problems(replace(patient, settings=settings, provider=_raises(ValueError("no key")), outside=outside))
    assert found.keys() == {"broker", "payments", "model", "data folder", "sandbox", "disk"}
    assert found["broker"].seen == "redis://box does not answer"
    assert found["model"].seen == "no key"
    assert all(check.remedy for check in found.values())


def test_what_workflows_require_and_no_application_gives_is_a_problem(
    longhaul: Longhaul, patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "refund v1 asks the role 'clark' in ASKING, which nobody declares"
    (found,) = _problems(replace(patient, undeclared=lambda: [said])).values()
    assert (found.name, found.seen) == ("workflows", said)
    longhaul.env |= {
        "LONGHAUL_APPLICATION": "app.application:NONE",
        "LONGHAUL_WORKFLOWS": "tests.support.payouts:PAYOUT",
    }
    checks = {check["name"]: check for check in longhaul.json("doctor", code=1)["checks"]}
    assert "asks the role 'supervisor' in SIGNING, which nobody declares" in checks["workflows"]["seen"]
    monkeypatch.setattr(workflows, "WORKFLOWS", (DOCUMENT_READING,))
    longhaul.env |= {"LONGHAUL_APPLICATION": "app.installed:INSURANCE"}
    assert {check["name"]: check["ok"] for check in longhaul.json("doctor", code=1)["checks"]}["workflows"]


def test_without_a_database_the_rest_is_still_examined(patient: Patient) -> None:
    found = _problems(replace(patient, database=None))
    assert "longhaul up" in found["database"].remedy
    away = Database("postgresql://nobody@127.0.0.1:9/none", "owner")
    checks = doctor.examine(replace(patient, database=away))
    away.close()
    assert [check.name for check in checks if not check.ok] == ["database"]
    assert "workers" not in {check.name for check in checks}


def test_the_doctor_as_a_command(nowhere: Longhaul) -> None:
    result = nowhere("doctor")
    assert result.exit_code == 1
    assert "PROBLEM  database     none is configured and no stack runs here; run `longhaul up`" in result.stdout
    found = nowhere.json("doctor", code=1)
    assert found["ok"] is False
    assert found["checks"][0]["name"] == "python"
    assert found["checks"][0]["ok"] is True


def test_the_doctor_knows_a_database_without_tables(longhaul: Longhaul, empty_database_url: str) -> None:
    result = longhaul("doctor", env={"LONGHAUL_DATABASE_URL": empty_database_url})
    assert result.exit_code == 1
    assert "app.stack.migrate" in result.stdout


def test_the_broker_is_asked_through_the_one_who_knows_it(broker_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks.celery import app

    monkeypatch.setitem(app.conf, "broker_url", broker_url)
    assert doctor.broker_problem() is None
    monkeypatch.setitem(app.conf, "broker_url", "redis://:secret@127.0.0.1:9/0")
    said = doctor.broker_problem()
    assert said is not None
    assert "127.0.0.1:9" in said
    assert "secret" not in said


def test_a_redis_that_is_full_is_a_broker_with_a_problem(
    redis_server: EmbeddedRedis, broker_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answers every ping and takes no message."""
    from tasks.celery import app

    monkeypatch.setitem(app.conf, "broker_url", broker_url)
    with redis.Redis(unix_socket_path=broker_url.split("://")[1].split("?", maxsplit=1)[0]) as server:
        server.config_set("maxmemory", 1)
        try:
            said = doctor.broker_problem()
        finally:
            server.config_set("maxmemory", 0)
    assert said is not None and "takes no messages: OutOfMemoryError" in said
    assert doctor.broker_problem() is None
