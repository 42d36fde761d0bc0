"""What happens to a run, as it happens. The law: however many pages look on, the database is asked once a second for all.

A page is told that something came, never what: it then reads itself anew. Nothing in a step's own transaction tells
anyone, so looking on costs the work nothing.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from app.engine.runtime import Runtime
from app.store.reads import pages, timeline
from app.store.reads.pages import DATABASE_PROBLEM
from app.web.http.session import Me, Rt

router = APIRouter()
PERIOD_SECONDS = 1.0
QUIET_SECONDS = 15.0  # after which a word is sent, so that nobody between takes the connection for dead
LASTS_SECONDS = 300.0  # then the page asks again, and who is signed in is looked up anew
MOST = 200  # streams of one process; a page that gets none asks every five seconds
_LOGGER = logging.getLogger("longhaul")


class Watch:
    """The marks of the runs somebody looks at, read once a second while anybody does."""

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt
        self._looked_at: dict[UUID, int] = {}
        self._marks: dict[UUID, str] = {}
        self._came = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    @property
    def count(self) -> int:
        """How many look on."""
        return sum(self._looked_at.values())

    async def changes(self, run_id: UUID, seen: str) -> AsyncIterator[str | None]:
        """Each mark of the run that differs from the one before it, beginning with `seen`; None when it was quiet for a while."""
        self._looked_at[run_id] = self._looked_at.get(run_id, 0) + 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._read())
        try:
            while True:
                mark = await self._next(run_id, seen)
                seen = mark or seen
                yield mark
        finally:
            self._looked_at[run_id] -= 1
            if not self._looked_at[run_id]:
                del self._looked_at[run_id]
                self._marks.pop(run_id, None)

    async def _next(self, run_id: UUID, seen: str) -> str | None:
        try:
            async with asyncio.timeout(QUIET_SECONDS), self._came:
                await self._came.wait_for(lambda: self._marks.get(run_id, seen) != seen)
                return self._marks[run_id]
        except TimeoutError:
            return None

    async def _read(self) -> None:
        while self._looked_at:
            try:
                self._marks |= await to_thread.run_sync(self.read, list(self._looked_at))
            except DATABASE_PROBLEM as problem:
                _LOGGER.warning("looking on at runs: the database does not answer: %s", problem)
            async with self._came:
                self._came.notify_all()
            await asyncio.sleep(PERIOD_SECONDS)

    def read(self, run_ids: list[UUID]) -> dict[UUID, str]:
        """The marks of these runs now."""
        with pages.snapshot(self._rt.database) as db:
            return timeline.marks(db, run_ids)


@router.get("/runs/{run_id:uuid}/events")
async def events(
    request: Request, rt: Rt, me: Me, run_id: UUID, stream: str | None = None, after: str = ""
) -> Response:
    """The run's mark; with `stream`, every change of it as a server-sent event, from the last one the page had."""
    watch: Watch = request.app.state.__dict__.setdefault("watch", Watch(rt))
    if stream is None or watch.count >= MOST:
        mark = (await to_thread.run_sync(watch.read, [run_id])).get(run_id)
        return JSONResponse({"mark": mark}, status_code=404 if mark is None else 200 if stream is None else 503)
    seen = request.headers.get("last-event-id") or after
    return StreamingResponse(_told(watch, run_id, seen), media_type="text/event-stream")


async def _told(watch: Watch, run_id: UUID, seen: str) -> AsyncIterator[str]:
    yield "retry: 2000\n\n"
    try:
        async with asyncio.timeout(LASTS_SECONDS):
            async for mark in watch.changes(run_id, seen):
                yield (
                    f"id: {mark}\nevent: moved\ndata: {json.dumps({'mark': mark})}\n\n"
                    if mark
                    else "event: quiet\ndata: {}\n\n"
                )
    except TimeoutError:
        return
