"""Gives the policy of her silent face its clock, and tells everybody what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from aurora.idle import IdleFace
from pipelines.conversation.attention import Attention
from pipelines.conversation.events import Attending, Happening, Nodded


class Gestures:
    """One conversation's. ``tell`` is the conversation's door; ``idle`` is the face that rests, and is moved by it."""

    def __init__(self, tell: Callable[[Attending | Nodded], None], idle: IdleFace, seed: int = 0) -> None:
        self._tell = tell
        self._idle = idle
        self._policy = Attention(seed)
        self._timer: asyncio.TimerHandle | None = None

    def told(self, happening: Happening) -> None:
        """What happened; gestures come back by the same way."""
        if isinstance(happening, Attending):
            self._idle.attend(happening.to, happening.at)
        elif isinstance(happening, Nodded):
            self._idle.nod(happening.at, happening.depth, twice=happening.twice)
        else:
            self._follow(self._policy.told(happening))

    def _tick(self) -> None:
        self._timer = None
        self._follow(self._policy.tick(asyncio.get_running_loop().time()))

    def _follow(self, news: Sequence[Attending | Nodded]) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if (deadline := self._policy.deadline) is not None:
            self._timer = asyncio.get_running_loop().call_at(deadline, self._tick)
        for one in news:
            self._tell(one)
