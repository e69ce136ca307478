"""Keeps a tritonserver alive: notices the deaths that it does not report itself, and starts it again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections import deque

from pipelines.embedded.triton.server import Server, StartFailed

CANARY_EVERY = 10.0
CANARY_LIMIT = 30.0
"""Seconds; generous, because a full batch of long answers keeps the canary waiting too."""

RESTARTS, WITHIN = 3, 60.0
"""More restarts than this within so many seconds mean that restarting does not help."""

log = logging.getLogger("sophia.embedded.triton")


class GivenUp(Exception):
    """Restarting does not help any more."""


async def start(server: Server) -> None:
    """Starts the server, a second time if the first failure was one of chance; raises :class:`StartFailed`."""
    try:
        await server.start()
    except StartFailed as error:
        if not error.again:
            raise
        log.warning("the first start failed (%s), trying once more", error)
        await server.start()


async def watch(server: Server) -> None:
    """Runs until cancelled; restarts a server that died or fell silent. Raises :class:`GivenUp`."""
    loop = asyncio.get_running_loop()
    restarts: deque[float] = deque(maxlen=RESTARTS)
    while True:
        reason = await _trouble(server)
        if len(restarts) == RESTARTS and loop.time() - restarts[0] < WITHIN:
            raise GivenUp(f"{reason}; restarted {RESTARTS} times within {WITHIN:g} s without success")
        restarts.append(loop.time())
        log.warning("%s: restarting tritonserver", reason)
        await server.stop()
        try:
            await start(server)
        except StartFailed as error:
            raise GivenUp(f"{reason}, and it does not start again: {error}") from None
        log.warning("tritonserver is back after %.1f s", loop.time() - restarts[-1])


async def _trouble(server: Server) -> str:
    """Waits for the first sign of death and names it."""
    assert server.process is not None
    async with asyncio.TaskGroup() as group:
        signs = [
            group.create_task(_exit_of(server)),
            group.create_task(_stub_death(server)),
            group.create_task(_canary(server)),
        ]
        done, _ = await asyncio.wait(signs, return_when=asyncio.FIRST_COMPLETED)
        for sign in signs:
            sign.cancel()
    return next(iter(done)).result()


async def _exit_of(server: Server) -> str:
    assert server.process is not None
    return f"tritonserver ended with code {await server.process.wait()}"


async def _stub_death(server: Server) -> str:
    """The model's process died: streams in flight hang then for ever, and readiness still says yes."""
    if server.stub is None or not hasattr(os, "pidfd_open"):
        await asyncio.Event().wait()
    assert server.stub is not None
    died = asyncio.Event()
    with contextlib.suppress(ProcessLookupError):
        handle = os.pidfd_open(server.stub)
        loop = asyncio.get_running_loop()
        loop.add_reader(handle, died.set)
        try:
            await died.wait()
        finally:
            loop.remove_reader(handle)
            os.close(handle)
    return "the model's process died"


async def _canary(server: Server) -> str:
    failures = 0
    while True:
        await asyncio.sleep(CANARY_EVERY)
        try:
            await server.canary(CANARY_LIMIT)
            failures = 0
        except (OSError, TimeoutError) as error:
            failures += 1
            if failures == 2:
                return f"the model does not answer ({str(error) or type(error).__name__})"
