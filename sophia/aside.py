"""Blocking calls beside the event loop, for things that may hang for ever, like opening a sound card."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def aside(work: Callable[[], T]) -> T:
    """Runs ``work`` in a thread of its own and returns or raises what it does.

    The thread is a daemon: unlike ``asyncio.to_thread``'s, one that hangs cannot keep the process from ending. When
    the waiting task is cancelled the thread goes on and its result is let go.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(call: Callable[[], None]) -> None:
        if not done.done():
            call()

    def body() -> None:
        try:
            result = work()
        except Exception as error:
            failure = error  # the name is unbound after the block
            call = lambda: done.set_exception(failure)  # noqa: E731
        else:
            call = lambda: done.set_result(result)  # noqa: E731
        with contextlib.suppress(RuntimeError):  # the loop may be closed by now
            loop.call_soon_threadsafe(settle, call)

    threading.Thread(target=body, name="aside", daemon=True).start()
    return await done
