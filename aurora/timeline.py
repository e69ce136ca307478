"""When each frame of the face is due: looked up by how much of the reply's sound has been played, never by arrival.

Frames come in bursts and ahead of their time; here they wait, by generation, until the playout clock reaches them. No
clock, no await, no I/O.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from aurora.face import ARKIT, FaceFrame, Weights

LEAD = 0.015
"""Seconds by which the lips run ahead of the sound, because a pose stays on show until the next look and is half a
picture old on average. Early lips are forgiven more easily than late ones: ITU-R BT.1359 puts what people detect at
sound that is 45 ms early or 125 ms late."""

BRIDGED = 0.1
"""Longest gap between two frames, in seconds, across which poses are interpolated."""

HOLD = 1 / 30
"""Seconds for which the last frame before a longer gap, or at the end, stays."""

KEPT_SECONDS = 300.0
"""Frames of so much sound are kept per generation. When full, the earliest are dropped."""

MOST_PER_SECOND = 120
"""Frames of a second that are kept, on average: twice what screens show. A service that sends more is kept for less."""

GENERATIONS = 4
"""Generations kept at once: the playing one, a speculative one and what is on its way out. The oldest goes first."""

SPARE_SECONDS, SPARE_SHARE = 2.0, 0.25
"""How much longer than its sound a stream may be: a service may pad 1.5 s of silence, a piece may be on its way."""

_MOUTH = np.array([name.startswith(("jaw", "mouth", "tongue")) for name in ARKIT])


@dataclass(frozen=True, slots=True)
class Shown:
    """Which pose is on show.

    ``code`` is the second of the sound that it was made for, between two frames the time between theirs. ``mouth``
    is the same number for mouths that are exactly equal.
    """

    code: float
    mouth: int


class _Filed(NamedTuple):
    weights: Weights
    late: float
    """Seconds from the first sample of its clip to the clip's first time code."""
    mouth: int


class _Track:
    """One generation's frames in the order of their times."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.frames: list[_Filed] = []
        self._clip = math.nan
        self._late = 0.0

    def add(self, clip: float, time: float, weights: Weights) -> None:
        # A clip's first frame belongs to its first sample. If its time code says otherwise, all codes of the clip are
        # off by as much. Each clip is an RPC of its own and is judged by its own first frame: frames that are lost
        # between two clips, or a first clip too short for any frame, are holes and move nothing else.
        if clip != self._clip:
            self._clip, self._late = clip, time - clip
        filed = _Filed(weights, self._late, hash(weights[_MOUTH].tobytes()))
        at = bisect_left(self.times, time)
        if at < len(self.times) and self.times[at] == time:
            self.frames[at] = filed
            return
        self.times.insert(at, time)
        self.frames.insert(at, filed)
        while self.times[-1] - self.times[0] > KEPT_SECONDS or len(self.times) > KEPT_SECONDS * MOST_PER_SECOND:
            del self.times[0], self.frames[0]

    def find(self, time: float) -> tuple[int, float] | None:
        """Which frame is on show, and its share of the way to the next one, if it has begun that way."""
        after = bisect_right(self.times, time)
        if after == 0:
            return None
        before = after - 1
        since = time - self.times[before]
        if after < len(self.times) and (gap := self.times[after] - self.times[before]) <= BRIDGED:
            return before, since / gap
        return (before, 0.0) if since <= HOLD else None


class FaceTimeline:
    """Frames of the reply now playing and of those that may follow.

    Generations are numbers that only grow. What is cleared stays cleared: frames of that generation, or an older
    one, that arrive late are refused.
    """

    def __init__(self, lead: float = LEAD) -> None:
        self._lead = lead
        self._tracks: dict[int, _Track] = {}
        self._cleared = -1

    def add(self, generation: int, offset: float, frame: FaceFrame) -> bool:
        """Files a frame at ``offset + frame.time`` seconds of the generation's sound; false if it is stale."""
        if generation <= self._cleared or not math.isfinite(offset):
            return False
        if generation not in self._tracks:
            if len(self._tracks) >= GENERATIONS:
                oldest = min(self._tracks)
                if generation < oldest:
                    return False
                self.clear(oldest)
            self._tracks[generation] = _Track()
        self._tracks[generation].add(offset + frame.clip, offset + frame.time, frame.weights)
        return True

    def at(self, generation: int, position: float) -> Weights | None:
        """The pose while the sound at ``position`` seconds is heard; ``None`` where the face has nothing to show."""
        track = self._tracks.get(generation)
        if track is None or (found := track.find(position + self._lead)) is None:
            return None
        at, share = found
        pose = track.frames[at].weights
        return pose + share * (track.frames[at + 1].weights - pose) if share else pose

    def shown(self, generation: int, position: float, sound: float) -> Shown | None:
        """Which pose :meth:`at` gives at ``position``; ``sound`` is how many seconds of the reply have been made.

        A clip's first frame belongs to its first sample, whatever its time code. So does the last frame to the last
        sample, in a stream that is far longer than its sound: then the codes run at a wrong pace, and are scaled.
        """
        track = self._tracks.get(generation)
        if track is None or (found := track.find(position + self._lead)) is None:
            return None
        at, share = found
        code = track.times[at] - track.frames[at].late
        if share:
            code += share * (track.times[at + 1] - track.times[at])
        if (reach := self.reach(generation)) > sound + SPARE_SECONDS + SPARE_SHARE * sound:
            code *= sound / reach
        return Shown(code, track.frames[at].mouth)

    def reach(self, generation: int) -> float:
        """Up to which second of the sound frames have come; 0 if none has."""
        track = self._tracks.get(generation)
        return track.times[-1] + HOLD if track and track.times else 0.0

    def clear(self, generation: int) -> None:
        """Forgets this generation and all before it, for good."""
        self._cleared = max(self._cleared, generation)
        for stale in [g for g in self._tracks if g <= generation]:
            del self._tracks[stale]
