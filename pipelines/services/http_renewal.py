"""HTTP connections that are given up together once nothing comes back on one of them.

A pool hands out connections that were idle. What forgot one of them, such as a firewall, has forgotten the others, and
each would cost a deadline of its own. So a request that is given up late, before its answer began, is the pool's last:
the next one comes from a new pool.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx2

LATE_SECONDS = 1.0
"""A request that was given up after so long ran out of time; an interrupted one costs a handshake at most."""


class _Pool:
    def __init__(self, transport: httpx2.AsyncBaseTransport) -> None:
        self.transport = transport
        self.busy = 0
        """Requests that are not over."""


class _Stream(httpx2.AsyncByteStream):
    """The body of an answer; ``over`` is awaited once it is closed."""

    def __init__(self, inner: httpx2.AsyncByteStream, over: Callable[[], Awaitable[None]]) -> None:
        self._inner = inner
        self._over: Callable[[], Awaitable[None]] | None = over

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._inner:
            yield piece

    async def aclose(self) -> None:
        over, self._over = self._over, None
        try:
            await self._inner.aclose()
        finally:
            if over is not None:
                await over()


class RenewableTransport(httpx2.AsyncBaseTransport):
    """A transport over pools that ``connect`` makes, one at a time. What is under way in an old one goes on."""

    def __init__(self, connect: Callable[[], httpx2.AsyncBaseTransport]) -> None:
        self._connect = connect
        self._pool = _Pool(connect())
        self._retired: set[_Pool] = set()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        pool, loop = self._pool, asyncio.get_running_loop()
        began = loop.time()
        pool.busy += 1
        try:
            response = await pool.transport.handle_async_request(request)
        except BaseException:
            if pool is self._pool and loop.time() - began >= LATE_SECONDS:
                self._pool = _Pool(self._connect())
                self._retired.add(pool)
            await self._left(pool)
            raise
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Stream(response.stream, lambda: self._left(pool))
        return response

    async def aclose(self) -> None:
        for pool in (self._pool, *self._retired):
            await pool.transport.aclose()

    async def _left(self, pool: _Pool) -> None:
        """A request is over; the last one of a retired pool closes it."""
        pool.busy -= 1
        if not pool.busy and pool in self._retired:
            self._retired.discard(pool)
            await pool.transport.aclose()
