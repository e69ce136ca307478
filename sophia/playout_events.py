"""What the playout tells of each generation: when it begins to sound, when it runs dry, when it is over. Plain data."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class PlayoutStarted:
    """The generation's first audible sample (leading silence does not count) is heard at ``time``.

    ``at`` is when a playout's event was told; it is no part of what happened, so two events are equal without it.
    """

    generation: int
    time: float
    at: float = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True)
class PlayoutFinished:
    """The generation's last sample, its ``samples``-th, is over at ``time``."""

    generation: int
    time: float
    samples: int
    at: float = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True)
class PlayoutUnderrun:
    """The generation had nothing to play from ``time`` on, for ``samples`` samples; told when the gap is over."""

    generation: int
    time: float
    samples: int
    at: float = field(default=0.0, compare=False)


PlayoutEvent = PlayoutStarted | PlayoutFinished | PlayoutUnderrun
