"""Makes clauses that were synthesised one by one sound like one reply: no click, no gap, an even pause between them.

A synthesiser puts silence of its own around each clause, too much or none. :class:`Trim` cuts it down as the sound
streams through, without waiting for the clause's end, and :func:`pause` says how much belongs after a clause.
"""

from __future__ import annotations

import numpy as np

from sophia.audio import Pcm
from sophia.marks import CLOSERS, COMMAS, ENDS

SILENT = 104
"""Samples up to this amplitude count as silence: -50 dB relative to full scale, the playout's audible threshold."""

FIRST_LEAD_SECONDS = 0.005
"""Silence kept before a reply's first audible sample: the user waits for it."""

LEAD_SECONDS = 0.02
"""Silence kept before a later clause's first audible sample, for soft onsets."""

RAMP_SECONDS = 0.003
"""Length of the ramps at a clause's first and last samples."""

HOLD_SECONDS = 1.0
"""Silence inside a clause that is held back at most, in case it is the clause's end."""


def pause(text: str) -> float:
    """Seconds of silence that belong after a clause, by the mark it ends with."""
    last = text.rstrip(CLOSERS + " ")[-1:]
    if not last or last in ENDS:
        return 0.25
    return 0.12 if last in COMMAS or last in "–—" else 0.06


class Trim:
    """One clause's filter: sound in, sound out, at ``rate`` Hz.

    At most ``lead`` and ``tail`` seconds of silence stay before and after it. ``cut`` is how many samples were cut off
    at the beginning, known as soon as any sound came out; ``silence`` how many silent ones are left at the end.
    """

    def __init__(self, rate: int, lead: float, tail: float) -> None:
        self.cut = 0
        self.silence = 0
        self._keep = round(lead * rate)
        self._tail = round(tail * rate)
        self._hold = max(round(HOLD_SECONDS * rate), self._tail)
        self._ramp = max(1, round(RAMP_SECONDS * rate))
        self._held: Pcm = np.zeros(0, np.int16)
        self._begun = False

    def push(self, pcm: Pcm) -> Pcm:
        """Takes the clause's next sound; returns what can be played by now."""
        held = np.concatenate((self._held, pcm)) if len(self._held) else pcm
        loud = np.flatnonzero((held > SILENT) | (held < -SILENT))
        if not self._begun:
            cut = max(0, (int(loud[0]) if loud.size else len(held)) - self._keep)
            self.cut += cut
            held, loud = held[cut:], loud - cut
            if not loud.size:
                self._held = held
                return np.zeros(0, np.int16)
        # Hold back the silence at the end, in case it is the clause's, and always enough for the last ramp.
        end = int(loud[-1]) + 1 if loud.size else 0
        end = max(min(end, len(held) - self._ramp), len(held) - self._hold, 0)
        if not self._begun:
            if end < self._ramp:  # wait for enough to ramp
                end = 0
            else:
                self._begun = True
                held = _ramped(held, self._ramp, up=True)
        out, self._held = held[:end], held[end:]
        return out

    def finish(self) -> Pcm:
        """The clause is over: returns what was held back, cut down to the tail, ending at zero."""
        held, self._held = self._held, np.zeros(0, np.int16)
        loud = np.flatnonzero((held > SILENT) | (held < -SILENT))
        if not loud.size and not self._begun:
            return held[:0]
        end = int(loud[-1]) + 1 if loud.size else 0
        out = held[: end + self._tail]
        self.silence = len(out) - end
        if not self._begun:
            out = _ramped(out, self._ramp, up=True)
        return _ramped(out, self._ramp, up=False)


def _ramped(pcm: Pcm, ramp: int, *, up: bool) -> Pcm:
    """The sound with its first samples rising from zero, or its last ones falling to it."""
    count = min(ramp, len(pcm))
    slope = np.arange(1, count + 1, dtype=np.float32) / (count + 1)
    shaped = pcm.copy()
    if up:
        shaped[:count] = np.rint(pcm[:count] * slope)
    elif count:
        shaped[-count:] = np.rint(pcm[-count:] * slope[::-1])
    return shaped
