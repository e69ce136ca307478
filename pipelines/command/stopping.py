"""Ctrl+C and SIGTERM: how a program in an event loop is told to stop, and that it is over soon after."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pipelines.command.endings import STOPPED, hurry

STOP_SECONDS = 2.0
"""A program ends within this time, whatever a peer does."""

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def told_to_stop(
    stop: Callable[[], object],
    *,
    within: float | None = STOP_SECONDS,
    last: Callable[[], None] = lambda: None,
    signals: Sequence[signal.Signals] = SIGNALS,
) -> Iterator[None]:
    """Has ``stop`` called by each of ``signals`` while the block runs.

    ``within`` so many seconds of the first one the process ends by force, after ``last``; the embedded services die
    with it. ``None``: whoever stops may take its time.
    """
    loop = asyncio.get_running_loop()

    def told() -> None:
        if within is not None:
            over_within(within, last)
        stop()

    for number in signals:
        loop.add_signal_handler(number, told)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


def over_within(seconds: float, last: Callable[[], None] = lambda: None) -> None:
    """Ends the process by force after so many ``seconds``, if it has not ended by then; before that calls ``last``.

    That is a timer of the loop. Once the loop is over, :func:`pipelines.command.run.run` makes haste.
    """
    hurry.add("stop")

    def leave() -> None:
        last()
        os._exit(STOPPED)

    asyncio.get_running_loop().call_later(seconds - 0.2, leave)


async def until_stopped(
    work: Coroutine[Any, Any, int], stop: Callable[[], bool], *, last: Callable[[], None] = lambda: None
) -> int:
    """Runs ``work`` to its end, and returns its exit code.

    A signal calls ``stop``. Where that returns false there is nothing yet that could end by itself, and the work is
    cancelled.
    """
    task = asyncio.create_task(work)
    try:
        with told_to_stop(lambda: stop() or task.cancel(), last=last):
            return await task
    except asyncio.CancelledError:
        return STOPPED
