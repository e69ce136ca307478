"""What her face does while she is silent: whom she attends to, and where she nods. A pure policy: no clock, no await.

She looks at the user while she hears, away while she thinks or a tool runs, and back before she speaks. She nods where
people do: in a pause inside the user's turn, and after words that will not change. All of it follows from events, and
chance from a seed of its own. The user's voice is not looked at for anything but whether there is one.

Whoever shows her face (page, Kit, Live Link) is told the same :class:`Attending` and :class:`Nodded`.
"""

from __future__ import annotations

import math
import random
from typing import Final

from pipelines.conversation.events import (
    Attending,
    GenerationOver,
    Happening,
    HoldStarted,
    Marked,
    Nodded,
    Phase,
    PhaseChanged,
    Stopped,
    Transcribed,
    VoiceStarted,
    VoiceStopped,
)
from sophia.decisions import Commit

DWELL: Final = 0.3
"""Shortest time between two changes, in seconds: whatever the events do, her eyes do not flap."""

ENTER: Final[dict[Phase, float]] = {"thinking": 0.35, "idle": 0.8}
"""How long a state lasts before she shows it; others show at once. A short wait for the reply is no thought."""

SPOKEN: Final = 1.2
"""Seconds of the user's voice before a pause of it is a place to nod."""
NEW_WORDS: Final = 4
"""Words since the last nod before words that will not change are one."""
AFTER: Final = 0.12
"""Seconds from such a place to the nod."""
REST: Final = 2.5
"""Shortest time from nod to nod."""
SHARE: Final = 0.7
"""Share of the places at which she does nod."""
TWICE: Final = 0.35
"""Share of the nods that are double."""
DEPTH: Final = (0.045, 0.075)
"""How far the head dips, in radians."""


class Attention:
    """One conversation's. Hand it each happening, and call :meth:`tick` at :attr:`deadline`; both give what follows."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)
        self._wanted: Phase = "idle"
        self._wanted_at = -math.inf
        self._shown: Phase = "idle"
        self._shown_at = -math.inf
        self._phase: Phase = "idle"
        self._committed = 0
        self._voiced: set[int] = set()  # generations that have sound to be heard
        self._voice_at: float | None = None  # when the voice that sounds now began
        self._spoken = 0.0  # seconds of voice since the last nod
        self._words = 0
        self._nodded_words = 0
        self._nodded = -math.inf
        self._nod_at = math.inf
        self._over = False

    @property
    def deadline(self) -> float | None:
        """When to tick next; None if nothing is waited for."""
        due = self._nod_at
        if self._wanted != self._shown:
            due = min(due, self._shows_at())
        return None if self._over or math.isinf(due) else due

    def told(self, happening: Happening) -> list[Attending | Nodded]:
        """Takes what happened."""
        match happening:
            case PhaseChanged(phase=phase):
                self._phase = phase
            case Commit(generation=generation):
                self._committed = generation
            case Marked(generation=generation, instant="first_audio"):
                self._voiced.add(generation)
            case HoldStarted(generation=generation):
                self._voiced.discard(generation)
            case GenerationOver(generation=generation):
                self._voiced.discard(generation)
            case VoiceStarted(time=time):
                self._voice_at = time
            case VoiceStopped(time=time):
                self._pauses(time, happening.at)
            case Transcribed(transcript=transcript):
                self._words = len(transcript.text.split())
                if transcript.stable and self._words - self._nodded_words >= NEW_WORDS:
                    self._may_nod(happening.at)
            case Stopped():
                self._over = True
            case _:
                return []
        self._want(happening.at)
        return self.tick(happening.at)

    def tick(self, now: float) -> list[Attending | Nodded]:
        """Time has passed."""
        if self._over:
            return []
        news: list[Attending | Nodded] = []
        if self._wanted != self._shown and now >= self._shows_at():
            self._shown, self._shown_at = self._wanted, now
            news.append(Attending(at=now, to=self._shown))
        if now >= self._nod_at:
            self._nod_at = math.inf
            if self._wanted == "hearing" and now - self._nodded >= REST and self._random.random() < SHARE:
                self._nodded, self._nodded_words, self._spoken = now, self._words, 0.0
                twice = self._random.random() < TWICE
                news.append(Nodded(at=now, depth=round(self._random.uniform(*DEPTH), 4), twice=twice))
        return news

    def _shows_at(self) -> float:
        return max(self._wanted_at + ENTER.get(self._wanted, 0.0), self._shown_at + DWELL)

    def _want(self, now: float) -> None:
        phase: Phase = self._phase
        if phase == "paused":
            phase = "hearing"
        elif phase == "thinking" and self._committed in self._voiced:
            phase = "speaking"  # there is sound: she looks back before it is heard
        if phase != self._wanted:
            self._wanted, self._wanted_at = phase, now
        if phase != "hearing":
            self._spoken, self._words, self._nodded_words, self._nod_at = 0.0, 0, 0, math.inf

    def _pauses(self, time: float, now: float) -> None:
        if self._voice_at is not None:
            self._spoken += max(0.0, time - self._voice_at)
            self._voice_at = None
        if self._spoken >= SPOKEN:
            self._may_nod(now)

    def _may_nod(self, now: float) -> None:
        if self._wanted == "hearing":
            self._nod_at = min(self._nod_at, now + AFTER)
