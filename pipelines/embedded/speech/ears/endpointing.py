"""Where an utterance starts, pauses and ends: Riva's two-pass endpointing as a pure state machine.

Voice probabilities of 32 ms frames go in, decisions come out. No audio, no recogniser, no clock.
"""

from __future__ import annotations

import enum
import math
from collections import deque
from dataclasses import dataclass

FRAME_MS = 32
"""Silero's frame: 512 samples at 16 kHz."""

VOICED = 0.5
UNVOICED = 0.35
"""Silero's usual hysteresis: a frame starts to count as voiced above the first, and stops below the second."""

PAUSE_MS = 64
"""Silence after which the second recognition pass is worth starting although the user may go on."""

LONGEST_MS = 30_000
"""An utterance is closed after this long, whatever is said: it bounds memory and the second pass."""


class Decision(enum.Enum):
    """What the last frame meant for the utterance."""

    START = "start"
    PAUSE = "pause"  # silence long enough to speculate
    RESUME = "resume"  # …and the user went on
    STABLE = "stable"  # first pass of end-of-utterance: stop_history_eou
    FINAL = "final"  # second pass: stop_history


@dataclass(frozen=True, slots=True)
class Endpointing:
    """Windows in ms and the fraction of frames in them that must agree, as in Riva's ``EndpointingConfig``.

    ``stop_history_eou`` of 0 switches the first pass off. The defaults of the stop windows are those of NVIDIA's
    own voice agents; the start window is what keeps Silero from starting on clicks.
    """

    start_history: int = 96
    start_threshold: float = 0.9
    stop_history: int = 500
    stop_threshold: float = 0.98
    stop_history_eou: int = 240
    stop_threshold_eou: float = 0.98

    def __post_init__(self) -> None:
        for name in ("start_threshold", "stop_threshold", "stop_threshold_eou"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"{name} must be more than 0 and at most 1, not {getattr(self, name):g}")
        if not 32 <= self.start_history <= 2000:
            raise ValueError(f"start_history must be 32 to 2000 ms, not {self.start_history}")
        if not 160 <= self.stop_history <= 10_000:
            raise ValueError(f"stop_history must be 160 to 10000 ms, not {self.stop_history}")
        if self.stop_history_eou and not 80 <= self.stop_history_eou <= self.stop_history:
            raise ValueError(
                f"stop_history_eou must be 80 ms or more and not above stop_history ({self.stop_history} ms), "
                f"not {self.stop_history_eou}"
            )


class Endpointer:
    """Feeds on voice probabilities, one for each 32 ms; says what each meant.

    ``speaking`` is true from :attr:`Decision.START` to :attr:`Decision.FINAL`.
    """

    def __init__(self, settings: Endpointing | None = None) -> None:
        self.settings = settings = settings or Endpointing()
        self.speaking = False
        self._start = _frames(settings.start_history)
        self._stop = _frames(settings.stop_history)
        self._eou = _frames(settings.stop_history_eou)
        self._pause = _frames(PAUSE_MS)
        self._recent: deque[bool] = deque(maxlen=max(self._start, self._stop))
        self._voiced = False
        self._silence = 0  # unvoiced frames at the end of the utterance so far
        self._length = 0  # frames of the utterance so far
        self._paused = self._stable = False

    @property
    def silence_ms(self) -> int:
        """Silence since the last voiced frame of the utterance."""
        return self._silence * FRAME_MS

    def feed(self, probability: float) -> list[Decision]:
        """Takes the voice probability of the next frame."""
        self._voiced = probability >= (UNVOICED if self._voiced else VOICED)
        self._recent.append(self._voiced)
        return self._inside() if self.speaking else self._outside()

    def finish(self) -> list[Decision]:
        """Ends the utterance now, if there is one."""
        if not self.speaking:
            return []
        self._close()
        return [Decision.FINAL]

    def _outside(self) -> list[Decision]:
        window = list(self._recent)[-self._start :]
        if len(window) < self._start or sum(window) < self.settings.start_threshold * len(window):
            return []
        self.speaking = True
        self._silence = 0
        self._length = len(window)
        self._paused = self._stable = False
        return [Decision.START]

    def _inside(self) -> list[Decision]:
        self._length += 1
        out = []
        if self._voiced:
            self._silence = 0
            if self._paused:
                self._paused = self._stable = False
                out.append(Decision.RESUME)
        else:
            self._silence += 1
            if self._silence >= self._pause and not self._paused:
                self._paused = True
                out.append(Decision.PAUSE)
        if self._eou and not self._stable and self._quiet(self._eou, self.settings.stop_threshold_eou):
            self._stable = True
            out.append(Decision.STABLE)
        if self._quiet(self._stop, self.settings.stop_threshold) or self._length * FRAME_MS >= LONGEST_MS:
            self._close()
            out.append(Decision.FINAL)
        return out

    def _quiet(self, window: int, threshold: float) -> bool:
        """Whether enough of the last ``window`` frames were silent, the very last one among them."""
        if self._silence == 0 or self._length < window:
            return False
        return sum(not v for v in list(self._recent)[-window:]) >= threshold * window

    def _close(self) -> None:
        self.speaking = False
        self._recent.clear()
        self._voiced = False


def _frames(ms: int) -> int:
    return math.ceil(ms / FRAME_MS)
