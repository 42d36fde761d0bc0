"""The connections of the one HTTP client to model servers.

The law: no request waits for another. Each has a connection while it is under way, a free one if there is one; to find
it takes as long among a thousand as among ten. A free connection is closed soon, before the server's own patience ends.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from typing import TypeAlias

import httpx2

KEPT_SECONDS = 3.0  # the shortest patience that servers are known for is five

Line: TypeAlias = httpx2.AsyncBaseTransport
_Where = tuple[bytes, bytes, int | None]


class Connections(httpx2.AsyncBaseTransport):
    """A transport over as many lines as there are requests under way. `make` gives a line that holds one connection."""

    def __init__(self, make: Callable[[], Line]) -> None:
        self._make = make
        self._free: defaultdict[_Where, dict[Line, asyncio.TimerHandle]] = defaultdict(dict)
        self._closing: set[asyncio.Task[None]] = set()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send on the line that was freed last, or on a new one."""
        where = (request.url.raw_scheme, request.url.raw_host, request.url.port)
        line = self._take(where)
        response = await line.handle_async_request(request)  # what fails closes its connection itself
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Answer(response.stream, lambda: self._give_back(where, line))
        return response

    async def aclose(self) -> None:
        """Close the free ones; those in use are closed by their requests' end."""
        for where, free in self._free.items():
            for line in list(free):
                self._expire(where, line)
        await asyncio.gather(*self._closing, return_exceptions=True)

    def _take(self, where: _Where) -> Line:
        if not (free := self._free[where]):
            return self._make()
        line, patience = free.popitem()
        patience.cancel()
        return line

    def _give_back(self, where: _Where, line: Line) -> None:
        patience = asyncio.get_running_loop().call_later(KEPT_SECONDS, self._expire, where, line)
        self._free[where][line] = patience

    def _expire(self, where: _Where, line: Line) -> None:
        self._free[where].pop(line).cancel()
        self._close(line)

    def _close(self, line: Line) -> None:
        closing = asyncio.get_running_loop().create_task(line.aclose())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


class _Answer(httpx2.AsyncByteStream):
    """The body of an answer; with its end its line is free."""

    def __init__(self, body: httpx2.AsyncByteStream, ended: Callable[[], None]) -> None:
        self._body, self._ended, self._open = body, ended, True

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._body:
            yield part

    async def aclose(self) -> None:
        """Once: what was not read to its end takes its connection with it, and the line makes another."""
        if not self._open:
            return
        self._open = False
        try:
            await self._body.aclose()
        finally:
            self._ended()
