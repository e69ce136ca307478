"""How an embedded service ends a call that it cannot serve: with a status, one line, and a client that gets to read it.

A client of ``grpc.aio`` that is still writing when its call ends shows "Internal error from Core" in place of the
status. So the service reads what the client has to say before it ends the call, as far as the client is quick.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import grpc

READ_OUT_SECONDS = 2.0
"""How long a client whose call is refused may go on writing. A file is through by then; a microphone never is."""

QUIET_SECONDS = 0.5
"""A client that wrote nothing for so long is not writing: it waits for the answer, with its side of the call open."""

LONGEST_LINE = 500
"""Characters of a status line; a header has to hold it."""

log = logging.getLogger("sophia.embedded")


async def refuse(context: Any, code: grpc.StatusCode, why: str) -> None:
    """Ends the call of ``context`` with ``code`` and ``why`` as one line; never returns."""
    await read_out(context)
    await context.abort(code, " ".join(why.split())[:LONGEST_LINE])


async def read_out(context: Any, seconds: float = READ_OUT_SECONDS) -> None:
    """Reads a client's messages and drops them until they end or pause, for ``seconds`` at most."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(seconds), asyncio.timeout(QUIET_SECONDS) as quiet:
            while await context.read() is not grpc.aio.EOF:
                quiet.reschedule(loop.time() + QUIET_SECONDS)
    except Exception as error:  # the client has gone, or its time is up: there is a status to tell in any case
        log.debug("a refused call was not read to its end: %r", error)


@asynccontextmanager
async def refusing(context: Any, codes: Mapping[type[Exception], grpc.StatusCode]) -> AsyncIterator[None]:
    """Turns an exception that leaves the body into the call's status.

    Those in ``codes`` say to the client what it did wrong or should do. Any other is our defect: the client gets
    INTERNAL and its name, and the log has its frames.
    """
    try:
        yield
    except grpc.aio.AbortError:
        raise
    except tuple(codes) as error:
        code = next(code for kind, code in codes.items() if isinstance(error, kind))
        await refuse(context, code, str(error))
    except Exception as error:
        log.exception("a call failed")
        await refuse(context, grpc.StatusCode.INTERNAL, f"the service failed: {type(error).__name__}: {error}")
