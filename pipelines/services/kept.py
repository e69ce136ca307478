"""Waiting for work that goes on if whoever waits is cancelled, in one turn of the event loop.

``asyncio.shield`` does the same by a task and two futures. What comes then passes the loop three times before it is
handed over, and a busy loop takes up to milliseconds for each. A reply's first sound is some ten messages away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """Await it once, for what ``work`` returns or raises. Work waits for nothing but futures of the running loop."""

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        self._work = work

    def __await__(self) -> Generator[Any, None, T]:
        try:
            while True:
                future = self._work.send(None)
                future._asyncio_future_blocking = False  # it is not the work's task that waits for it
                waiting = _Waiting(future)
                try:
                    yield waiting
                except asyncio.CancelledError:
                    resting = future.get_loop().create_task(_rest(self._work, future), name="given up")
                    resting.add_done_callback(_seen)
                    raise
        except StopIteration as over:
            value: T = over.value
            return value


class _Waiting:
    """What a task waits for in place of ``future``: as good as it, but a cancellation does not reach it.

    The methods are those that a task asks a future for.
    """

    _asyncio_future_blocking = True

    def __init__(self, future: asyncio.Future[Any]) -> None:
        self._future = future
        self._given_up = False

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self._future.get_loop()

    def add_done_callback(self, wake: Callable[[Any], object], *, context: Context) -> None:
        self._wake, self._context = wake, context
        self._future.add_done_callback(self._done, context=context)

    def cancel(self, msg: object = None) -> bool:
        if self._given_up or self._future.done():
            return False
        self._given_up = True
        self._future.remove_done_callback(self._done)
        self.get_loop().call_soon(self._wake, self, context=self._context)
        return True

    def result(self) -> None:
        """Nothing: the work itself asks its future. Raises ``CancelledError`` if the task was cancelled."""
        if self._given_up:
            raise asyncio.CancelledError

    def _done(self, future: asyncio.Future[Any]) -> None:
        self._wake(self)


async def _rest(work: Coroutine[Any, Any, Any], future: asyncio.Future[Any]) -> None:
    """Sees ``work``, which waits for ``future``, to its end."""
    while True:
        await asyncio.wait([future])
        try:
            future = work.send(None)
        except StopIteration:
            return
        future._asyncio_future_blocking = False


def _seen(resting: asyncio.Task[None]) -> None:
    """Whoever waited for it is gone, so nobody else looks at how it ended."""
    if not resting.cancelled():
        resting.exception()
