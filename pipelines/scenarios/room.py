"""What lies between a mouth and a microphone: the room's echo, noise, distance. Pure functions, the same every time.

All of it is made here from seeded random numbers; nothing is recorded. It is near enough to a real room to see what an
echo or noise does to recognition and endpointing. It does not measure a room.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from sophia.audio import EAR_RATE, Pcm

Colour = Literal["white", "pink"]
Wave = NDArray[Any]

_BLOCK = EAR_RATE // 50
_SPEECH_BELOW_PEAK = 10 ** (-25 / 20)
_FULL_SCALE = 32768.0
_LOWEST_HZ = 50.0
"""Pink noise begins here: what is lower no telephone or headset passes on, and it would take most of the power."""

DIRECT_TO_ECHO_DB: Final = 6.0
"""How much louder the direct sound is than all of its echo together: a mouth half a metre away in a living room."""

_FIRST_ECHO = 0.005
"""Seconds from the direct sound to the echo: a detour of some 1.7 m."""


def speech_level(pcm: Pcm | Wave) -> float:
    """The root mean square of the stretches in which somebody speaks, in units of a sample; 0 for silence.

    These are the 20 ms less than 25 dB below the loudest, so that pauses and silence around do not count (the idea of
    the active speech level of ITU-T P.56, without its hangover).
    """
    whole = pcm[: len(pcm) // _BLOCK * _BLOCK] if len(pcm) >= _BLOCK else np.pad(pcm, (0, _BLOCK - len(pcm)))
    powers = np.mean(np.square(whole.reshape(-1, _BLOCK).astype(np.float64)), axis=1)
    active = powers[powers >= powers.max() * _SPEECH_BELOW_PEAK**2]
    return float(np.sqrt(active.mean()))


def amplified(pcm: Pcm, decibels: float) -> Pcm:
    """``pcm`` louder or quieter; what does not fit into 16 bits is clipped."""
    return _pcm(pcm.astype(np.float64) * 10 ** (decibels / 20))


def echoed(pcm: Pcm, t60: float, seed: int) -> Pcm:
    """``pcm`` as heard in a room whose echo falls by 60 dB in ``t60`` seconds (0.2 bedroom, 0.4 living room, 1 hall).

    The echo is noise that decays exponentially (Polack's model), :data:`DIRECT_TO_ECHO_DB` below the direct sound,
    which stays where it is. The level of the speech stays, too; the result is longer by ``t60``.
    """
    samples = max(1, round(t60 * EAR_RATE))
    time = np.arange(samples) / EAR_RATE
    echo = np.random.default_rng(seed).standard_normal(samples) * 10 ** (-3 * time / t60)
    echo[time < _FIRST_ECHO] = 0.0
    energy = float(np.sum(np.square(echo)))
    if energy > 0:
        echo *= np.sqrt(10 ** (-DIRECT_TO_ECHO_DB / 10) / energy)
    response = np.concatenate([[1.0], echo[1:], [0.0]])
    size = 1 << (len(pcm) + samples).bit_length()
    spectrum = np.fft.rfft(pcm.astype(np.float64), size) * np.fft.rfft(response, size)
    heard = np.fft.irfft(spectrum, size)[: len(pcm) + samples]
    before, after = speech_level(pcm), speech_level(heard)
    return _pcm(heard * (before / after if after else 1.0))


def noise(colour: Colour, samples: int, seed: int) -> NDArray[np.float64]:
    """Noise of root mean square 1, shape ``(samples,)``, that can be repeated without a seam.

    ``pink`` has as much power in each octave, as many natural backgrounds do.
    """
    white = np.random.default_rng(seed).standard_normal(samples)
    if colour == "pink":
        hz = np.fft.rfftfreq(samples, 1 / EAR_RATE)
        shape = np.where(hz < _LOWEST_HZ, 0.0, 1 / np.sqrt(np.maximum(hz, _LOWEST_HZ)))
        white = np.fft.irfft(np.fft.rfft(white) * shape, samples)  # the FFT's period is the seam that is not there
    power = float(np.sqrt(np.mean(np.square(white)))) if samples else 0.0
    return white / power if power else white


def scaled(sound: Pcm | Wave, speech: float, snr_db: float) -> Pcm:
    """``sound`` as a background ``snr_db`` below a speech of level ``speech`` (see :func:`speech_level`)."""
    wave = sound.astype(np.float64)
    level = float(np.sqrt(np.mean(np.square(wave)))) if len(wave) else 0.0
    return _pcm(wave * (speech * 10 ** (-snr_db / 20) / level if level else 0.0))


def mixed(speech: Pcm, background: Pcm | Wave, snr_db: float) -> Pcm:
    """``speech`` over ``background``, which is repeated or cut to its length and lies ``snr_db`` below the speech."""
    under = scaled(np.resize(background, len(speech)), speech_level(speech), snr_db)
    return _pcm(speech.astype(np.float64) + under)


def seamless(pcm: Pcm, seconds: float = 0.05) -> Pcm:
    """A recorded background, shorter by ``seconds``, whose end runs over into its beginning without a click."""
    fade = min(round(seconds * EAR_RATE), len(pcm) // 2)
    if fade == 0:
        return pcm
    rising = np.sin(0.5 * np.pi * (np.arange(fade) + 0.5) / fade)  # equal power: the two ends are not alike
    wave = pcm.astype(np.float64)
    wave[:fade] = wave[:fade] * rising + wave[-fade:] * rising[::-1]
    return _pcm(wave[:-fade])


def _pcm(wave: Wave) -> Pcm:
    return np.clip(np.rint(wave), -_FULL_SCALE, _FULL_SCALE - 1).astype(np.int16)
