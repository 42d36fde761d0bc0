"""The overview: what is at work, waits or is wrong, with the exact runs; and never a green that was not seen."""

from __future__ import annotations

import re
import threading
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from app.core.ids import new_id
from app.engine.runtime import Runtime
from app.settings import Settings
from app.store.database import Database
from app.store.reads import overview as facts
from app.store.reads.facts import EngineFacts, SweepFacts, WorkerFacts
from app.store.records.alerts import Alert, open_all
from app.store.workers import due
from app.sweeps import periods
from app.web.overview import health, overview
from app.web.overview.charts import chart
from app.web.overview.glancing import TOO_OLD_SECONDS, History, Paced, quantile, slot_of
from tests.support.clock import later
from tests.web.complaints import Desk
from tests.web.conftest import Visitor, task_of
from tests.web.markup import Page
from tests.web.test_markup import HOSTILE

UNSEEN = EngineFacts()


def fresh(who: Visitor, path: str = "/") -> str:
    """The page as a web process shows it that has just started."""
    who.http.app.state.__dict__.pop("overview", None)  # type: ignore[attr-defined]
    who.let_in()  # the hours that pass in these tests end a session
    answer = who.get(path)
    assert answer.status_code == 200, answer.text
    text: str = answer.text
    return text


def part(html: str, name: str) -> str:
    """The text of one part, in one line."""
    found = re.search(rf'id="part-{name}".*?</(?:section|ul)>', html, re.DOTALL)
    assert found, f"no part {name}"
    return " ".join(re.sub(r"<[^>]+>", " ", found[0]).split())


def test_an_empty_installation_says_so_and_is_a_good_page(ada: Visitor) -> None:
    html = fresh(ada)
    page = Page(html)
    assert page.problems == []
    for told in (
        "No alert is open.",
        "No run waits for a person.",
        "There are no runs yet.",
        "No run waits for a worker.",
        "No model was asked today.",
        "No step was done",
        "No worker is known to be alive",
        "None was called",
    ):
        assert told in page.text, told


def test_the_ages_of_what_waits_for_people_stand_by_role(ada: Visitor, desk: Desk, owner: Database) -> None:
    desk.file("CMP-1")
    with owner.transaction() as db:
        db.execute(later(timedelta(hours=30)))
    desk.file("CMP-2")
    desk.file("CMP-3")
    with owner.transaction() as db:
        db.execute(later(timedelta(hours=20)))
    desk.file("CMP-4")
    people = part(fresh(ada), "people")
    assert "adjuster 3 0 ! 1 2 d 2 h" in people
    assert "4 wait for a person" in part(fresh(ada), "tiles")
    assert str(task_of(owner, _run(owner, "CMP-1"))) in fresh(ada), "the oldest is one click away"


def test_an_open_alert_names_its_run_and_whatever_strangers_wrote_is_text(
    ada: Visitor, desk: Desk, owner: Database
) -> None:
    run = desk.file(HOSTILE[1], words=" ".join(HOSTILE))
    with owner.transaction() as db:
        open_all(db, [Alert("over_budget", str(run), f"{HOSTILE[0]} used too much", run)])
        open_all(db, [Alert("sweep_overdue", "timers", "the sweep timers has not ended")])
        _dead_letter(db, run, HOSTILE[2])
    html = fresh(ada)
    page = Page(html)
    assert page.problems == []
    assert HOSTILE[1] in page.text
    assert f'href="/runs/{run}"' in html
    assert "2 open alerts" in part(html, "tiles")
    assert "1 open. 1 in the last hour; the day before, 0.0 an hour." in part(html, "letters")


def test_the_dead_letter_rate_stands_beside_the_day_before(ada: Visitor, desk: Desk, owner: Database) -> None:
    run = desk.file("CMP-1")
    with owner.transaction() as db:
        for _ in range(12):
            _dead_letter(db, run, "r")
        db.execute(later(timedelta(hours=5)))
        for _ in range(3):
            _dead_letter(db, run, "r")
    assert "15 open. 3 in the last hour; the day before, 0.5 an hour." in part(fresh(ada), "letters")


