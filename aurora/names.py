"""Blendshapes by name: a service's list of names becomes our order of :data:`aurora.face.ARKIT`.

A service tells its names once, in a header, in its own spelling and order, and may know more shapes than ARKit does.
People's models spell the names in more ways; :func:`arkit_name` understands them as the page does
(``aurora/web/src/arkit.js``; ``tests/aurora/web/names.json`` holds both to one rule).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import numpy as np

from aurora.face import ARKIT, Weights

PASCAL_CASE: tuple[str, ...] = tuple(name[0].upper() + name[1:] for name in ARKIT)
"""The same names as Audio2Face spells them: ``JawOpen``."""

_FOLDED = {name.lower(): name for name in ARKIT}
_PREFIX = re.compile(r"^(blendshapes?[0-9]*|arkit|bs|ex)")
_HALVES = re.compile(r"(browinnerup|cheekpuff)(left|right|l|r)")

LONGEST_NAME = 200
"""Characters; a longer name is none of ARKit's."""


def arkit_name(spelling: str) -> str | None:
    """The ARKit name that a shape of somebody's model means, or ``None``.

    Upper and lower case, ``_ - .`` and spaces do not count; ``_L`` and ``_R`` at the end mean Left and Right. What
    stands before the last ``. : | /`` may be left out, and so may the prefixes blendShape1, ARKit, bs and MPFB's !ex-.
    Models that split browInnerUp or cheekPuff into two sides are understood: both halves mean the whole.
    """
    if len(spelling) > LONGEST_NAME:
        return None
    lower = spelling.lower()
    for part in (lower, re.split(r"[.:|/]", lower)[-1]):
        bare = re.sub(r"[^a-z0-9]", "", part)
        if known := _sided(bare) or _sided(_PREFIX.sub("", bare)):
            return known
    return None


def _sided(bare: str) -> str | None:
    long = {"l": f"{bare[:-1]}left", "r": f"{bare[:-1]}right"}.get(bare[-1:], "")
    half = _HALVES.fullmatch(bare)
    return _FOLDED.get(bare) or _FOLDED.get(long) or (_FOLDED[half[1]] if half else None)


_PLACE = {name.lower(): place for place, name in enumerate(ARKIT)}

MOST_NAMES = 1024
"""More names than this in a header are an attack or a mistake, not a face."""

MouthClose = Literal["a2f", "arkit"]
"""What a service means by mouthClose.

``arkit``: a counter-shape, as on every head with ARKit's names. It shuts the lips of a mouth that jawOpen has opened:
shut lips over a jaw that is half down are jawOpen .5, mouthClose .5. ``a2f``: Audio2Face-3D's own shape has the dropped
jaw in it, so the same lips are jawOpen 0, mouthClose .5. NVIDIA's training framework says so of Claire's shape; Mark's
points the way of jawOpen, too. Nobody here has seen it on a running NIM.
"""

_JAW_OPEN, _MOUTH_CLOSE = ARKIT.index("jawOpen"), ARKIT.index("mouthClose")


class NameMap:
    """Puts a service's weights into our order and ARKit's sense.

    Names that ARKit lacks are left out, shapes that the service lacks stay 0. With ``mouth_close`` of ``a2f`` the jaw
    gets what the service's mouthClose holds of it: jawOpen becomes jawOpen + mouthClose, at most 1. This is the one
    place where that is done; everything behind it, takes and pages, has ARKit's sense.
    """

    def __init__(self, names: Sequence[str], mouth_close: MouthClose = "a2f") -> None:
        if len(names) > MOST_NAMES:
            raise ValueError(f"the face service names {len(names)} blendshapes; at most {MOST_NAMES} make sense")
        known = [(theirs, _PLACE[name.lower()]) for theirs, name in enumerate(names) if name.lower() in _PLACE]
        if not known:
            raise ValueError(f"none of the face service's {len(names)} blendshapes is an ARKit name")
        self._theirs = np.array([theirs for theirs, _ in known], np.intp)
        self._ours = np.array([ours for _, ours in known], np.intp)
        self._needed = known[-1][0] + 1
        self._jaw_in_close = mouth_close == "a2f"

    def __call__(self, values: Sequence[float]) -> Weights:
        """Weights of shape ``(52,)`` in 0..1; what is missing or not a number is 0."""
        given = np.fromiter(values, np.float32, len(values))
        if len(given) < self._needed:
            given = np.concatenate([given, np.zeros(self._needed - len(given), np.float32)])
        weights = np.zeros(len(ARKIT), np.float32)
        weights[self._ours] = np.fmin(np.fmax(given[self._theirs], 0.0), 1.0)  # fmax takes the other for a NaN
        if self._jaw_in_close:
            weights[_JAW_OPEN] = min(1.0, weights[_JAW_OPEN] + weights[_MOUTH_CLOSE])
        return weights
