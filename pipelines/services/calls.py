"""A gRPC call that tells how it really ended.

grpc.aio stands on call objects of gRPC's core. :class:`CoreCall` takes the place of one, for two things that the core's
own cannot do. A service may end a call while a message is being written to it. The failed write then hides the
service's status behind "Internal error from Core"; here the status is waited for. And a call whose connection is found
dead can be ended with a status of ours, where the core knows a cancellation alone.

None of this has a public way: a failed write is the end of grpc.aio's own account, and interceptors stand above it. So
:func:`watched` leaves a call alone where a later grpcio is made differently. It is then as grpc.aio makes it.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any

import grpc

from pipelines.services.kept import Kept

try:
    from grpc._cython import cygrpc  # type: ignore[attr-defined]
except ImportError:
    cygrpc = None

_log = logging.getLogger(__name__)

LOST = "the connection is dead: nothing comes back on it"
"""Details of a call that was ended because of its connection."""


_CODES = {code.value[0]: code for code in grpc.StatusCode}


_NEEDED = ("receive_serialized_message", "is_locally_cancelled", "cancel", "done", "status", "_status")
"""What a call of gRPC's core must have."""


def watched(call: Any, heard: Callable[[], None], now: float) -> CoreCall | None:
    """Watches ``call``, which was made just now; ``heard`` is told of each sign of life.

    None where this grpcio's calls cannot be watched. They are then as gRPC makes them: a dead connection stays.
    """
    core = getattr(call, "_cython_call", None)
    if not all(hasattr(core, name) for name in _NEEDED) or not hasattr(cygrpc, "EOF"):
        _warn_once()
        return None
    return CoreCall(call, heard, now)


@functools.cache
def _warn_once() -> None:
    _log.warning("grpcio %s is not known here: connections that are dead are not replaced", grpc.__version__)


class CoreCall:
    """Stands before ``core`` in a call; see :func:`watched`."""

    def __init__(self, call: Any, heard: Callable[[], None], now: float) -> None:
        self.since = now
        """When the call was made, ``loop.time()``."""
        self._core = call._cython_call
        self._heard = heard
        self._lost = False
        call._cython_call = self  # before its tasks have begun
        call.add_done_callback(self._let_go)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._core, name)

    @property
    def ended(self) -> grpc.StatusCode:
        """How it ended; to be asked once it is over, where grpc.aio's own answer is a coroutine."""
        return _CODES[self._status.code()]

    def lose(self) -> None:
        """Ends the call with UNAVAILABLE, unless it is over."""
        if not self._core.done():
            self._lost = True
            self._core.cancel(LOST)

    def _let_go(self, call: Any) -> None:
        """An ended call may be held for long, by its reader; its connection is not to be held with it."""
        self._heard = lambda: None

    # What grpc.aio asks its core

    def set_internal_error(self, words: str) -> None:
        """A write failed. The call is over, then, and its status is on the way."""

    async def receive_serialized_message(self) -> Any:
        # Where the one who waits is cancelled, grpc.aio forgets the message that it was about to be handed, but not its
        # memory, 8 KiB with each. So the core's own waiting goes on until the call is over, which is at once.
        message = await Kept(self._core.receive_serialized_message())
        if message is not cygrpc.EOF:
            self._heard()
        return message

    def is_locally_cancelled(self) -> bool:
        return not self._lost and bool(self._core.is_locally_cancelled())

    cancelled = is_locally_cancelled

    async def status(self) -> Any:
        status = await self._core.status()
        return _lost_status() if self._lost else status

    @property
    def _status(self) -> Any:
        return _lost_status() if self._lost else self._core._status


def _lost_status() -> Any:
    return cygrpc.AioRpcStatus(grpc.StatusCode.UNAVAILABLE.value[0], LOST, (), "")