def test_what_is_ready_and_what_was_done_is_counted(ada: Visitor, desk: Desk, owner: Database) -> None:
    run = desk.file("CMP-1")
    ada.answer(task_of(owner, run), "pay")
    with owner.transaction() as db:
        db.execute(later(timedelta(minutes=4)))
    html = fresh(ada)
    assert "CMP-1 DECIDING" in part(html, "ready")
    assert "4 m" in part(html, "ready")
    assert "READY 1" in part(html, "runs")
    durations = part(html, "durations")
    assert "READING complaint 1" in durations
    assert "waits for others" in durations, "of a person's state there is nothing to expect"
    charts = part(html, "charts")
    assert "Steps: 2, at most 2" in charts
    assert "Started: 1, at most 1" in charts
    assert 'aria-label="Steps done in the last 24 hours. Steps: 2 in all' in html


def test_what_models_used_today_stands_against_the_budgets_of_their_runs(
    ada: Visitor, desk: Desk, owner: Database
) -> None:
    first, second = desk.file("CMP-1"), desk.file("CMP-2")
    with owner.transaction() as db:
        db.execute("UPDATE runs SET token_budget = 1000, tokens_in = 1900, tokens_out = 200 WHERE id = %s", [first])
        db.execute("UPDATE runs SET token_budget = 3000, tokens_in = 10 WHERE id = %s", [second])
        for run, seq, tokens, cost in ((first, 90, 1900, None), (second, 91, 100, Decimal("0.5"))):
            db.execute(
                """INSERT INTO checkpoints (run_id, step_seq, call_seq, step_name, kind, name, status, model, tokens_in, tokens_out,
                       cost, created_at) VALUES (%s, 1, %s, 'READING', 'model', 'm', 'COMPLETE', 'made:up', %s, 0, %s, app_now())""",
                [run, seq, tokens, cost],
            )
    spending = part(fresh(ada), "spending")
    assert "2,000 tokens in 2 runs, whose budgets together are 4,000 (50 %)" in spending
    assert "1 over budget" in spending
    assert "made:up 2 2,000 0 at least 0.5000" in spending


def test_the_limits_that_bind_stand_there_with_how_many_runs_wait_behind_each(
    ada: Visitor, desk: Desk, owner: Database
) -> None:
    for number in range(3):
        desk.file(f"C-{number}")
    assert "LONGHAUL_DOWNSTREAMS" not in fresh(ada)
    with owner.transaction() as db:
        db.execute(
            """INSERT INTO downstreams (name, rate_per_second, booked_until) VALUES
               ('letters', 20, app_now() + interval '10 s'), ('model:openai', 10, NULL)"""
        )
        db.execute(
            """UPDATE runs SET status = 'WAITING_FOR_TIMER', waiting_reason = 'letters is called as often as it allows',
               wake_at = app_now() + interval '9 s' WHERE subject IN ('C-1', 'C-2')"""
        )
    html = fresh(ada)
    told = part(html, "downstreams")
    assert "used up the limit of letters, 20 a second: 2 runs wait for it" in told
    page = Page(html)
    assert "raise its limit with LONGHAUL_DOWNSTREAMS" in " ".join(page.text.split())
    assert page.problems == []


