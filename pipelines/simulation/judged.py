"""The turn model on audio on a virtual clock: the real network on the real sound, told after an exact delay.

A judgement takes no virtual time, whatever it takes in fact, and what was judged once is not judged again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Final

from pipelines.embedded.speech.fetched import turn_model
from pipelines.home import home
from pipelines.settings.layers import SettingsError
from pipelines.settings.model import Settings
from sophia.audio import Pcm
from sophia.smart_turn import SmartTurn, TurnModelUnusable

JUDGED_SECONDS: Final = 0.1
"""From the detector's word to the judgement. One core of an AMD EPYC takes half of it, and an old Xeon all."""

REMEMBERED: Final = 100_000
"""Judgements that are remembered; then all are forgotten."""


class RememberingJudge:
    """A :class:`sophia.sounded.SoundJudge` for simulations; ``complete`` is asked on the loop."""

    def __init__(self, complete: Callable[[Pcm], float]) -> None:
        self._complete = complete
        self._known: dict[bytes, float] = {}

    def judge(self, sound: Pcm, tell: Callable[[float], None]) -> Callable[[], None]:
        key = blake2b(sound.tobytes(), digest_size=16).digest()
        if key not in self._known:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[key] = self._complete(sound)
        return asyncio.get_running_loop().call_later(JUDGED_SECONDS, tell, self._known[key]).cancel


def judge_for(settings: Settings) -> RememberingJudge | None:
    """The process's judge if ``settings`` ask for one; raises ``SettingsError`` saying how to get its network."""
    if not settings.turns.sound_veto:
        return None
    try:
        return _judge(turn_model(home()))
    except TurnModelUnusable as unusable:
        raise SettingsError([f"{unusable} {unusable.hint}"]) from None


@lru_cache(maxsize=1)
def _judge(file: Path) -> RememberingJudge:
    return RememberingJudge(SmartTurn(file).complete)
