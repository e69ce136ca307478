"""The spectrum that hibari's network writes, turned into sound piece by piece, at another pitch if asked for.

A frame of 12.5 ms is a filter on pulses at the voice's pitch, and noise besides. The network writes all frames of a
clause at once; the sound of each few of them can be handed out before the next are made. No silence around it is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

RATE: Final = 24_000
HOP: Final = 300
"""Samples of a frame."""

_WINDOW = 4  # frames that a sample is made of
_PIECE = 10  # frames, 125 ms

_VOICED_HERTZ = 40.0
_RIPPLE = 11  # bins of 20 Hz: the network's filter follows the harmonics of its own pitch, which are about so far apart

_AUDIBLE_DB = -55.0
"""Below the loudest frame; what is before and behind is silence."""

_LEAD_KEPT, _TAIL_KEPT = 3, 10
"""Frames that stay before and behind those that are heard.

A frame is heard from 25 ms before it on. So some 30 ms of silence are left before a clause and 130 ms behind it; the
network makes 350 and 180 ms."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Spectrum:
    """A clause: the network's outputs by name, each of 601 bins by frames, and ``f0`` in Hz by frames."""

    outputs: Mapping[str, Floats]

    @property
    def frames(self) -> int:
        """How many frames there are."""
        return len(self.outputs["f0"])

    @cached_property
    def audible(self) -> tuple[int, int]:
        """The first frame that is heard and the one behind the last; known before any sound is made."""
        voiced = self.outputs["f0"] > _VOICED_HERTZ
        power = self._sizes["ln"] ** 2 + self._sizes["lr"] ** 2 + voiced * self._sizes["lh"] ** 2
        loudness = power.sum(axis=0)
        loud = np.flatnonzero(loudness > loudness.max() * 10 ** (_AUDIBLE_DB / 10))
        return int(loud[0]), int(loud[-1]) + 1

    @property
    def kept(self) -> tuple[int, int]:
        """The frames that are made into sound."""
        first, last = self.audible
        return max(1, first - _LEAD_KEPT), min(self.frames - _WINDOW // 2, last + _TAIL_KEPT)

    def sound(self, factor: float = 1.0, shift: float = 0.0) -> Iterator[Floats]:
        """Pieces of at most 125 ms, the same each time; the voice's pitch times ``factor`` plus ``shift`` in Hz."""
        from hibari import dsp  # noqa: PLC0415  # with its network

        f0 = self.outputs["f0"]
        envelope, turn = self.outputs["lh"], np.float32(np.pi) * np.tanh(self.outputs["theta"])
        if factor != 1.0 or shift:
            voiced = f0 > _VOICED_HERTZ
            f0 = np.where(voiced, np.maximum(f0 * factor + shift, 1.5 * _VOICED_HERTZ), f0).astype(np.float32)
            envelope = np.where(voiced, _smooth(envelope), envelope).astype(np.float32)
        pulses = np.pad(dsp.pulses(f0), dsp.N_FFT // 2, mode="reflect")
        frames = np.lib.stride_tricks.sliding_window_view(pulses, dsp.N_FFT)[::HOP]
        chance = np.random.default_rng(0)
        begin, end = self.kept
        late: Floats = np.zeros((_WINDOW - 1, HOP), np.float32)  # what the last piece's frames give to the next
        at = begin - 1  # a sample is whole when all frames over it are there
        while at < end + 2:
            to = min(at + _PIECE, end + 2)
            some = slice(at, to)
            spectrum = dsp.rfft(frames[some] * dsp.WIN_SRC, 1).T
            spectrum = spectrum * np.exp(1j * turn[:, some]) * dsp.ex(envelope[:, some])
            noise = chance.standard_normal((spectrum.shape[0], 2 * (to - at)), dtype=np.float32).view(np.complex64)
            spectrum += noise * self._sizes["ln"][:, some]
            spectrum += np.exp(1j * self.outputs["phi"][:, some]) * self._sizes["lr"][:, some]
            made = (dsp.irfft(spectrum.astype(np.complex64).T, dsp.N_FFT, 1) * dsp.WIN).reshape(to - at, _WINDOW, HOP)
            blocks: Floats = np.concatenate([late, np.zeros((to - at, HOP), np.float32)])
            for k in range(_WINDOW):
                blocks[k : k + to - at] += made[:, k]
            late = blocks[to - at :]
            whole = blocks[: to - at] / _WINDOWS_SQUARED
            yield (whole[_WINDOW - 1 :] if at == begin - 1 else whole).reshape(-1)
            at = to

    @cached_property
    def _sizes(self) -> dict[str, Floats]:
        from hibari import dsp  # noqa: PLC0415

        return {name: dsp.ex(self.outputs[name]) for name in ("lh", "ln", "lr")}


_WINDOWS_SQUARED = 1.5
"""Sum of the squares of Hann windows a quarter of their length apart."""


def _smooth(envelope: Floats) -> Floats:
    """The mean over :data:`_RIPPLE` bins: the filter without the harmonics of the pitch that it was made for."""
    half = _RIPPLE // 2
    sums = np.cumsum(np.pad(envelope, ((half + 1, half), (0, 0)), mode="edge"), axis=0)
    smoothed: Floats = ((sums[_RIPPLE:] - sums[:-_RIPPLE]) / _RIPPLE).astype(np.float32)
    return smoothed