def test_nothing_that_was_not_seen_is_green(ada: Visitor, owner: Database, web: Runtime) -> None:
    engine = part(fresh(ada), "sweeps")
    assert "✓" not in engine
    assert "unknown" in engine
    with owner.transaction() as db:
        for name in [*periods(web.settings), due.BEAT]:
            db.execute("INSERT INTO sweeps VALUES (%s, app_now(), app_now())", [name])
        db.execute(
            """INSERT INTO workers (id, lock_key, liveness, host, pid, queues, slots, started_at, pinged_at)
               VALUES (%s, 1, 'lock', 'pine', 77, '{}', 4, app_now(), app_now())""",
            [new_id()],
        )
    html = fresh(ada)
    assert part(html, "sweeps").count("✓ seen") == 1 + len(periods(web.settings))
    assert "pine · process 77 ✓ seen" in part(html, "workers")
    assert "9 of 9 seen" in part(html, "tiles")
    with owner.transaction() as db:
        db.execute(later(timedelta(seconds=70)))
    html = fresh(ada)
    assert re.search(r"Heartbeats ✕ overdue 1 m 1\d s ago", part(html, "sweeps")), "70 s, and what the page took"
    assert "Beat ✕ overdue" in part(html, "sweeps")
    assert "Retention ✓ seen" in part(html, "sweeps")
    assert "pine · process 77 ? stale" in part(html, "workers")
    with owner.transaction() as db:
        db.execute(later(timedelta(seconds=70)))
    assert "pine · process 77 ✕ silent" in part(fresh(ada), "workers")


@pytest.mark.parametrize(
    ("begun", "finished", "verdict"),
    [
        (1, 1, "ok"),
        (59, 60, "ok"),
        (None, None, "unknown"),
        (1, None, "unknown"),
        (61, 60, "stale"),
        (5, 61, "overdue"),
        (121, 121, "overdue"),
    ],
)
def test_a_sweep_of_half_a_minute_stands_as_it_was_seen(
    begun: float | None, finished: float | None, verdict: str
) -> None:
    sweep = [SweepFacts(name="alerts", begun_seconds=begun, finished_seconds=finished)] if begun else []
    (found,) = (s for s in health.sweeps_of(EngineFacts(sweeps=sweep), Settings()) if s.name == "alerts")
    assert found.verdict == verdict


def test_a_sweep_that_never_ran_is_overdue_once_there_was_time_for_it() -> None:
    worker = WorkerFacts(
        id=uuid.uuid4(),
        host="h",
        pid=1,
        queues=(),
        stopping=False,
        age_seconds=1000,
        silent_seconds=1,
        gone_seconds=None,
    )
    found = {s.name: s.verdict for s in health.sweeps_of(EngineFacts(workers=[worker]), Settings())}
    assert found["dispatch"] == "overdue"
    assert found["retention"] == "unknown"
    assert health.worst(health.sweeps_of(UNSEEN, Settings())) == "unknown"
    assert health.worst([]) == "unknown", "of nothing, nothing is known"


