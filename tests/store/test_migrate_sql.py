"""What stands in `app/store/sql` is what a database has after a migrate, whatever it had before; and it costs nothing if it had it.

A catalogue is compared by what Postgres itself says of functions, triggers, views, policies and rights.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from alembic.script import ScriptDirectory

from app.store import migrate
from app.store.database import connect
from app.store.sql import apply
from tests.support.migrations import until
from tests.support.roles import DECLARED

Owner = psycopg.Connection[dict[str, object]]

CATALOGUE = """
SELECT concat_ws(' ', pg_get_functiondef(oid), obj_description(oid, 'pg_proc')) AS line FROM pg_proc
WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT concat_ws(' ', pg_get_triggerdef(t.oid), t.tgenabled) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal
UNION ALL SELECT concat_ws(' ', relname, reloptions, pg_get_viewdef(oid)) FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'v'
UNION ALL SELECT p::text FROM pg_policies p
UNION ALL SELECT concat_ws(' ', c.relname, c.relrowsecurity, a.grantee::regrole, a.privilege_type)
FROM pg_class c CROSS JOIN aclexplode(c.relacl) a WHERE c.relnamespace = 'public'::regnamespace
UNION ALL SELECT concat_ws(' ', t.attrelid::regclass, t.attname, a.grantee::regrole, a.privilege_type)
FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid CROSS JOIN aclexplode(t.attacl) a
WHERE c.relnamespace = 'public'::regnamespace
UNION ALL SELECT concat_ws(' ', p.oid::regprocedure, a.grantee::regrole, a.privilege_type)
FROM pg_proc p CROSS JOIN aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
WHERE p.pronamespace = 'public'::regnamespace
ORDER BY line"""
ALL_FUNCTIONS = """
SELECT oid::regprocedure::text AS name FROM pg_proc
WHERE pronamespace = 'public'::regnamespace AND proname <> 'payee_key'"""  # with that one its indexes would go
ALL_TABLES = """
SELECT string_agg(oid::regclass::text, ', ') AS names FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname NOT IN ('alembic_version', 'schema_compatibility')"""
HARM = {
    "a function that says something else": (
        "CREATE OR REPLACE FUNCTION moves_money(p_purpose text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT false'"
    ),
    "a function that tables need": (
        "CREATE OR REPLACE FUNCTION payee_key(p_payee text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT p_payee'"
    ),
    "a trigger that is gone": "DROP TRIGGER checkpoints_need_approval ON checkpoints",
    "a trigger that is switched off": "ALTER TABLE actions DISABLE TRIGGER actions_written_once",
    "a view that is gone": "DROP VIEW trace",
    "a policy that lets everybody in": (
        "DROP POLICY web_enters_steps ON checkpoints; "
        "CREATE POLICY web_enters_steps ON checkpoints FOR INSERT TO longhaul_web WITH CHECK (true)"
    ),
    "rows that nobody keeps apart": "ALTER TABLE checkpoints DISABLE ROW LEVEL SECURITY",
}
MADE = re.compile(r"^CREATE OR REPLACE (?:FUNCTION|TRIGGER|VIEW) \w+|^CREATE POLICY \w+", re.MULTILINE)
NO_TABLE = re.compile(r"\b(?:CREATE (?:OR REPLACE )?(?:FUNCTION|TRIGGER|VIEW|POLICY)|GRANT|REVOKE)\b")
FILES = Path(apply.__file__).parent


@pytest.fixture
def owner(database_url: str) -> Iterator[Owner]:
    with connect(database_url, "owner") as db:
        yield db


@pytest.fixture
def changed_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the files that a test may change, applied in their place."""
    shutil.copytree(FILES, tmp_path / "sql")
    monkeypatch.setattr(apply, "_FOLDER", tmp_path / "sql")
    return tmp_path / "sql"


def catalogue(db: Owner) -> list[str]:
    return [str(row["line"]) for row in db.execute(CATALOGUE).fetchall()]


def test_migrating_again_changes_nothing(database_url: str, owner: Owner) -> None:
    before = catalogue(owner)
    migrate.upgrade(database_url, DECLARED)
    assert catalogue(owner) == before


@pytest.mark.parametrize("harm", HARM.values(), ids=HARM)
def test_what_was_changed_by_hand_is_put_right(database_url: str, owner: Owner, harm: str) -> None:
    before = catalogue(owner)
    owner.execute(harm)
    assert catalogue(owner) != before
    migrate.upgrade(database_url, DECLARED)
    assert catalogue(owner) == before


def test_what_is_lost_altogether_comes_back(database_url: str, owner: Owner) -> None:
    before = catalogue(owner)
    owner.execute("DROP VIEW trace; DROP OWNED BY longhaul_worker, longhaul_web")
    for function in owner.execute(ALL_FUNCTIONS).fetchall():
        owner.execute(f"DROP FUNCTION IF EXISTS {function['name']} CASCADE")
    migrate.upgrade(database_url, DECLARED)
    assert catalogue(owner) == before


