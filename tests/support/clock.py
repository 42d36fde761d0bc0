"""Moves the time of the whole product: by replacing `app_now()`, which only the owner of the database may do."""

from __future__ import annotations

from datetime import datetime, timedelta


def later(by: timedelta) -> str:
    """The statement that makes it later by so much, for every process and for statements prepared before."""
    return f"""DO $do$ BEGIN
        EXECUTE 'CREATE OR REPLACE FUNCTION app_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$ SELECT clock_timestamp() + interval '
            || quote_literal(app_now() - clock_timestamp() + interval '{by.total_seconds()} seconds') || ' $$';
    END $do$"""


def standing(at: datetime) -> str:
    """The statement that makes it a moment, for every process, until another one is named: nothing depends on how fast a test runs."""
    return f"""CREATE OR REPLACE FUNCTION app_now() RETURNS timestamptz LANGUAGE sql VOLATILE
        AS $$ SELECT timestamptz '{at.isoformat()}' $$"""
