"""Looking on at runs: told once a second by one query, and from the last event a page had."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from app.engine.runtime import Runtime
from app.store.database import Database
from app.web.runs import live
from tests.web.complaints import Desk
from tests.web.conftest import Visitor, task_of


def test_everybody_who_looks_on_is_told_by_one_query(
    desk: Desk, owner: Database, web: Runtime, ada: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "PERIOD_SECONDS", 0.01)
    run, other = desk.file("CMP-1"), desk.file("CMP-2")
    watch, asked = live.Watch(web), list[list[UUID]]()
    read = watch.read

    def counted(ids: list[UUID]) -> dict[UUID, str]:
        asked.append(ids)
        return read(ids)

    monkeypatch.setattr(watch, "read", counted)
    seen = read([run])[run]

    async def one(of: UUID, mark: str) -> str:
        async for came in watch.changes(of, mark):
            if came:
                return came
        raise AssertionError

    async def look_on() -> list[str]:
        listeners = [asyncio.create_task(one(run, seen)) for _ in range(5)]
        late = asyncio.create_task(one(other, "1.1.0-0.0"))
        missed = await late  # it had an older mark, and is told at once
        assert not any(each.done() for each in listeners)
        await asyncio.to_thread(ada.post, f"/tasks/{task_of(owner, run)}/claim")
        return [missed, *await asyncio.gather(*listeners)]

    told = asyncio.run(look_on())
    assert told[0] == read([other])[other]
    assert set(told[1:]) == {read([run])[run]} != {seen}
    assert all(len(ids) <= 2 for ids in asked)
    assert watch.count == 0


def test_the_mark_is_asked_for_without_a_stream(desk: Desk, owner: Database, ada: Visitor) -> None:
    run = desk.file("CMP-1")
    before = ada.get(f"/runs/{run}/events").json()["mark"]
    assert f'data-mark="{before}"' in ada.get(f"/runs/{run}").text
    ada.answer(task_of(owner, run), "pay")
    assert ada.get(f"/runs/{run}/events").json()["mark"] != before
    assert ada.get(f"/runs/{UUID(int=7)}/events").status_code == 404
