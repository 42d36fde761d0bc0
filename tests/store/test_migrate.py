"""What a deploy does to a database: rights are what one file says, and a newer schema is never harmed by older code."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg
import pytest

from app.stack import migrate as command
from app.store import migrate
from app.store.database import connect
from app.store.sql import apply
from tests.support.roles import DECLARED

RIGHTS = """
SELECT c.relname::text AS on, t.attname::text AS column, a.grantee::regrole::text AS to, a.privilege_type AS may
FROM pg_class c CROSS JOIN aclexplode(c.relacl) a LEFT JOIN pg_attribute t ON false
WHERE c.relnamespace = 'public'::regnamespace AND a.grantee <> c.relowner
UNION ALL SELECT c.relname, t.attname, a.grantee::regrole::text, a.privilege_type
FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid CROSS JOIN aclexplode(t.attacl) a WHERE c.relnamespace = 'public'::regnamespace
UNION ALL SELECT p.proname, NULL, a.grantee::regrole::text, a.privilege_type
FROM pg_proc p CROSS JOIN aclexplode(p.proacl) a WHERE p.pronamespace = 'public'::regnamespace AND a.grantee <> p.proowner
UNION ALL SELECT tablename || '.' || policyname, NULL, array_to_string(roles, ','), concat_ws(' ', cmd, qual, with_check) FROM pg_policies
ORDER BY 1, 2, 3, 4"""
OURS = """
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S')
UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef AND prorettype <> 'trigger'::regtype"""
MEDDLING = (
    "GRANT DELETE ON runs TO longhaul_worker",
    "GRANT INSERT ON approvals TO longhaul_web",
    "GRANT UPDATE (output) ON checkpoints TO PUBLIC",
    "GRANT EXECUTE ON FUNCTION approve_action TO PUBLIC",
)
LOSING = (
    "DROP OWNED BY longhaul_worker, longhaul_web",  # what a dump of this database brings to a new cluster
    "DROP POLICY IF EXISTS everyone_reads ON checkpoints",
    "ALTER TABLE checkpoints DISABLE ROW LEVEL SECURITY",
)


@pytest.fixture
def owner(database_url: str) -> Iterator[psycopg.Connection[dict[str, object]]]:
    with connect(database_url, "owner") as db:
        yield db


@pytest.mark.parametrize("harm", [MEDDLING, LOSING], ids=["rights given by hand", "rights lost in a restore"])
def test_every_migrate_makes_the_rights_what_the_grants_say(
    database_url: str, owner: psycopg.Connection[dict[str, object]], harm: tuple[str, ...]
) -> None:
    right = owner.execute(RIGHTS).fetchall()
    for statement in harm:
        owner.execute(statement)
    assert owner.execute(RIGHTS).fetchall() != right
    migrate.upgrade(database_url, DECLARED)
    assert owner.execute(RIGHTS).fetchall() == right
    (protected,) = owner.execute("SELECT relrowsecurity FROM pg_class WHERE relname = 'checkpoints'").fetchall()
    assert protected == {"relrowsecurity": True}


def test_the_grants_name_all_that_is_ours(owner: psycopg.Connection[dict[str, object]]) -> None:
    """What is left out would keep whatever rights it once got, and lose them with a restore."""
    named = set(re.findall(r"'(\w+)'", apply._text("grants")))
    assert {str(row["relname"]) for row in owner.execute(OURS).fetchall()} - named == set()


def test_a_table_of_somebody_else_keeps_its_rights(
    database_url: str, owner: psycopg.Connection[dict[str, object]]
) -> None:
    owner.execute("CREATE TABLE orders (id int); GRANT SELECT ON orders TO longhaul_web")
    migrate.upgrade(database_url, DECLARED)
    (may,) = owner.execute("SELECT has_table_privilege('longhaul_web', 'orders', 'SELECT') AS may").fetchall()
    assert may["may"]


@pytest.mark.parametrize(
    ("oldest_code", "code", "said"),
    [
        (
            migrate.OLDEST_CODE,
            0,
            r"^the database is at version 9999, newer than this code \(\d{4}\), which may run on it$",
        ),
        (
            "9000",
            1,
            r"^longhaul: the database is at version 9999.* too old for it: run code of version 9000 or newer.*\.$",
        ),
        (None, 1, r"^longhaul: the database is at version 9999.* run the code that knows version 9999.*\.$"),
    ],
    ids=["it says we may", "it says we may not", "it says nothing"],
)
def test_a_newer_schema_is_left_alone_and_says_which_code_may_run_on_it(
    database_url: str,
    owner: psycopg.Connection[dict[str, object]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    oldest_code: str | None,
    code: int,
    said: str,
) -> None:
    owner.execute("UPDATE alembic_version SET version_num = '9999'")
    owner.execute("UPDATE schema_compatibility SET oldest_code = %s", [oldest_code]) if oldest_code else owner.execute(
        "DROP TABLE schema_compatibility"
    )
    owner.execute("GRANT DELETE ON runs TO longhaul_worker")  # as a newer version may want it
    before = owner.execute(RIGHTS).fetchall()
    monkeypatch.setattr(command, "settings", lambda: command_settings(database_url))
    assert command.main([]) == code
    told = capsys.readouterr()
    assert re.search(said, (told.out or told.err).strip())
    assert owner.execute(RIGHTS).fetchall() == before
    assert migrate.standing(database_url).works is (code == 0)


def test_a_login_that_may_not_migrate_is_told_what_it_needs(
    database_url: str,
    owner: psycopg.Connection[dict[str, object]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    owner.execute("DROP ROLE IF EXISTS stranger; CREATE ROLE stranger LOGIN")
    try:
        stranger = database_url.replace("//longhaul@", "//stranger@")
        monkeypatch.setattr(command, "settings", lambda: command_settings(stranger))
        assert command.main([]) == 1
        assert re.search(r"this login may not migrate: .* must own our tables", capsys.readouterr().err)
    finally:
        owner.execute("DROP ROLE stranger")


def command_settings(url: str) -> object:
    from app.settings import Settings

    return Settings(database_url=url)
