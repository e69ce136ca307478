"""How a mouth looks while it makes each sound of speech: what the lip network is trained towards and judged by.

Only training and its evaluation need this. The table is our own reading of articulatory phonetics: how far the jaw
drops, whether the lips touch, how they round or spread.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float32]

CONTROLS = ("jaw", "close", "funnel", "pucker", "spread", "teeth", "roll", "tongue")
"""What the network steers, each 0..1; ``rig.py`` makes blendshapes of them."""


class Phone(NamedTuple):
    """A sound of speech with its time in seconds; ``name`` is IPA, or empty for silence."""

    start: float
    end: float
    name: str


def _pose(jaw: float, **others: float) -> Curve:
    pose = np.zeros(len(CONTROLS), np.float32)
    pose[0] = jaw
    for control, value in others.items():
        pose[CONTROLS.index(control)] = value
    return pose


_SPREAD_E = _pose(0.45, spread=0.3, teeth=0.2)
_SCHWA = _pose(0.32, spread=0.05, teeth=0.1)
_ROUND_R = _pose(0.2, funnel=0.4, pucker=0.25, teeth=0.1, tongue=0.2)
_LIPS_SHUT = _pose(0.06, close=1.0)
_LIP_ON_TEETH = _pose(0.1, spread=0.05, teeth=0.3, roll=0.8)
_TONGUE_AT_TEETH = _pose(0.2, spread=0.1, teeth=0.3, tongue=0.6)
_TONGUE_TIP = _pose(0.14, spread=0.15, teeth=0.35, tongue=0.4)
_HISS = _pose(0.08, spread=0.35, teeth=0.45, tongue=0.2)
_HUSH = _pose(0.1, funnel=0.6, pucker=0.2, teeth=0.45, tongue=0.1)
_BACK = _pose(0.22, spread=0.1, teeth=0.15)
_OPEN_ROUND = _pose(0.55, funnel=0.45, pucker=0.1)
_OH = _pose(0.4, funnel=0.4, pucker=0.4)
_OO = _pose(0.15, funnel=0.35, pucker=0.8)

POSES: dict[str, Curve] = {
    "ɑ": _pose(0.75, funnel=0.1, teeth=0.1),
    "a": _pose(0.7, spread=0.1, teeth=0.1),
    "æ": _pose(0.65, spread=0.3, teeth=0.2),
    "ʌ": _pose(0.45, spread=0.05, teeth=0.1),
    "ə": _SCHWA,
    "ɐ": _pose(0.4, spread=0.05, teeth=0.1),
    "ɔ": _OPEN_ROUND,
    "ɒ": _pose(0.6, funnel=0.4),
    "aʊ": _pose(0.6, funnel=0.25, pucker=0.15),
    "aɪ": _pose(0.65, spread=0.25, teeth=0.15),
    "ɛ": _SPREAD_E,
    "e": _pose(0.4, spread=0.35, teeth=0.2),
    "eɪ": _pose(0.38, spread=0.42, teeth=0.2),
    "ɜ": _pose(0.32, funnel=0.35, pucker=0.15, teeth=0.1),
    "ɚ": _pose(0.3, funnel=0.35, pucker=0.15, teeth=0.1),
    "ɪ": _pose(0.25, spread=0.35, teeth=0.2),
    "i": _pose(0.18, spread=0.5, teeth=0.25),
    "iː": _pose(0.16, spread=0.6, teeth=0.25),
    "ᵻ": _pose(0.25, spread=0.3, teeth=0.2),
    "o": _OH,
    "oʊ": _OH,
    "oː": _pose(0.45, funnel=0.4, pucker=0.35),
    "ɔɪ": _pose(0.45, funnel=0.4, pucker=0.15, spread=0.1),
    "ʊ": _pose(0.25, funnel=0.35, pucker=0.35),
    "u": _OO,
    "w": _pose(0.12, funnel=0.3, pucker=0.85),
    "ɹ": _ROUND_R,
    "r": _ROUND_R,
    "l": _pose(0.28, spread=0.1, teeth=0.1, tongue=0.6),
    "əl": _pose(0.28, spread=0.1, teeth=0.1, tongue=0.6),
    "p": _LIPS_SHUT,
    "b": _LIPS_SHUT,
    "m": _LIPS_SHUT,
    "f": _LIP_ON_TEETH,
    "v": _LIP_ON_TEETH,
    "θ": _TONGUE_AT_TEETH,
    "ð": _TONGUE_AT_TEETH,
    "t": _TONGUE_TIP,
    "d": _TONGUE_TIP,
    "n": _pose(0.16, spread=0.15, teeth=0.3, tongue=0.4),
    "ɾ": _pose(0.18, spread=0.1, teeth=0.3, tongue=0.4),
    "ʔ": _pose(0.18, teeth=0.1),
    "s": _HISS,
    "z": _HISS,
    "ʃ": _HUSH,
    "ʒ": _HUSH,
    "tʃ": _HUSH,
    "dʒ": _HUSH,
    "k": _BACK,
    "ɡ": _BACK,
    "ŋ": _BACK,
    "h": _pose(0.28, spread=0.05, teeth=0.1),
    "j": _pose(0.15, spread=0.5, teeth=0.2, tongue=0.1),
}

BILABIALS = frozenset("pbm")
"""Sounds that don't exist without the lips touching."""

OPEN_VOWELS = frozenset({"ɑ", "a", "æ", "ʌ", "ɔ", "ɒ", "aʊ", "aɪ", "ɛ", "eɪ", "oʊ"})
"""Vowels during which lips that touch look wrong."""

_SMEAR = 0.025
"""Seconds (standard deviation) over which neighbouring sounds colour each other."""


def plain(name: str) -> str:
    """The phone without stress marks, and without length unless the length changes the pose."""
    bare = name.replace("ˈ", "").replace("ˌ", "")
    for form in (bare, bare.replace("ː", ""), bare[:2], bare[:1]):
        if form in POSES:
            return form
    return ""


def curves(phones: Sequence[Phone], seconds: float, hop: float = 0.01) -> Curve:
    """The controls every ``hop`` seconds, shape ``(n, 8)``; row ``i`` stands for the time ``(i + 0.5) * hop``."""
    count = int(seconds / hop)
    times = (np.arange(count) + 0.5) * hop
    held = np.zeros((count, len(CONTROLS)), np.float32)
    for phone in phones:
        if name := plain(phone.name):
            held[(times >= phone.start) & (times < phone.end)] = POSES[name]
    reach = np.arange(-8, 9) * hop
    kernel = np.exp(-0.5 * (reach / _SMEAR) ** 2)
    kernel /= kernel.sum()
    smooth = np.stack([np.convolve(held[:, j], kernel, "same") for j in range(len(CONTROLS))], axis=1)
    for phone in phones:  # smearing must not open lips that have to touch
        if (name := plain(phone.name)) in BILABIALS:
            released = 0.0 if name == "m" else 0.01  # plosives burst open a little before their end
            shut = (times >= phone.start - 0.005) & (times < phone.end - released)
            smooth[shut, 1] = np.maximum(smooth[shut, 1], 0.95)
            smooth[shut, 0] = np.minimum(smooth[shut, 0], 0.15)
    return smooth.astype(np.float32)
