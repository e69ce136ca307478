"""What animates a clip: the protocol between the service and whatever makes weights out of sound.

Two engines keep it. :class:`pipelines.embedded.face.lips.Lips` is the small network that comes with the project;
:class:`pipelines.embedded.face.network.engine.NetworkEngine` is NVIDIA's open one, from a folder that the user has.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pipelines.embedded.face.features import Floats
from pipelines.embedded.face.moods import Mood
from pipelines.embedded.face.wishes import Wishes

FPS = 30
"""Frames a second, as the real service answers. Frame ``n`` has the time code ``n / FPS``."""


@dataclass(frozen=True, slots=True)
class Frames:
    """Frames that follow each other: weights ``(n, names)`` as they go out, and the moods ``(n, 10)`` they show."""

    weights: Floats
    moods: Floats

    def __len__(self) -> int:
        return len(self.weights)


class Solver(Protocol):
    """One clip's way from sound to frames. Slow: run it in a worker, a batch at a time."""

    def push(self, pcm: NDArray[np.int16]) -> Iterator[Frames]:
        """Takes sound of the clip's rate; gives the frames that are now certain, in batches."""
        ...

    def finish(self) -> Iterator[Frames]:
        """The frames that waited for sound still to come: as if silence followed. Call it once, at the end."""
        ...


class Engine(Protocol):
    """What is one a process."""

    names: tuple[str, ...]
    """The blendshapes that its solvers weigh, as the wire spells them."""

    def solver(self, rate: int, wishes: Wishes, mood: Mood) -> Solver:
        """A solver for a clip of ``rate`` Hz."""
        ...

    def about(self) -> dict[str, object]:
        """What to tell of it when the service is ready: short words and figures by name."""
        ...

    def stylization(self) -> dict[str, Any]:
        """Its part of the exported settings: ``a2f`` of a stylization file, under NVIDIA's keys."""
        ...
