"""Blendshapes by name: a service's list of names becomes our order of :data:`aurora.face.ARKIT`.

A service tells its names once, in a header, in its own spelling and order, and may know more shapes than ARKit does.
People's models spell the names in more ways; :func:`arkit_name` understands them as the page does
(``aurora/web/src/arkit.js``; ``tests/aurora/web/names.json`` holds both to one rule).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from aurora.face import ARKIT, Weights

PASCAL_CASE: tuple[str, ...] = tuple(name[0].upper() + name[1:] for name in ARKIT)
"""The same names as Audio2Face spells them: ``JawOpen``."""

_FOLDED = {name.lower(): name for name in ARKIT}
_PREFIX = re.compile(r"^(blendshapes?[0-9]*|arkit|bs)")
_HALVES = re.compile(r"(browinnerup|cheekpuff)(left|right|l|r)")

LONGEST_NAME = 200
"""Characters; a longer name is none of ARKit's."""


def arkit_name(spelling: str) -> str | None:
    """The ARKit name that a shape of somebody's model means, or ``None``.

    Upper and lower case, ``_ - .`` and spaces do not count; ``_L`` and ``_R`` at the end mean Left and Right. What
    stands before the last ``. : | /`` may be left out, and so may the prefixes blendShape1, ARKit and bs. Models that
    split browInnerUp or cheekPuff into two sides are understood: both halves mean the whole.
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


class NameMap:
    """Puts a service's weights into our order; names that ARKit lacks are left out, shapes that it lacks stay 0."""

    def __init__(self, names: Sequence[str]) -> None:
        if len(names) > MOST_NAMES:
            raise ValueError(f"the face service names {len(names)} blendshapes; at most {MOST_NAMES} make sense")
        known = [(theirs, _PLACE[name.lower()]) for theirs, name in enumerate(names) if name.lower() in _PLACE]
        if not known:
            raise ValueError(f"none of the face service's {len(names)} blendshapes is an ARKit name")
        self._theirs = np.array([theirs for theirs, _ in known], np.intp)
        self._ours = np.array([ours for _, ours in known], np.intp)
        self._needed = known[-1][0] + 1

    def __call__(self, values: Sequence[float]) -> Weights:
        """Weights of shape ``(52,)`` in 0..1; what is missing or not a number is 0."""
        given = np.fromiter(values, np.float32, len(values))
        if len(given) < self._needed:
            given = np.concatenate([given, np.zeros(self._needed - len(given), np.float32)])
        weights = np.zeros(len(ARKIT), np.float32)
        weights[self._ours] = np.fmin(np.fmax(given[self._theirs], 0.0), 1.0)  # fmax takes the other for a NaN
        return weights
