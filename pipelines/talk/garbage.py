"""When Python looks for objects that only know each other, so that a look does not hold up everybody's conversation.

A full look walks all that was made since the runtime began: 55 ms with 40 conversations, on one core of an AMD EPYC.
By itself Python takes one about every 40 s while 30 conversations go on, and sooner where many begin. Whoever waits for
an answer then waits for that as well. Each turn leaves some 75 objects behind for it, so it is not urgent.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

RARELY = 100
"""Python's own full looks come after so many smaller ones at the earliest, ten times as rarely as by default."""

LEFT_BEHIND = 32
"""Conversations that ended, and left some 0.6 MB each, after which there is a look, whoever else talks."""

SETTLED_SECONDS = 1.0
"""After the end of a conversation its tasks are gone."""


@contextmanager
def swept() -> Iterator[Callable[[int], None]]:
    """Takes all that there is by now for lasting, and looks at the rest rarely, until the block ends.

    Yields what is to be told of each conversation that ends, with how many are left: where nobody is left, a look
    disturbs nobody. Call both in the loop that runs the conversations.
    """
    loop, usual, ended = asyncio.get_running_loop(), gc.get_threshold(), 0
    due: asyncio.TimerHandle | None = None  # one look does for all who leave before it

    def over(left: int) -> None:
        nonlocal ended, due
        ended += 1
        if due is None and (ended >= LEFT_BEHIND or not left):
            due = loop.call_later(SETTLED_SECONDS, look)

    def look() -> None:
        nonlocal ended, due
        ended, due = 0, None
        gc.collect()

    gc.collect()
    gc.freeze()
    gc.set_threshold(*usual[:2], RARELY)
    try:
        yield over
    finally:
        if due:
            due.cancel()
        gc.set_threshold(*usual)
        gc.unfreeze()
