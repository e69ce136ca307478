"""Sounds whose every voiced sample is known, and files made of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sophia.audio import EAR_RATE, Pcm
from sophia.wav import WavWriter


def buzz(seconds: float, level: int = 6000) -> Pcm:
    """Something like a voice: loud from its first to its last sample."""
    time = np.arange(round(seconds * EAR_RATE)) / EAR_RATE
    wave = np.sign(np.sin(2 * np.pi * 120 * time)) * (0.8 + 0.2 * np.sin(2 * np.pi * 5 * time))
    return np.rint(level * wave).astype(np.int16)


def silence(seconds: float) -> Pcm:
    return np.zeros(round(seconds * EAR_RATE), np.int16)


def sound(*parts: float) -> Pcm:
    """Silence and buzz in turn, beginning with silence; lengths in seconds."""
    return np.concatenate([buzz(part) if place % 2 else silence(part) for place, part in enumerate(parts)])


def write(path: Path, pcm: Pcm, rate: int = EAR_RATE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with WavWriter(path, rate) as file:
        file.write(pcm)
    return path
