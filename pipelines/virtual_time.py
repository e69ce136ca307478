"""An event loop on a virtual clock: when nothing is ready to run, time jumps to the next timer.

Conversations with exact delays run in a fraction of their duration and always the same way. No sockets, threads or
subprocesses: whatever would make the loop wait on the outside raises :class:`Stuck` instead of hanging.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Stuck(RuntimeError):
    """Every task waits for something that no timer will bring about: a deadlock in the code under test."""


class _JumpingSelector(selectors.SelectSelector):
    """Asked to wait for a timer, it moves the clock instead; it never looks at a file."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stuck("all tasks are waiting and no timer is set")
        self.now += max(timeout, 0.0)
        return []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An asyncio loop whose :meth:`time` starts at 0 and only moves by jumping to the next timer."""

    def __init__(self) -> None:
        self._virtual = _JumpingSelector()
        super().__init__(self._virtual)
        # Timers closer together than this are due together; a float's rounding must never make the loop spin.
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self._virtual.now


def run(main: Coroutine[Any, Any, T]) -> T:
    """Runs ``main`` to its end in virtual time; raises :class:`Stuck` on a deadlock."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
