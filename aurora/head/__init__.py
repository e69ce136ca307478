"""Sophia's head: the model that a browser shows, and the program that makes it.

``sophia.glb`` and ``sophia-light.glb`` are committed, so that nobody has to build them. ``python -m aurora.head`` makes
them, or another person, out of CC0 data. That needs the extra ``head``; reading the files does not.
"""

from __future__ import annotations

from pathlib import Path

SOPHIA = Path(__file__).with_name("sophia.glb")
SOPHIA_LIGHT = Path(__file__).with_name("sophia-light.glb")
"""A third of the size, for weak graphics and slow networks."""
MOODS = Path(__file__).with_name("moods.json")
"""Moods by name: ``{"weights": {ARKit name: 0..1}, "head": [pitch, yaw, roll] in radians}``."""
