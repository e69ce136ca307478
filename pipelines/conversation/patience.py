"""When a reply tries a service again: the one place that decides it.

A service that is away for a moment, for it is being restarted or has no capacity left, is tried again with growing
waits, for as long as the turn's patience lasts. That is the model before its first word of the reply, and the voice
before the first sound of a clause. What was begun is not tried again here: turn taking makes a reply again of which
nothing was heard (:meth:`sophia.turn_state.TurnState.make_again`). A clause that the voice refuses is left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import grpc
import grpc.aio

from nova.errors import Overloaded
from pipelines.failures import Kind, StageFailed, explain

FIRST_WAIT = 0.1
"""Seconds before the second try; each further wait is twice as long …"""

LONGEST_WAIT = 1.0
"""… up to this many seconds."""

_PASSING: frozenset[Kind] = frozenset({"down", "lost", "busy"})
_ABOUT_THE_TEXT: frozenset[Kind] = frozenset({"rejected", "unknown", "unsupported", "broken", "part", "defect"})


def is_passing(error: Exception, service: str) -> bool:
    """Whether the service may be back in a moment: it is not there, broke the connection, or has no capacity."""
    if isinstance(error, grpc.aio.AioRpcError) and error.code() is grpc.StatusCode.CANCELLED:
        return True  # not by us: a server that stops cancels its calls
    return explain(error, service).kind in _PASSING


def is_about_the_text(error: Exception) -> bool:
    """Whether the voice refused this text and may well say another. A voice that is silent or locked may not."""
    return explain(error, "tts").kind in _ABOUT_THE_TEXT


class Patience:
    """How long one reply waits for one service: at most ``seconds`` from the first failure on."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.relax()

    def relax(self) -> None:
        """The service is there again; the next failure is a first one."""
        self._until: float | None = None
        self._wait = FIRST_WAIT

    def wait(self, now: float, asked: float = 0.0) -> float | None:
        """Seconds to wait before the next try, after a failure at ``now``; None if the patience is over.

        ``asked`` is for how long the service itself asks to be left alone.
        """
        if self._until is None:
            self._until = now + self._seconds
        left = self._until - now
        wait = max(min(self._wait, left), asked)
        self._wait = min(2 * self._wait, LONGEST_WAIT)
        return wait if 0.0 < wait <= left else None

    async def outlast(self, error: Exception, service: str, tell: Callable[[StageFailed, float], None]) -> bool:
        """Waits before a service that is away is tried again; false if that is not worth it, or no longer.

        ``tell`` is told before of the failure, and of the seconds.
        """
        if not is_passing(error, service):
            return False
        asked = error.retry_after if isinstance(error, Overloaded) else None
        if (seconds := self.wait(asyncio.get_running_loop().time(), asked or 0.0)) is None:
            return False
        tell(StageFailed(service, error), seconds)
        await asyncio.sleep(seconds)
        return True