def test_the_parts_come_alone_and_only_when_something_is_new(
    ada: Visitor, desk: Desk, owner: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.file("CMP-1")
    monkeypatch.setattr(overview, "_NOW_SECONDS", 60.0)  # one look serves all that come meanwhile
    ada.http.app.state.__dict__.pop("overview", None)  # type: ignore[attr-defined]
    first = ada.get("/overview/parts")
    assert "<html" not in first.text
    ids = set(re.findall(r'id="(part-\w+)" (?:class="\w+" )?data-part', first.text))
    assert ids == set(re.findall(r'id="(part-\w+)" (?:class="\w+" )?data-part', ada.get("/").text))
    assert len(ids) == 12
    tag = {"If-None-Match": first.headers["etag"], **ada.headers}
    same = ada.http.get("/overview/parts", headers=tag)
    assert (same.status_code, same.content) == (304, b"")
    desk.file("CMP-2")
    ada.http.app.state.__dict__.pop("overview", None)  # type: ignore[attr-defined]
    assert ada.http.get("/overview/parts", headers=tag).status_code == 200


def test_a_slot_that_is_over_is_read_once_and_the_day_is_filled_in(
    desk: Desk, owner: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []
    read = facts.slots

    def listening(db: object, begin: int, end: int) -> object:
        asked.append((begin, end))
        return read(db, begin, end)  # type: ignore[arg-type]

    monkeypatch.setattr(facts, "slots", listening)
    desk.file("CMP-1")
    history = History()
    with owner.transaction() as db:
        at = datetime.now(UTC).timestamp()
        history.look(db, at)
        while history.known > slot_of(at) - facts.DAY_SLOTS + 1:
            history.look(db, at)
        first, asked[:] = list(asked), []
        history.look(db, at)
    covered = sorted(n for begin, end in first for n in range(begin, end))
    assert covered[0] == slot_of(at) - 287
    assert covered[-1] == slot_of(at)
    assert asked == [(slot_of(at - 120), slot_of(at) + 1)], "only what may still change"
    day = history.day(at)
    assert (len(day), sum(slot.started for slot in day if slot)) == (288, 1)
    assert all(slot is not None for slot in day)


def test_a_look_is_shared_and_rests_nineteen_times_as_long_as_it_took() -> None:
    clock, made = [0.0], []

    def make() -> int:
        made.append(clock[0])
        clock[0] += 3.0
        return len(made)

    paced = Paced(make, 2.0, lambda: clock[0])
    assert paced.get() == (1, 3.0)
    clock[0] = 59.0
    assert paced.get() == (1, 59.0)
    clock[0] = 60.0
    assert paced.get() == (2, 3.0)
    assert made == [0.0, 60.0]


def test_whoever_comes_while_a_look_is_made_gets_the_last_one() -> None:
    inside, go_on = threading.Event(), threading.Event()
    clock, made = [0.0], list[int]()

    def make() -> int:
        made.append(1)
        if len(made) > 1:
            inside.set()
            go_on.wait(10)
        return len(made)

    paced = Paced(make, 1.0, lambda: clock[0])
    assert paced.get()[0] == 1
    clock[0] = 5.0
    slow = threading.Thread(target=paced.get)
    slow.start()
    assert inside.wait(10)
    assert paced.get()[0] == 1
    clock[0] = 5.0 + TOO_OLD_SECONDS
    late: list[int] = []
    waits = threading.Thread(target=lambda: late.append(paced.get()[0]))
    waits.start()
    go_on.set()
    for thread in (slow, waits):
        thread.join(10)
    assert late == [2], "what is far too old is waited for, not shown"


def test_a_quantile_is_right_to_within_five_percent() -> None:
    import math

    seconds = [0.01 * 1.07**n for n in range(200)]
    bins: dict[int, int] = {}
    for one in seconds:
        number = math.floor(math.log2(one) * facts.BINS_PER_DOUBLING)
        bins[number] = bins.get(number, 0) + 1
    for share in (0.5, 0.95):
        exact = seconds[math.ceil(share * len(seconds)) - 1]
        assert abs(quantile(bins, share) / exact - 1) < 0.05
    assert quantile({}, 0.5) == 0.0


def test_a_chart_says_in_words_and_in_a_table_what_it_draws() -> None:
    last = slot_of(datetime(2026, 11, 27, 12, 2, tzinfo=UTC).timestamp())
    drawn = chart("c", "Steps done", "steps", [("Steps", [None] * 12 + [0] * 262 + [1, 8] + [0] * 12)], last)
    assert (
        drawn.sentence == "Steps done in the last 23 hours. Steps: 9 in all, at most 8 in five minutes, at 11:00 UTC."
    )
    assert [(bar.x, bar.height) for bar in drawn.series[0].bars] == [(274, 5.75), (275, 46.0)]
    assert drawn.hours[0] == (datetime(2026, 11, 27, 12, tzinfo=UTC), [0])
    assert drawn.hours[1] == (datetime(2026, 11, 27, 11, tzinfo=UTC), [8])
    assert drawn.hours[-1][1] == [None]


def _run(owner: Database, subject: str) -> uuid.UUID:
    with owner.transaction() as db:
        row = db.execute("SELECT id FROM runs WHERE subject = %s", [subject]).fetchone()
        assert row is not None
        run_id: uuid.UUID = row["id"]
        return run_id


def _dead_letter(db: object, run: uuid.UUID, reason: str) -> None:
    db.execute(  # type: ignore[attr-defined]
        """INSERT INTO dead_letters (id, run_id, step_seq, state, fingerprint, reason, created_at)
           VALUES (%s, %s, 1, 'READING', 'f', %s, app_now())""",
        [new_id(), run, reason],
    )