def test_what_stands_is_not_made_again_beside_working_processes(
    database_url: str, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Making a trigger would wait for every transaction that has written to its table, and make all later ones wait."""
    monkeypatch.setenv("PGOPTIONS", "-c lock_timeout=1s")
    (tables,) = owner.execute(ALL_TABLES).fetchall()
    with psycopg.connect(database_url) as writer:
        writer.execute(f"LOCK TABLE {tables['names']} IN ROW EXCLUSIVE MODE")
        migrate.upgrade(database_url, DECLARED)
        owner.execute(
            "CREATE OR REPLACE FUNCTION moves_money(p_purpose text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT false'"
        )
        with pytest.raises(psycopg.errors.LockNotAvailable):
            migrate.upgrade(database_url, DECLARED)


def test_a_file_that_says_something_new_is_applied(database_url: str, owner: Owner, changed_files: Path) -> None:
    with (changed_files / "runs.sql").open("a") as file:
        file.write("COMMENT ON TABLE runs IS 'new';\n")
    migrate.upgrade(database_url, DECLARED)
    assert owner.execute("SELECT obj_description('runs'::regclass) AS said").fetchall() == [{"said": "new"}]


def test_a_migrate_that_fails_leaves_the_database_untouched(empty_database_url: str, changed_files: Path) -> None:
    with (changed_files / "trace.sql").open("a") as file:
        file.write("SELECT 1 / 0;\n")
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate.upgrade(empty_database_url, DECLARED)
    with connect(empty_database_url, "owner") as db:
        assert db.execute("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace").fetchall() == []


def test_what_was_approved_before_the_ledger_kept_itself_is_approved_still(empty_database_url: str) -> None:
    """Data of then, as version 0003 left it: the digest that migration 0004 writes out is the one that `action_digest` asks for today."""
    until(empty_database_url, "0003")
    with connect(empty_database_url, "owner") as db:
        db.execute(BEFORE_0004)
    migrate.upgrade(empty_database_url, DECLARED)
    with connect(empty_database_url, "owner") as db:
        rows = db.execute(LEDGER).fetchall()
        assert db.execute("SELECT FROM pg_proc WHERE proname = 'refuse_unapproved'").fetchall() == []
    assert rows == [
        {"payee": "Ann", "status": "APPROVED", "same": True, "limit": 900},
        {"payee": "Bob", "status": "PROPOSED", "same": True, "limit": 900},
    ]


LEDGER = """
SELECT payee, status, digest = action_digest(a) AS same, authority_of('bea', 'adjuster', 'x', 'USD') AS limit
FROM actions a ORDER BY payee"""
# As the code of then had it: its own guard of intents too.
BEFORE_0004 = """
CREATE FUNCTION refuse_unapproved() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'never'; END $$;
CREATE TRIGGER checkpoints_need_approval BEFORE INSERT OR UPDATE OF action_id, status ON checkpoints
    FOR EACH ROW WHEN (NEW.action_id IS NOT NULL AND NEW.status = 'INTENT') EXECUTE FUNCTION refuse_unapproved();
INSERT INTO users (username, display_name, roles, authority, created_at) VALUES ('bea', 'Bea', '{adjuster}', 900, clock_timestamp());
INSERT INTO runs (id, workflow, workflow_version, definition_hash, subject, state, status, step_seq, queue, transition_seq, transition_hash,
    created_at, updated_at)
VALUES ('00000000-0000-0000-0000-000000000001', 'w', 1, 'h', 'S-1', 'HERE', 'READY', 1, 'q', 1, '', clock_timestamp(), clock_timestamp());
INSERT INTO human_tasks (id, run_id, step_seq, kind, state, role, title, note, form, outcomes, shown_digest, created_at)
SELECT id, id, 1, 'work', 'HERE', 'adjuster', 't', 'n', '{}', '{}', 'd', clock_timestamp() FROM runs;
INSERT INTO actions (id, run_id, purpose, payee, amount, currency, coverage, digest, proposed_by, created_at)
SELECT gen_random_uuid(), id, 'settlement', payee, 12.5, 'USD', 'x', payee, 'agent', clock_timestamp()
FROM runs, unnest(ARRAY['Ann', 'Bob']) payee;
INSERT INTO approvals (id, action_id, approver, role, authority, digest, task_id, created_at, expires_at)
SELECT gen_random_uuid(), a.id, 'bea', 'adjuster', 900, a.digest, a.run_id, clock_timestamp(), clock_timestamp() + interval '1 day'
FROM actions a WHERE payee = 'Ann'
"""


def test_every_file_is_applied_and_makes_what_no_other_makes() -> None:
    files = {file.stem: file.read_text() for file in FILES.glob("*.sql")}
    assert sorted([*apply.BEFORE_TABLES, *apply.AFTER_TABLES, *apply.ALWAYS]) == sorted(files)
    made = Counter(name for text in files.values() for name in MADE.findall(text))
    assert made
    assert [name for name, times in made.items() if times > 1] == []


def test_a_change_of_the_files_has_a_version_of_its_own() -> None:
    """Older code leaves a database of a newer version alone; on one of its own version it would put its own files back."""
    versions = ScriptDirectory.from_config(migrate._config()).walk_revisions()  # the newest first
    known_by = next(version for version in versions if hasattr(version.module, "sql_files"))
    texts = "".join(f"{file.name}\n{file.read_text()}" for file in sorted(FILES.glob("*.sql")))
    now = hashlib.sha256(texts.encode()).hexdigest()
    assert now == known_by.module.sql_files, (
        f"the files are no longer those of version {known_by.revision}: add a migration, an empty one if tables stay as they are, "
        f"with sql_files = {now!r}"
    )


def test_migrations_keep_tables_alone() -> None:
    folder = Path(migrate.__file__).parent / "migrations"
    texts = {file.name: file.read_text() for file in [*folder.glob("*.sql"), *folder.glob("versions/*.py")]}
    assert len(texts) > 20
    assert {name: NO_TABLE.findall(text) for name, text in texts.items() if NO_TABLE.search(text)} == {}
