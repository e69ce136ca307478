"""The cue: a short soft sound that tells the user that she hears from now on."""

from __future__ import annotations

import numpy as np

from sophia.audio import Pcm

SECONDS = 0.16
PITCHES = (660.0, 880.0)
"""Hz: two pure tones, rising. A pure tone is no voice to a detector, and no word to a recogniser."""

LEVEL_DBFS = -30.0
"""The loudest it gets: soft beside her voice, so that what comes back of it is near the room's noise."""


def cue(rate: int) -> Pcm:
    """The cue's samples at ``rate`` Hz; each tone fades in and out without a click."""
    time = np.arange(round(rate * SECONDS / len(PITCHES))) / rate
    fade = np.sin(np.pi * np.arange(len(time)) / len(time)) ** 2
    tones = [np.sin(2 * np.pi * pitch * time) * fade for pitch in PITCHES]
    sound: Pcm = np.rint(32767 * 10 ** (LEVEL_DBFS / 20) * np.concatenate(tones)).astype(np.int16)
    return sound
