"""How a head or a brow moves: towards where it should be, without a jump in place or speed, and never past it."""

from __future__ import annotations

import math


class Spring:
    """A critically damped spring, solved exactly, so that the number of pictures a second changes nothing."""

    def __init__(self, quickness: float) -> None:
        """``quickness`` is in 1/s; 95 % of the way takes about 4.7 / quickness seconds."""
        self._quickness = quickness
        self.at = 0.0
        self._speed = 0.0

    def step(self, target: float, seconds: float) -> float:
        """Where it is ``seconds`` after the last step, drawn to ``target``."""
        k = self._quickness
        off = self.at - target
        push = self._speed + k * off
        fade = math.exp(-k * seconds)
        self.at = target + (off + push * seconds) * fade
        self._speed = (push - k * (off + push * seconds)) * fade
        return self.at


def eased(share: float) -> float:
    """0 at 0, 1 at 1, without a corner at either."""
    return 0.5 - 0.5 * math.cos(math.pi * min(1.0, max(0.0, share)))
