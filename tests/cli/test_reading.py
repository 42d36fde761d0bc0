"""`runs`, `show`, `trace`, `explain`, `verify`: what they print, and how they end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.commands.reading import parse_moment
from app.core.errors import BadInput
from app.engine.control import operate
from app.engine.process.refusals import refused
from app.store.reads import history
from app.store.records import refused as refused_messages
from tests.cli.conftest import Longhaul
from tests.support.journey import Travel

SHOWN = {
    "run_id",
    "workflow",
    "workflow_version",
    "subject",
    "state",
    "status",
    "waiting_reason",
    "wake_at",
    "expires_at",
    "findings",
    "data",
    "human_tasks",
    "actions",
    "alerts",
    "created_at",
    "updated_at",
    "finished_at",
    "parent_run_id",
    "children",
}


def test_runs_are_listed_newest_first_and_filtered(longhaul: Longhaul, journey: Travel) -> None:
    first, second, third = journey.begin("A-1"), journey.begin("B-1"), journey.begin("A-2")
    operate.pause(journey.rt, second, actor="person:noor", reason="audit")

    def ids(*words: object) -> list[str]:
        return [run["run_id"] for run in longhaul.json("runs", *words)]

    assert ids() == [str(third), str(second), str(first)]
    assert ids("--status", "PAUSED") == [str(second)]
    assert ids("--status", "PAUSED", "--status", "READY") == ids()
    assert ids("--subject", "A-") == [str(third), str(first)]
    assert ids("--state", "GATHERING", "--workflow", "journey") == ids()
    assert ids("--workflow", "other") == []
    assert ids("--limit", 1) == [str(third)]
    assert ids("--limit", 1, "--before", third) == [str(second)]
    assert "A-1" in longhaul("runs").stdout
    assert longhaul("runs", "--workflow", "other").stdout == "no such runs\n"
    assert longhaul("runs", "--status", "LOST").exit_code == 2


def test_child_runs_are_listed_under_their_parent(longhaul: Longhaul, journey: Travel) -> None:
    run_id = journey.begin()
    children = journey.begin("child")
    journey.tamper("UPDATE runs SET parent_run_id = %s WHERE id = %s", run_id, children)
    assert [run["subject"] for run in longhaul.json("runs")] == ["J-1"]
    assert [run["subject"] for run in longhaul.json("runs", "--parent", "J-1")] == ["child"]


def test_a_run_is_found_by_id_beginning_task_id_and_subject(longhaul: Longhaul, journey: Travel) -> None:
    run_id = journey.begin()
    for name in (run_id, str(run_id)[:30], f"{run_id}.GATHERING.1", "J-1"):
        assert longhaul.json("show", name)["run_id"] == str(run_id)


@pytest.mark.parametrize("command", ["show", "trace", "explain", "verify"])
def test_an_unknown_run_is_one_message_and_exit_code_2(longhaul: Longhaul, command: str) -> None:
    result = longhaul(command, "J-404")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == "longhaul: no run has the id or subject 'J-404'; `longhaul runs` lists the newest\n"


def test_an_ambiguous_name_lists_what_it_could_be(longhaul: Longhaul, journey: Travel) -> None:
    ids = [journey.begin("A-1"), journey.begin("A-2")]
    result = longhaul("show", str(ids[0])[:6])
    assert result.exit_code == 2
    assert all(str(run_id) in result.stderr for run_id in ids)


def test_show_as_json_has_everything_about_a_run(longhaul: Longhaul, journey: Travel) -> None:
    run_id = journey.begin()
    journey.go()
    shown = longhaul.json("show", run_id)
    assert shown.keys() >= SHOWN
    assert (shown["state"], shown["status"]) == ("ASKING", "WAITING_FOR_HUMAN")
    assert shown["waiting_reason"] == "adjuster: How much?"
    assert shown["findings"] == shown["data"]["findings"] == [{"code": "SEEN", "summary": "stamped"}]
    assert [task["title"] for task in shown["human_tasks"]] == ["How much?"]
    assert longhaul.json("show", journey.begin("hopeless", mood="hopeless"))["alerts"] == []


def test_show_says_which_alerts_and_children_there_are(longhaul: Longhaul, journey: Travel) -> None:
    run_id = journey.begin("dead", mood="hopeless")
    journey.go()
    assert [alert["rule"] for alert in longhaul.json("show", run_id)["alerts"]] == ["dead_letter"]
    assert "dead_letter open: dead stopped in GATHERING" in longhaul("show", run_id).stdout


def test_show_at_a_past_moment_is_the_run_of_that_moment(longhaul: Longhaul, journey: Travel) -> None:
    run_id = journey.begin()
    journey.go()
    moves = journey.rows("SELECT * FROM transitions WHERE run_id = %s ORDER BY seq", run_id)
    for move in moves:
        at = move["created_at"].isoformat()
        then = longhaul.json("show", run_id, "--at", at)
        assert (then["state"], then["status"]) == (move["to_state"], move["to_status"])
        with journey.rt.database.transaction() as db:
            stood = history.stood_at(db, run_id, move["created_at"])
        assert stood is not None
        assert then["data"] == stood.data
    first = longhaul.json("show", run_id, "--at", moves[0]["created_at"].isoformat())
    assert first["findings"] == []
    assert longhaul.json("show", run_id, "--at", "now")["findings"] == [{"code": "SEEN", "summary": "stamped"}]
    early = longhaul("show", run_id, "--at", "2001-01-01")
    assert early.exit_code == 2
    assert "had not begun" in early.stderr


@pytest.mark.parametrize("text", ["yesterday", "25:00", "-3 ago", "99999999999999w ago", ""])
def test_what_is_no_time_is_refused(longhaul: Longhaul, journey: Travel, text: str) -> None:
    journey.begin()
    result = longhaul("show", "J-1", "--at", text)
    assert result.exit_code == 2
    assert "--at" in result.stderr


def test_moments_as_people_write_them() -> None:
    now = datetime(2026, 3, 1, 14, 5, tzinfo=UTC)
    assert parse_moment("now", now=now) == now
    assert parse_moment("90m ago", now=now) == now - timedelta(minutes=90)
    assert parse_moment("2026-03-01T14:05:00Z", now=now) == now
    assert parse_moment("2026-03-01 15:05+01:00", now=now) == now
    assert parse_moment("2026-03-01T14:05", now=now) == now
    assert parse_moment("14:05", now=now) == now
    assert parse_moment("9:30", now=now) == datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    assert parse_moment("14:05:01", now=now) == datetime(2026, 2, 28, 14, 5, 1, tzinfo=UTC)  # the last time it was
    with pytest.raises(BadInput):
        parse_moment("soon", now=now)


def test_what_is_still_to_come_is_not_shown(longhaul: Longhaul, journey: Travel) -> None:
    journey.begin()
    result = longhaul("show", "J-1", "--at", "2999-01-01")
    assert result.exit_code == 2
    assert "still to come" in result.stderr


def test_a_run_is_found_by_a_beginning_of_its_subject_that_is_no_others(longhaul: Longhaul, journey: Travel) -> None:
    run_id = journey.begin("CLM-2026-0007-5ac4427d")
    journey.begin("CLM-2026-0008")
    assert longhaul.json("show", "CLM-2026-0007")["run_id"] == str(run_id)
    several = longhaul("show", "CLM-2026-000")
    assert several.exit_code == 2
    assert "could be any of these runs" in several.stderr
    assert longhaul("show", "CLM").exit_code == 2  # too short to mean anything


def test_show_names_the_findings_below_the_data(longhaul: Longhaul, journey: Travel) -> None:
    journey.begin()
    journey.go()
    assert "SEEN: stamped" in longhaul("show", "J-1").stdout


def test_trace_is_the_whole_history_in_order(longhaul: Longhaul, journey: Travel) -> None:
    run_id = journey.begin()
    journey.go()
    entries = longhaul.json("trace", run_id)
    times = [entry["at"] for entry in entries]
    assert times == sorted(times)
    moves = [entry["seq"] for entry in entries if entry["kind"] == "transition"]
    assert moves == list(range(1, journey.run(run_id)["transition_seq"] + 1))
    (call,) = [entry for entry in entries if entry["kind"] == "tool"]
    assert (call["name"], call["seq"], call["input"], call["output"]) == (
        "registry.look_up",
        1,
        {"what": "J-1"},
        {"found": "about J-1"},
    )
    assert call["latency_ms"] >= 0
    assert {entry["kind"] for entry in entries} == {"transition", "start", "step", "tool", "local", "human"}
    assert "registry.look_up" in longhaul("trace", run_id).stdout


def test_explain_prints_one_sentence(longhaul: Longhaul, journey: Travel) -> None:
    run_id = journey.begin()
    journey.go()
    said = longhaul.json("explain", run_id)
    assert said["condition"] == "waiting"
    text = longhaul("explain", run_id).stdout
    assert text.startswith("J-1 waits in ASKING for a person: adjuster was asked “How much?”")
    assert text.count("\n") == 1


def test_explain_names_a_broker_that_is_away(
    longhaul: Longhaul, journey: Travel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.doctor.broker_problem", lambda: "redis://box does not answer")
    journey.begin()
    journey.tamper(
        "INSERT INTO workers (id, lock_key, liveness, host, pid, queues, slots, started_at, pinged_at) "
        "VALUES (gen_random_uuid(), 1, 'ping', 'box', 1, '{steps.journey.v1}', 1, app_now(), app_now())"
    )
    assert "the broker is away (redis://box does not answer)" in longhaul("explain", "J-1").stdout


def test_verify_holds_or_names_the_first_broken_link(longhaul: Longhaul, journey: Travel) -> None:
    run_id = journey.begin()
    journey.go()
    assert longhaul("verify", run_id).stdout.startswith("holds: 5 transitions and 5 checkpoints; head ")
    assert longhaul.json("verify", run_id)["holds"] is True
    journey.tamper("UPDATE transition_rows SET actor = 'person:eve' WHERE seq = 2")
    verdict = longhaul.json("verify", run_id, code=1)
    assert verdict["broken"]["where"] == "transition 2"
    assert "BROKEN at transition 2" in longhaul("verify", run_id).stdout


def test_text_from_outside_commands_no_terminal(longhaul: Longhaul, journey: Travel) -> None:
    journey.begin("\x1b[31mred\x1b]0;title\x07 [bold]x[/]")
    for words in (("runs",), ("show", journey.one("SELECT id FROM runs")["id"])):
        shown = longhaul(*words).stdout
        assert "\x1b" not in shown
        assert "\x07" not in shown
        assert "[bold]x[/]" in shown


def test_a_database_that_is_away_is_one_message_and_exit_code_2(longhaul: Longhaul) -> None:
    away: dict[str, Any] = {"env": {"LONGHAUL_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"}}
    result = longhaul("runs", **away)
    assert result.exit_code == 2
    assert "the database does not answer" in result.stderr
    assert "refused" in result.stderr, "it says why"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LONGHAUL_DATABASE_URL", "mysql://x"),
        ("LONGHAUL_DATABASE_URL", "postgresql://[x"),
        ("LONGHAUL_WEB_PORT", "abc"),
        ("LONGHAUL_LIVENESS", "telepathy"),
        ("LONGHAUL_DISPATCHER", "nowhere:Nobody"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(longhaul: Longhaul, name: str, value: str) -> None:
    result = longhaul("runs", env={name: value})
    assert result.exit_code == 2
    assert name in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_database_without_our_tables_says_so(longhaul: Longhaul, empty_database_url: str) -> None:
    result = longhaul("runs", env={"LONGHAUL_DATABASE_URL": empty_database_url})
    assert result.exit_code == 2
    assert result.stderr.startswith("longhaul: ")
    assert "migrate" in result.stderr


def test_refused_messages_are_listed_by_kind_with_what_the_newest_said(longhaul: Longhaul, journey: Travel) -> None:
    assert longhaul("refused").stdout == "no message was refused\n"
    for n in range(3):
        one = refused(
            "start", queue="intake", name="clam", reason="there is no workflow 'clam'", said={"subject": f"S-{n}"}
        )
        journey.rt.database.transact(lambda db: refused_messages.note(db, [one]))  # noqa: B023
    (kind,) = longhaul.json("refused")
    assert (kind["what"], kind["queue"], kind["name"], kind["count"]) == ("start", "intake", "clam", 3)
    assert [said["subject"] for said in kind["samples"]] == ["S-2", "S-1", "S-0"]
    printed = longhaul("refused").stdout
    assert "there is no workflow 'clam'" in printed and "subject S-2" in printed
